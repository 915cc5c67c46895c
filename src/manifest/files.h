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
    TF_FILE_SPLIT,  /* a text that holds several paths */
    TF_FILE_GLOB,   /* what matches a pattern, without outputs of the campaign */
    TF_FILE_OUTPUTS /* outputs of a stage */
} tf_file_kind;

/* One entry of a stage's "inputs" or "outputs": a file or several. */
typedef struct tf_file_spec {
    const char *name;    /* as in {inputs.NAME}; NULL: the entry is in a list */
    const char *pointer; /* JSON pointer, for diagnostics */
    tf_file_kind kind;
    const tf_template *text; /* path, pattern, or text to split */

    const char *separators; /* TF_FILE_SPLIT: characters between paths */

    /* TF_FILE_OUTPUTS */
    int stage;                /* the stage whose outputs they are */
    const char *output;       /* the name of one of its outputs; NULL: all outputs are meant */
    int matches;              /* how many parameters must have the same value in its tasks and in ours */
    const char *const *match; /* names of these parameters */
    const int *mine, *theirs; /* numbers of these parameters in our stage, and in the other one */
    const tf_expr *where;     /* of its parameters: which tasks are meant; NULL: all */

    /* TF_FILE_GLOB */
    tf_table patterns; /* numbers of lists, by their patterns */
    tf_buf *list;      /* per pattern: the paths that matched when the campaign was read, each ended by a NUL */

    /* Inputs */
    bool allow_empty; /* no matching file is all right */
    bool by_hash;     /* contents tell whether the input has changed, and not times */
    bool stage_in;    /* the input is copied to the node's own disk */

    /* Outputs and logs */
    bool temp;    /* the output is removed when no task needs it any more */
    bool protect; /* the output is made read-only, and not made again */
    bool outside; /* the path may lead outside the work folder */
} tf_file_spec;

/* Has the entry this name? NULL stands for any name. */
static inline bool tf_file_has_name(const tf_file_spec *spec, const char *name) {
    return !name || (spec->name && strcmp(spec->name, name) == 0);
}

/* Files of one task. Paths are relative to the work folder, or absolute where they are outside of it, without ".", ".."
 * or "//", and without the slash at the end that makes one a folder. */
typedef struct tf_path {
    const tf_file_spec *spec;
    size_t at;      /* where its path is in tf_paths.text */
    bool is_folder; /* it must be a folder: as it is written, it ends in a slash */
} tf_path;

typedef struct tf_paths {
    tf_buf text; /* the paths, each ended by a NUL */
    tf_path *item;
    size_t count, capacity;
} tf_paths;

static inline const char *tf_paths_text(const tf_paths *paths, size_t i) {
    return paths->text.data + paths->item[i].at;
}

/* Adds a path as it is written in a manifest: that of a folder ends in a slash. */
void tf_paths_show(const tf_paths *paths, size_t i, tf_buf *out);

void tf_paths_clear(tf_paths *paths); /* keeps the memory */
void tf_paths_free(tf_paths *paths);

/* Folders that are links, and where each led when the campaign was planned. All zeros is empty. */
typedef struct tf_links {
    tf_table paths; /* where in `text` a link is, by its path */
    tf_buf text;    /* per link: its path and where it led, each ended by a NUL */
} tf_links;

void tf_links_add(tf_links *links, const char *path, size_t length, const char *target);
const char *tf_links_find(const tf_links *links, const char *path,
                          size_t length); /* where it led; NULL: it is no link */
void tf_links_free(tf_links *links);

/* ---- Which files a task reads and makes ---- */

/* Finds the files of tasks, in one thread. Remembers which outputs belong together. The campaign must outlive it. */
typedef struct tf_files tf_files;
tf_files *tf_files_new(const tf_campaign *campaign);
void tf_files_free(tf_files *files);

/* Is the task left out by "where" of its stage? Then it has no files. For stages without upstream values. */
bool tf_files_leave_out(tf_files *files, int stage, int64_t index);

/* Replaces `out` by a task's inputs or outputs, in the order of the manifest. */
void tf_files_inputs(tf_files *files, int stage, int64_t index, tf_paths *out);
void tf_files_outputs(tf_files *files, int stage, int64_t index, tf_paths *out);

/* Replaces `out` by a task's log; by nothing if it has none. */
void tf_files_log(tf_files *files, int stage, int64_t index, tf_paths *out);

/* Have all tasks of the stage the same inputs, and no outputs? */
bool tf_files_are_shared(const tf_stage_spec *stage);

/* Is a path outside the work folder, as it is written? For paths of tf_paths and of tf_files_normalize. */
bool tf_files_is_outside(const char *path);

/* Are the names of a stage's logs known before other stages have rows? */
bool tf_files_know_log(const tf_stage_spec *stage);

/* Adds the paths of all files that the campaign's tasks make: outputs, and the logs that are known. */
void tf_files_all_outputs(tf_files *files, tf_table *outputs);

/* Is the path one of these, or in a folder that is? */
bool tf_files_are_of(const tf_table *outputs, const char *path);

/* Replaces `out` by a path in the form of those in tf_paths. */
void tf_files_normalize(const tf_campaign *campaign, const char *path, tf_buf *out);

/* A hash of the paths of a task's inputs; never 0. */
uint64_t tf_files_input_set(tf_files *files, int stage, int64_t index);

/* A hash of the contents of those inputs whose entry asks for it; 0 if none does. A file is read again only if its time
 * or size has changed. Returns the path of a file that can't be read, with the failure as tf_read_failure takes it;
 * NULL: all files were read, or do not exist. */
const char *tf_files_hash(tf_files *files, const tf_paths *paths, uint64_t *hash, int *failure);

/* Adds the files of one entry to `out`. */
void tf_files_of_spec(tf_files *files, int stage, const tf_file_spec *spec, int64_t index, tf_paths *out);

/* The group of tasks whose outputs an entry of kind TF_FILE_OUTPUTS means, for a task of the stage. Returns the group's
 * number, or -1 if there are no such tasks. `*member` has its `*count` tasks; NULL: all tasks are in it. */
int64_t tf_files_group(tf_files *files, int stage, const tf_file_spec *spec, int64_t index, const int64_t **member,
                       int64_t *count);

/* How many groups the entry has. */
int64_t tf_files_groups(tf_files *files, const tf_file_spec *spec);

/* Adds a task's name for people: "stage[filter=R, n=3]". */
void tf_task_name(const tf_campaign *campaign, int stage, int64_t index, tf_buf *out);

#endif
