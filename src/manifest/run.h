/* Kinds of run. A kind is a file that loads it, and a row of the table in run_kinds.c. */
#ifndef TF_MANIFEST_RUN_H
#define TF_MANIFEST_RUN_H

#include "manifest/load.h"

/* A run as it is written. */
typedef struct run_json {
    const cJSON *run;   /* the object */
    const at *up;       /* where it stands */
    const cJSON *value; /* its member that says the kind */
    at where;           /* where that stands */
    const known_names *scope;
} run_json;

enum { RUN_MEMBERS = 3 };

typedef struct run_kind {
    const char *key;
    void (*load)(struct loader *l, const run_json *json, tf_run_spec *run);
    const char *member[RUN_MEMBERS]; /* what may stand beside it */
} run_kind;

/* The table; its end has no key. */
const run_kind *run_kinds(void);

/* ---- The kinds, each in its file ---- */

void run_load_command(struct loader *l, const run_json *json, tf_run_spec *run);
void run_load_service(struct loader *l, const run_json *json, tf_run_spec *run);
void run_load_function(struct loader *l, const run_json *json, tf_run_spec *run);
void run_load_expr(struct loader *l, const run_json *json, tf_run_spec *run);

/* ---- Columns ---- */

#define BAD_COLUMN_NAME "\"%s\" can't be a column's name: it must not be empty or contain /"

bool is_column_name(const char *name);

/* Numbers of columns by their names. */
tf_table number_columns(const tf_column_spec *column, int columns);
int find_column(const tf_table *number, const char *name); /* -1: there is none of that name */

#endif
