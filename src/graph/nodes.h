/* The graph as its parts know it. Nodes are numbered: the tasks of each stage with files (a stage without is one node),
 * gates, ends and groups.
 *
 *     gate of a stage -> its tasks -> its end     gates come after the ends of stages that "after" names
 *     tasks -> group -> tasks                     all outputs of a stage, or of those that agree in parameters
 */
#ifndef TF_GRAPH_NODES_H
#define TF_GRAPH_NODES_H

#include <string.h>

#include "graph/folders.h"

typedef uint32_t node;
#define NO_NODE UINT32_MAX

typedef struct graph_stage {
    bool linked; /* its tasks are nodes */
    node first;  /* the first of its tasks, or the stage itself */
    node gate, end;
    tf_stage_plan plan;
} graph_stage;

/* What nodes are that are no tasks. */
typedef enum extra_kind { EXTRA_GATE, EXTRA_END, EXTRA_GROUP } extra_kind;

typedef struct extra {
    extra_kind kind;
    int stage;      /* the stage whose start, end or outputs it is */
    int64_t newest; /* of a group: time of the newest output that is a file */
    int64_t inside; /* of a group: time of the newest output that is a folder */
    bool gone;      /* of a group: an output is missing */
} extra;

/* Edges in one direction: those of node n are to[first[n]] .. to[first[n + 1] - 1]. */
typedef struct edges {
    uint32_t *first;
    node *to;
} edges;

typedef struct edge {
    node from, to;
} edge;

/* Flags of a task. */
enum {
    MISSES_OUTPUT = 1,   /* an output is missing that is not temporary */
    MISSES_TEMP = 2,     /* a temporary output is missing */
    HAS_OUTPUT = 4,      /* an output exists */
    HAS_TEMP = 8,        /* the task makes something temporary */
    SELECTED = 16,       /* the task is wanted, or needed for what is wanted */
    RUNS = 32,           /* it is to be run */
    SKIPPED = 64,        /* it was skipped, or has failed */
    HAS_PROTECTED = 128, /* a protected output exists */
    READS_GONE = 256,    /* an input is temporary, and missing */
    TOUCHED = 512,       /* it would run if the wish did not declare its outputs good */
    LEFT_ASIDE = 1024    /* a temporary folder was set aside, and is not removed yet */
};

enum { MOST_DIAGNOSTICS = 20 }; /* of one kind: a slip in a template concerns all tasks */

struct tf_graph {
    const tf_campaign *campaign;
    tf_disk *disk;
    tf_files *files;
    int stages;
    graph_stage *stage;
    node tasks;   /* nodes 0 .. tasks - 1 are tasks, or stages without files */
    node nodes;   /* how many nodes there are */
    extra *extra; /* per node from `tasks` on */
    size_t extra_capacity;
    edges next, previous;
    node *order;      /* all nodes, each behind those that it waits for */
    int32_t *level;   /* per node: tasks on the longest path to the end, itself included */
    uint16_t *flags;  /* per node */
    uint8_t *why;     /* per node: tf_why */
    uint32_t *unmet;  /* per node: how many of the nodes before it are still to end */
    uint32_t *unread; /* per node: how many of the nodes behind it are still to end */
    folders folders;
    tf_table outputs; /* numbers of outputs, by their keys in `folders` */
    node *maker;      /* per output: its task */
    int64_t *made;    /* per output: its time */
    bool *is_folder;  /* per output: it is a folder */
    bool has_folders; /* some outputs are folders */
    int64_t *newest;  /* per task: time of its newest input */
    int64_t *outside; /* per task: time of its newest input that no task makes */
    int64_t
        *inside; /* per task: time of the newest folder or file in it that is an input; NULL: no inputs are folders */
    int64_t *oldest; /* per task: time of its oldest output */
    const tf_past *past;
    tf_paths paths; /* room for whoever goes through a task's files */
};

/* Which task a node below graph->tasks is. */
int graph_task(const tf_graph *graph, node n, int64_t *index);

static inline node graph_node(const tf_graph *g, int stage, int64_t index) {
    return g->stage[stage].first + (g->stage[stage].linked ? (node)index : 0);
}

/* Is it a task of a stage with files? */
static inline bool graph_is_task(const tf_graph *g, node n) {
    int64_t index;
    return n < g->tasks && g->stage[graph_task(g, n, &index)].linked;
}

/* The number of an output; TF_TABLE_NONE if no task makes the file. */
static inline uint32_t graph_output(tf_graph *g, const char *path) {
    const tf_buf *key = folders_key(&g->folders, path);
    return tf_table_get(&g->outputs, key->data, key->length);
}

/* The number of the output that the file is, or lies in; TF_TABLE_NONE if no task makes it. Once all outputs are known.
 * (within.c) */
uint32_t graph_output_around(tf_graph *graph, const char *path);

/* The number of the output that the folder, by its number, is or lies in; TF_TABLE_NONE: it is in none. */
uint32_t graph_folder_output(tf_graph *graph, uint32_t folder);

/* Adds the path of a folder, by its number; that of one that was found by a link without the link. */
void graph_add_folder(tf_graph *graph, uint32_t folder, tf_buf *out);

/* The time of a file of which that is the output: its own, or if it lies in a folder that a task makes that of the
 * file.
 */
int64_t graph_made(tf_graph *graph, uint32_t output, const char *path);

/* The time of a file or folder on the disk; TF_DISK_MISSING if it is not of the kind that it must be. */
int64_t graph_disk_time(const tf_graph *graph, const char *path, bool is_folder, tf_disk_id *id);

/* Selects the tasks that a target names; in `diags` what is wrong with it. (targets.c) */
void graph_select(tf_graph *graph, const char *target, tf_diags *diags);

/* Seconds since 1970 as ns; INT64_MIN: not known. */
static inline int64_t graph_ns(double seconds) {
    return seconds > 0 && seconds < 9e9 ? (int64_t)(seconds * 1e9) : INT64_MIN;
}

/* Corrects the times of outputs that are older than the run of their task. (kept.c) */
void graph_correct_kept_times(tf_graph *graph, const tf_past *past);

/* Is an input newer than what the task made of it? (plan.c) */
bool graph_input_is_newer(const tf_graph *graph, node n, int64_t index, const tf_past *past);

/* Time of a folder, or of the newest file in it that no task makes; TF_DISK_MISSING if the path is no folder. */
int64_t graph_time_inside(tf_graph *graph, const char *path);

/* The time of a file, whoever makes it, and that or a later one of what is in it. */
int64_t graph_time_of(tf_graph *graph, const char *path);
int64_t graph_time_with_inside(tf_graph *graph, const char *path);

/* Reports what stands where a task that is to run makes a folder, and is not known to be of an earlier run; stages that
 * are forced may remove it. (foreign.c) */
void foreign_check(tf_graph *graph, const bool *forced, tf_diags *diags);

/* A node for people. */
void graph_name(const tf_graph *graph, node n, tf_buf *out);

#endif
