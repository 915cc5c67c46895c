/* What is run, as files: programs, scripts and what they import. */
#ifndef TF_MANIFEST_CODE_H
#define TF_MANIFEST_CODE_H

#include "manifest/manifest.h"

typedef enum tf_code_kind {
    TF_CODE_PROGRAM, /* what is run */
    TF_CODE_SCRIPT,  /* what an interpreter runs */
    TF_CODE_MODULE   /* "python -m NAME" */
} tf_code_kind;

/* A word of a command line that is the same for all tasks. */
typedef struct tf_code_word {
    tf_code_kind kind;
    const char *text;    /* a path, or a module's name; of a program without a slash it is looked for in PATH */
    const char *folder;  /* that it runs in, with its slash; "": the work folder */
    bool is_python;      /* the script or module is */
    bool is_interpreter; /* the program is one whose scripts are known */
    bool in_shell;       /* it stands in a text for the shell */
} tf_code_word;

typedef void tf_on_code_word(void *context, const tf_code_word *word);

/* Tells of the programs and scripts of a command or service, each with its word. No file is opened. */
void tf_code_words(const tf_run_spec *run, tf_on_code_word *take, void *context);

/* Adds a JSON list of the files that users have written of what the stage runs: {"path", "hash", "size", "time",
 * "inode"}, all of them texts. `known` is such a list of before, by which files are known again without being read;
 * NULL: there is none. Relative to the current folder. */
void tf_code_files(const tf_stage_spec *stage, const char *known, tf_buf *out);

/* A hash of such a list, of names and contents; never 0. */
uint64_t tf_code_hash(const char *files);

/* Adds the paths that are not the same in both lists, each ended by a NUL, and none twice. */
void tf_code_changed(const char *then, const char *now, tf_buf *names);

/* Adds that these paths have changed since so many rows were made. */
void tf_code_tell(const tf_buf *names, int64_t rows, tf_buf *out);

#endif
