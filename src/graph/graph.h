/* Dependencies: between stages, by "after", and between tasks, by the files that one makes and another reads. What of a
 * campaign is to be run, and why; and while it runs, what the end of a task makes ready.
 *
 * Process: the first rank, and verbs that plan. Must survive files that change while they are looked at.
 *
 * Tasks of stages that declare files are nodes of the graph; a stage without files, however large, is one node. Costs
 * are linear in nodes and edges: all outputs of a stage, as an input of many tasks, are one node in between. Reads
 * nothing but the times of files, each once. */
#ifndef TF_GRAPH_H
#define TF_GRAPH_H

#include "manifest/manifest.h"

/* ---- Stages ---- */

/* Reports each loop in "after", naming all of it. true if there is none. */
bool tf_graph_check(const tf_campaign *campaign, tf_diags *diags);

/* The stages in an order in which each comes after those it waits for, manifest order otherwise, into `order`
 * (campaign->stages numbers). For campaigns without loops. */
void tf_graph_order(const tf_campaign *campaign, int *order);

/* ---- Tasks ---- */

/* Where times of files come from: the disk, or a test's table. */
typedef struct tf_disk tf_disk;
typedef enum tf_disk_kind { TF_DISK_NOTHING, TF_DISK_FILE, TF_DISK_FOLDER, TF_DISK_LINK } tf_disk_kind;

/* A file or a folder, however it is called. Compared byte by byte. */
typedef struct tf_disk_id {
    uint64_t device, inode; /* 0: not known */
    uint64_t is_folder;     /* 1: it is a folder */
} tf_disk_id;

/* Gets an entry of a folder. false of one that is a folder itself: what is in it is left out. */
typedef bool tf_disk_on_entry(void *context, const char *path, int64_t time);
struct tf_disk {
    /* The time at which a file was last changed, in ns since 1970-01-01, and its identity; TF_DISK_MISSING: it does not
     * exist. People and programs may have given it another time, but none that is still to come. */
    int64_t (*time)(tf_disk *self, const char *path, tf_disk_id *id);

    /* The time at which it was last made, written, renamed or given another time, as the disk itself has it. NULL: that
     * is not known. */
    int64_t (*changed)(tf_disk *self, const char *path);

    /* Is it a file or a folder that can be read to its end, and no FIFO, socket or device? NULL: all are. */
    bool (*has_contents)(tf_disk *self, const char *path);

    /* Sets that time to now. */
    void (*touch)(tf_disk *self, const char *path);

    /* Calls `visit` for a folder and all that is in it, at any depth; for nothing if the path is no folder. NULL: there
     * are no folders. */
    void (*each)(tf_disk *self, const char *path, tf_disk_on_entry *visit, void *context);

    /* What stands under a name; a link is not followed. NULL: no name is that of a folder or a link. */
    tf_disk_kind (*look)(tf_disk *self, const char *path, tf_disk_id *id);

    /* Adds the path without links; false if nothing is there. Not called if `look` is NULL. */
    bool (*resolve)(tf_disk *self, const char *path, tf_buf *out);

    /* Are names in the folder the same that differ only in the case of letters? NULL: nowhere. */
    bool (*folds)(tf_disk *self, const char *folder);
};
#define TF_DISK_MISSING INT64_MIN

/* The file system, relative to the current folder. */
tf_disk tf_disk_real(void);

typedef struct tf_graph tf_graph;

/* Makes the graph from the files of all tasks. Reports inputs that do not exist and that no task makes, files that two
 * tasks write or that are the campaign's own, outputs and logs outside the work folder, and loops; NULL then. Campaign
 * and disk must outlive the graph. */
tf_graph *tf_graph_new(const tf_campaign *campaign, tf_disk *disk, tf_diags *diags);
void tf_graph_free(tf_graph *graph);

/* Gives away the links that lead to folders of files that tasks write; once. */
tf_links tf_graph_move_links(tf_graph *graph);

/* ---- What is to be run ---- */

/* Why a task is to be run. */
typedef enum tf_why {
    TF_WHY_NOT,        /* it is not to be run */
    TF_WHY_NEW,        /* it has never ended */
    TF_WHY_FAILED,     /* it failed last time */
    TF_WHY_UNFINISHED, /* it has not ended, and left some output */
    TF_WHY_PARAMS,     /* its outputs exist, and are of other parameters */
    TF_WHY_CODE,       /* what it runs has changed */
    TF_WHY_FORCED,     /* the user says so */
    TF_WHY_MISSING,    /* an output is missing */
    TF_WHY_NEWER,      /* an input is newer than an output */
    TF_WHY_REMADE,     /* an input will be made again */
    TF_WHY_INPUTS,     /* its inputs are other files than last time */
    TF_WHY_CONTENTS,   /* the contents of its inputs have changed */
    TF_WHY_NEEDED,     /* a task that will run needs its temporary output */
    TF_WHYS
} tf_why;

/* What the user wants. */
typedef struct tf_wish {
    bool by_time, by_params, by_code, by_inputs; /* what makes a task stale */
    bool remakes_code;                           /* rows of other code are made again in stages without files, too */
    bool touch;                                  /* nothing is run: outputs that exist are declared good */
    int forces, targets;
    const char *const *force;  /* names of stages */
    const char *const *target; /* a stage, STAGE[PARAMETER=VALUE, ...] or an output; none: everything */
} tf_wish;

/* Decides which tasks are to be run. `past` has an element a stage. false after diagnostics about the wish. */
bool tf_graph_plan(tf_graph *graph, const tf_past *past, const tf_wish *wish, tf_diags *diags);

/* What was decided of a stage. */
typedef struct tf_stage_plan {
    tf_intervals run; /* tasks to be run */
    tf_intervals
        redo; /* tasks that were done, and no longer are; those of them that are not in `run` are not selected */
    tf_intervals adopt; /* tasks that are done without being run */
    int64_t withheld;   /* tasks that are neither done nor to be run */
} tf_stage_plan;

/* Sets the times of outputs that the wish declares good to now, in the order of the graph, so that none is newer than
 * what is made of it. */
void tf_graph_touch(tf_graph *graph);

const tf_stage_plan *tf_graph_stage(const tf_graph *graph, int stage);

/* Adds which tasks lose their results though they are not run again now. */
void tf_graph_tell_dropped(const tf_graph *graph, tf_buf *out);

tf_why tf_graph_why(const tf_graph *graph, int stage, int64_t index);

/* Of tasks first .. end - 1, which are to be run: the end of those that have the first one's reason. */
int64_t tf_graph_why_until(const tf_graph *graph, int stage, int64_t first, int64_t end);

/* Adds the reason in words: "input a.fits is newer than output b.fits". */
void tf_graph_explain(tf_graph *graph, int stage, int64_t index, tf_buf *out);

/* Adds the graph in Graphviz's language, by stage or by task. */
void tf_graph_draw(tf_graph *graph, bool tasks, tf_buf *out);

/* Gets a dependency between stages: `to` reads what `from` makes; or, with order_only, only comes after it. */
typedef void tf_graph_on_edge(void *context, int from, int to, bool order_only);

/* Calls `visit` for each dependency between stages. Without a graph (NULL): for those that the campaign alone tells. */
void tf_graph_edges(const tf_graph *graph, const tf_campaign *campaign, tf_graph_on_edge *visit, void *context);

/* ---- While it runs ---- */

/* What is told of tasks of stages with files. */
typedef struct tf_graph_events {
    void *context;
    /* The tasks may be handed out. `level` is the number of tasks on the longest path from them to the end. */
    void (*ready)(void *context, int stage, int64_t first, int64_t count, int level);
    /* The tasks can't be run, since task `cause` of stage `cause_stage` has failed. */
    void (*skip)(void *context, int stage, int64_t first, int64_t count, int cause_stage, int64_t cause);
    /* No task needs the temporary outputs of this one any more. */
    void (*unneeded)(void *context, int stage, int64_t index);
} tf_graph_events;

/* Starts: tells of the tasks that can be run at once, and of temporary outputs that an earlier run has left. */
void tf_graph_start(tf_graph *graph, const tf_graph_events *events);

/* Notes that tasks first .. first + count - 1, which were to be run, have ended, and tells what follows from it. */
void tf_graph_ended(tf_graph *graph, int stage, int64_t first, int64_t count, bool done, const tf_graph_events *events);

/* The longest path from a stage without files to the end, in tasks. */
int tf_graph_level(const tf_graph *graph, int stage);

#endif
