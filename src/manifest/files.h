/* Files that tasks read and make: what the manifest says, and which they are. */
#ifndef TF_MANIFEST_FILES_H
#define TF_MANIFEST_FILES_H

#include "manifest/expr.h"
#include <string.h>

typedef struct tf_campaign tf_campaign;
typedef struct tf_stage_spec tf_stage_spec;
typedef struct tf_template tf_template; /* template.h */

/* ---- What the manifest says ---- */

typedef enum tf_file_kind {
    TF_FILE_PATH,   /* one path */
    TF_FILE_SPLIT,  /* a text that holds paths */
    TF_FILE_GLOB,   /* what matches a pattern, outputs of the campaign left out */
    TF_FILE_OUTPUTS /* outputs of a stage */
} tf_file_kind;

/* One entry of a stage's "inputs" or "outputs": a file or several. */
typedef struct tf_file_spec {
    const char *name;    /* as in {inputs.NAME}; NULL in a list */
    const char *pointer; /* JSON pointer, for diagnostics */
    tf_file_kind kind;
    const tf_template *text;   /* path, pattern, or text to split */
    const char *separators;    /* TF_FILE_SPLIT: between paths */
    int stage;                 /* TF_FILE_OUTPUTS: of this stage */
    const char *output;        /* the name of one of its outputs; NULL: all of them */
    int matches;               /* parameters in which its tasks must agree with ours: */
    const char *const *match;  /* their names, */
    const int *mine, *theirs;  /* and numbers */
    const tf_expr *where;      /* of their parameters: which tasks are meant; NULL: all */
    tf_table patterns;         /* TF_FILE_GLOB: each pattern's list */
    tf_buf *list;              /* of the paths that matched as the campaign was read, each ended by a NUL */
    bool allow_empty, by_hash; /* inputs, */
    bool stage_in;             /* copied to the node's own disk */
    bool temp, protect;        /* outputs */
    bool outside;              /* outputs and logs: may be where links lead, or outside the work folder */
} tf_file_spec;

/* Has the entry this name? NULL is any. */
static inline bool tf_file_has_name(const tf_file_spec *spec, const char *name) {
    return !name || (spec->name && strcmp(spec->name, name) == 0);
}

/* Files of one task. Paths are relative to the work folder, or absolute where they are outside of it, without ".", ".."
 * or "//". */
typedef struct tf_path {
    const tf_file_spec *spec;
    size_t at; /* in the text */
} tf_path;

typedef struct tf_paths {
    tf_buf text; /* paths, each ended by a NUL */
    tf_path *item;
    size_t count, capacity;
} tf_paths;

static inline const char *tf_paths_text(const tf_paths *paths, size_t i) {
    return paths->text.data + paths->item[i].at;
}

void tf_paths_clear(tf_paths *paths); /* keeps the memory */
void tf_paths_free(tf_paths *paths);

/* Folders that are links, and what they led to when somebody looked: all zeros is none. */
typedef struct tf_links {
    tf_table paths;
    tf_buf text; /* per link: its path and what that led to, each ended by a NUL */
} tf_links;

void tf_links_add(tf_links *links, const char *path, size_t length, const char *target);
const char *tf_links_find(const tf_links *links, const char *path, size_t length); /* NULL: it is none of them */
void tf_links_free(tf_links *links);

/* ---- Which files a task reads and makes ---- */

/* Finds the files of tasks. Remembers which outputs belong together; for one thread. The campaign must outlive it. */
typedef struct tf_files tf_files;
tf_files *tf_files_new(const tf_campaign *campaign);
void tf_files_free(tf_files *files);

/* Is the task left out by "where" of its stage? Then it has no files. For stages whose parameters are all their own. */
bool tf_files_leave_out(tf_files *files, int stage, int64_t index);

/* A task's inputs and outputs, in the order of the manifest, in place of what `out` had. */
void tf_files_inputs(tf_files *files, int stage, int64_t index, tf_paths *out);
void tf_files_outputs(tf_files *files, int stage, int64_t index, tf_paths *out);

/* Its log, likewise; nothing where it has none. */
void tf_files_log(tf_files *files, int stage, int64_t index, tf_paths *out);

/* Is a path of those, or of tf_files_normalize, outside the work folder, as far as it is written? */
bool tf_files_is_outside(const char *path);

/* Can a stage's logs be told before other stages have rows? */
bool tf_files_know_log(const tf_stage_spec *stage);

/* Adds the paths of all files that the campaign's tasks make: outputs, and the logs that are known. */
void tf_files_all_outputs(tf_files *files, tf_table *outputs);

/* A path as those in tf_paths, in place of what `out` had. */
void tf_files_normalize(const tf_campaign *campaign, const char *path, tf_buf *out);

/* A hash of the paths of a task's inputs; never 0. */
uint64_t tf_files_input_set(tf_files *files, int stage, int64_t index);

/* A hash of the contents of those inputs whose entry asks for it: 0 if there are none. Contents that have been read
 * once are known by the file's time. Returns the path of a file that can't be read, with the failure as tf_read_failure
 * takes it; NULL: all were read, or are not there. */
const char *tf_files_hash(tf_files *files, const tf_paths *paths, uint64_t *hash, int *failure);

/* Those of one entry, added to `out`. */
void tf_files_of_spec(tf_files *files, int stage, const tf_file_spec *spec, int64_t index, tf_paths *out);

/* The tasks whose outputs an entry of kind TF_FILE_OUTPUTS stands for, for a task of the stage. Returns which of the
 * groups of such tasks it is, -1 if there are none; `*member` is NULL for all the tasks there are. */
int64_t tf_files_group(tf_files *files, int stage, const tf_file_spec *spec, int64_t index, const int64_t **member,
                       int64_t *count);

/* How many groups there are. */
int64_t tf_files_groups(tf_files *files, const tf_file_spec *spec);

/* "stage[filter=R, n=3]": a task for people. */
void tf_task_name(const tf_campaign *campaign, int stage, int64_t index, tf_buf *out);

#endif
