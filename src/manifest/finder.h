/* The files of one task, worked out from its index whenever somebody asks: nothing is kept but which tasks belong
 * together, and what is known of contents. */
#ifndef TF_MANIFEST_FINDER_H
#define TF_MANIFEST_FINDER_H

#include "manifest/load.h"

/* Tasks of a stage by their values of some parameters. */
typedef struct grouping {
    const tf_file_spec *spec;
    tf_table keys;    /* the group's number by its values */
    int64_t *first;   /* per group, and one more: where its members begin */
    int64_t *members; /* tasks, group by group, in order */
    uint64_t *hash;   /* per group, of its paths; 0: not yet known */
} grouping;

/* The parameters of one task. */
typedef struct reader {
    void **value;
    const void **params;
} reader;

/* Of a file whose contents were read. */
typedef struct contents {
    int64_t time, size; /* ns, bytes: as they were then */
    uint64_t hash;
} contents;

struct tf_files {
    const tf_campaign *campaign;
    reader *reader;   /* per stage */
    tf_eval ***where; /* per stage; NULL where nobody has asked */
    grouping *grouping;
    int groupings;
    tf_buf text, key;
    tf_paths paths;
    tf_table made; /* by tasks of the campaign; empty: not yet known */
    tf_table read; /* files whose contents are known */
    contents *contents;
};

/* The grouping that an entry refers to, made if nobody has asked for it yet. */
grouping *files_grouping(tf_files *f, const tf_file_spec *spec);

/* Adds the outputs of other tasks that an entry stands for. */
void files_add_outputs(tf_files *f, int stage, const tf_file_spec *spec, int64_t index, tf_paths *out);

#endif
