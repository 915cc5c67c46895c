/* What is run, as files: programs, scripts and what they import. */
#ifndef TF_MANIFEST_CODE_H
#define TF_MANIFEST_CODE_H

#include "manifest/manifest.h"

typedef enum tf_code_kind {
    TF_CODE_PROGRAM, /* a program that is run */
    TF_CODE_SCRIPT,  /* a script that an interpreter runs */
    TF_CODE_MODULE   /* a module: "python -m NAME" */
} tf_code_kind;

/* A word of a command line that is the same for all tasks. */
typedef struct tf_code_word {
    tf_code_kind kind;
    const char *text;    /* a path, or a module's name; a program without a slash is searched for in PATH */
    const char *folder;  /* the folder that it runs in, with a slash at its end; "": the work folder */
    bool is_python;      /* it is a script or a module of Python */
    bool is_interpreter; /* it is a program whose scripts are known as such */
    bool in_shell;       /* it stands in a text for the shell */
} tf_code_word;

typedef void tf_on_code_word(void *context, const tf_code_word *word);

/* Calls `visit` for each word of a command or service that is a program, script or module. No file is opened. */
void tf_code_words(const tf_run_spec *run, tf_on_code_word *visit, void *context);

/* Who asks interpreters; all zeros: nobody. */
typedef struct tf_code_asker {
    /* Asks the interpreter of a stage what files modules are made of: a JSON list of {"file", "module"}. Adds its
     * answer, as src/python/taskfarm/_slot/code.py makes it. false: there is none. */
    bool (*ask)(void *context, int stage, const char *modules, tf_buf *answer);
    void *context;
} tf_code_asker;

/* Adds a JSON list of the files that the stage runs and users have written: {"path", "hash", "size", "time", "inode"},
 * all of them strings. `known` is an earlier list, whose hashes are taken for files that have not changed since; NULL:
 * there is none. Paths are relative to the current folder. Of Python functions the hash is one of the syntax tree;
 * where `asker` is NULL, or has no answer, of the bytes. An item without a hash is no code: the interpreter, and the
 * items of `common` (from tf_common_files; NULL: there are none). */
void tf_code_files(const tf_stage_spec *stage, const char *known, const char *common, const tf_code_asker *asker,
                   tf_buf *out);

/* The interpreter in such a list: {"path", "version"}, or NULL if there is none. The caller deletes the object. */
struct cJSON *tf_code_interpreter(const char *files);

/* A hash of the names and contents in such a list; never 0. */
uint64_t tf_code_hash(const char *files);

/* Adds the paths of files that differ between the lists, each once and ended by a NUL. */
void tf_code_changed(const char *then, const char *now, tf_buf *names);

/* Adds in words that these paths have changed since `rows` rows were made. */
void tf_code_tell(const tf_buf *names, int64_t rows, tf_buf *out);

#endif
