/* What exists while the graph is built. A file calls those before it: builder.c, writes.c (what tasks write), reads.c
 * (what they read), order.c (edges and levels), build.c (the whole). */
#ifndef TF_GRAPH_BUILDER_H
#define TF_GRAPH_BUILDER_H

#include "graph/nodes.h"
#include "graph/owned.h"

/* A file that no task makes. */
typedef struct outside_file {
    int64_t time, inside; /* if it is a folder: see graph_time_inside */
} outside_file;
typedef struct log_maker {
    int64_t index;
    int stage;
} log_maker;

/* Paths outside the work folder that one template of a stage gives: a slip in it concerns all tasks. */
typedef struct strays {
    const tf_file_spec *spec;
    bool by_link; /* a link is on the way to them */
    int stage;
    int64_t index; /* the task that has the first */
    char *path;
    int64_t count;
} strays;

typedef struct builder {
    tf_graph *graph;
    tf_diags *diags;
    edge *edge;
    size_t edges, edge_capacity;
    size_t output_capacity;
    tf_table files;      /* number of a file that no task makes */
    outside_file *found; /* of these */
    size_t found_capacity;
    owned owned;
    tf_table made_ids; /* number of an output that is there, by what it is */
    tf_table asides;   /* number of an output by where it is set aside, if outputs of failed attempts are */
    tf_table logs;     /* number of a log by its key */
    log_maker *log;    /* whose it is */
    size_t log_capacity;
    strays *strays;
    size_t stray_kinds;
    int missing; /* inputs reported */
} builder;

void builder_add_edge(builder *b, node from, node to);
node builder_add_extra(tf_graph *g, extra e);

/* Something is wrong with a task's files, by the entry at the JSON pointer. */
void builder_diagnose(const builder *b, const char *pointer, int stage, int64_t index, tf_diag_id id,
                      const char *format, ...) TF_PRINTF(6, 7);

/* The name of the task that makes an output, or that a log is of; to be freed. */
tf_buf builder_name_maker(const builder *b, uint32_t output);
tf_buf builder_name_logger(const builder *b, uint32_t log);

/* ---- writes.c ---- */

/* Outputs and logs of all tasks; then, when inputs are known as well, that no file and no folder have one name. */
void writes_add(builder *b);
void writes_check_folders(builder *b);

/* ---- reads.c ---- */

void reads_add(builder *b, int stage); /* all inputs of a stage's tasks */

/* ---- order.c ---- */

edges order_edges(const builder *b, bool backwards);
bool order_find(builder *b); /* false after a diagnostic: tasks wait for each other in a circle */
void order_find_levels(tf_graph *g);

#endif
