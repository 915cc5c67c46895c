/* What exists while the graph is built. A file calls those before it: builder.c, writes.c (what tasks write), reads.c
 * (what they read), missing.c (what of that is not there), nesting.c (what lies in what), order.c (edges and levels),
 * build.c (the whole). */
#ifndef TF_GRAPH_BUILDER_H
#define TF_GRAPH_BUILDER_H

#include "graph/nodes.h"
#include "graph/owned.h"

/* A file that no task makes. */
typedef struct outside_file {
    int64_t time;     /* TF_DISK_MISSING: it is not there */
    int64_t inside;   /* of a folder: see graph_time_inside */
    bool is_checked;  /* whether it has contents: an input that is checked by these is it */
    uint32_t missing; /* its number among the missing files, from 1; 0: it is none of them */
} outside_file;

/* An input that is not there, and that no task makes. */
typedef struct missing_file {
    const tf_file_spec *spec; /* of the first task that needs it */
    int64_t index;            /* this task */
    int stage;
    char *path;
    tf_intervals tasks; /* nodes of all tasks that need it */
} missing_file;

/* The task that writes a log. */
typedef struct log_maker {
    int64_t index;
    int stage;
} log_maker;

/* Paths outside the work folder that one template of a stage gives. They are reported together: a slip in a template
 * concerns all tasks. */
typedef struct strays {
    const tf_file_spec *spec;
    bool by_link; /* a link is on the way to them */
    int stage;
    int64_t index; /* the task that has the first path */
    char *path;    /* the first path */
    int64_t count; /* how many paths there are */
} strays;

typedef struct builder {
    tf_graph *graph;
    tf_diags *diags;
    edge *edge;
    size_t edges, edge_capacity;
    size_t output_capacity;
    tf_table files;      /* numbers of the files that no task makes, by their keys */
    outside_file *found; /* per file that no task makes */
    size_t found_capacity;
    owned owned;
    tf_table made_ids; /* numbers of the outputs that exist, by their tf_disk_id */
    tf_table asides;   /* numbers of outputs, by the keys of where --keep-incomplete sets them aside */
    tf_table logs;     /* numbers of logs, by their keys */
    log_maker *log;    /* per log */
    size_t log_capacity;
    strays *strays;
    size_t stray_kinds;
    missing_file *missing;
    size_t missing_files;
    int unmatched; /* tasks of the stage with which no task agrees whose outputs they want */
} builder;

void builder_add_edge(builder *b, node from, node to);
node builder_add_extra(tf_graph *g, extra e);

/* Reports what is wrong with a task's file; `pointer` is that of the entry in the manifest. */
void builder_diagnose(const builder *b, const char *pointer, int stage, int64_t index, tf_diag_id id,
                      const char *format, ...) TF_PRINTF(6, 7);

/* The name of the task that makes an output, or writes a log; to be freed. */
tf_buf builder_name_maker(const builder *b, uint32_t output);
tf_buf builder_name_logger(const builder *b, uint32_t log);

/* ---- writes.c ---- */

/* Adds outputs and logs of all tasks. */
void writes_add(builder *b);

/* ---- missing.c ---- */

/* Notes that a task needs a file that is not there. */
void missing_note(builder *b, outside_file *file, const tf_file_spec *spec, int stage, int64_t index, const char *path);

void missing_report(builder *b);

/* ---- reads.c ---- */

void reads_add(builder *b, int stage); /* adds all inputs of a stage's tasks */

/* ---- nesting.c ---- */

void nesting_check(builder *b); /* once inputs are known as well */

/* ---- order.c ---- */

edges order_edges(const builder *b, bool backwards);
bool order_find(builder *b); /* false after a diagnostic: tasks wait for each other */
void order_find_levels(tf_graph *g);

#endif
