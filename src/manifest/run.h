/* Kinds of run. A kind is a file that has its tf_run_kind, and a row of the table in run_kinds.c. What a host does with
 * it is likewise a file there, and a row of host/runners.c. */
#ifndef TF_MANIFEST_RUN_H
#define TF_MANIFEST_RUN_H

#include "manifest/load.h"

/* A run as it is written. */
typedef struct run_json {
    const cJSON *run;    /* the object */
    const json_path *up; /* where the object stands */
    const cJSON *value;  /* its member that says the kind */
    json_path where;     /* where that member stands */
    const known_names *scope;
} run_json;

enum { RUN_MEMBERS = 12 };

struct tf_run_kind {
    const char *key;    /* the member of "run" that says the kind */
    const char *schema; /* JSON Schema of that member */
    const char *noun;   /* what such a run is called; NULL: the key */

    /* Loads what the run says. */
    void (*load)(struct loader *l, const run_json *json, tf_run_spec *run);

    /* Settles the stage's columns once its results and arrays are known. NULL: columns are as "results" says. */
    void (*complete)(struct loader *l, const run_json *json, tf_stage_spec *stage);

    /* Adds strings that name all that its rows depend on. NULL: they depend on nothing but the kind. */
    void (*identify)(const tf_stage_spec *stage, cJSON *list);

    /* Lists the files that all tasks share and whose contents rows depend on (see tf_common_files). NULL: there are
     * none. */
    void (*list_common)(const tf_stage_spec *stage, const cJSON *known, cJSON *list);

    /* Adds what a task runs, for people. Without a point: what all tasks run, with placeholders. */
    void (*describe)(const tf_stage_spec *stage, const tf_point *point, tf_buf *out);

    bool takes_blocks; /* a task gets its blocks of the stage's "arrays" */
    bool is_command;   /* each task is a process */
    bool has_process;  /* each task is a process, or answered by one, which may end: it has exit code and signal */
    bool may_repeat;   /* a task may take long, and can be started a second time: "speculative" */

    json_key member[RUN_MEMBERS]; /* what may stand beside the key */
};

/* The table; it ends with NULL. */
const tf_run_kind *const *run_kinds(void);

/* Writes the keys that a run may have to `room`, which has RUN_KEYS. */
enum { RUN_KEYS = 64 };
json_keys run_keys(json_key *room);

/* ---- What its processes are started in (run_environment.c) ---- */

/* Loads "env" and "cwd". `scope`: what placeholders in them may stand for. */
void run_load_environment(struct loader *l, const run_json *json, const known_names *scope, tf_run_spec *run);

/* A member of the run that is a text with placeholders; NULL: there is none, or a diagnostic. */
const tf_template *run_load_text(struct loader *l, const run_json *json, const known_names *scope, const char *key);

#define RUN_ENV                                                                                                        \
    { "env", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}" }

#define RUN_CWD                                                                                                        \
    { "cwd", TEXT("the folder that a command runs in; default: the manifest's") }

/* Adds a command line, as it is written or with the point's values put in (run_text.c). */
void run_describe_process(const tf_stage_spec *stage, const tf_point *point, tf_buf *out);

/* ---- Columns ---- */

/* Diagnoses a name that can't be a column's. */
void check_column_name(struct loader *loader, const json_path *where, const char *name);

/* Numbers of columns, by their names. */
tf_table number_columns(const tf_column_spec *column, int columns);
int find_column(const tf_table *number, const char *name); /* -1: there is none of that name */

#endif
