/* The files of one task, worked out from its index whenever somebody asks. Only which tasks belong together, and what
 * is known of contents, is remembered. */
#ifndef TF_MANIFEST_FINDER_H
#define TF_MANIFEST_FINDER_H

#include "manifest/load.h"

/* Tasks of a stage by their values of some parameters. */
typedef struct grouping {
    const tf_file_spec *spec;
    tf_table keys;    /* numbers of groups, by their values */
    int64_t *first;   /* per group, and one more: where its members begin */
    int64_t *members; /* tasks, group by group, in order */
    uint64_t *hash;   /* per group: of the paths of its outputs; 0: not known yet */
} grouping;

/* The parameters of one task. */
typedef struct reader {
    void **value;        /* per parameter: its value */
    const void **params; /* the same pointers, as tf_point has them */
} reader;

/* What is known of a file or a folder whose contents were read. */
typedef struct contents {
    int64_t time, size; /* ns and bytes, when it was read; of a folder a hash of those of all that is in it, and -1 */
    uint64_t hash;
} contents;

struct tf_files {
    const tf_campaign *campaign;
    reader *reader;   /* per stage */
    tf_eval ***where; /* per stage: its evaluators; NULL: nobody has asked yet */
    grouping *grouping;
    int groupings;
    tf_buf text, key;
    tf_paths paths;
    tf_table made;      /* paths that tasks of the campaign make; empty: not known yet */
    tf_table read;      /* numbers of files whose contents are known, by their paths */
    contents *contents; /* per such file */
};

/* The grouping that an entry refers to, made if nobody has asked for it yet. */
grouping *files_grouping(tf_files *f, const tf_file_spec *spec);

/* Adds the outputs of other tasks that an entry stands for. */
void files_add_outputs(tf_files *f, int stage, const tf_file_spec *spec, int64_t index, tf_paths *out);

#endif
