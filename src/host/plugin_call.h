/* Behind the handles of the plugin interface: a stage's function in one host, and the call under way. */
#ifndef TF_HOST_PLUGIN_CALL_H
#define TF_HOST_PLUGIN_CALL_H

#include "host/host.h"
#include "host/plugin.h"

#define NOT_SET "the function did not set column \"%s\" of type %s"

struct cJSON;

/* One function of one stage in one host. */
struct tf_stage {
    host *host;
    const tf_stage_spec *spec;
    plugin_functions fn;
    void *state;
    tf_buf failure; /* why no task of the stage can run here; empty if they can */
    struct cJSON *args;
    uint64_t rng_key;
    tf_floats floats;   /* how floats are computed whenever the function is called */
    double **as_double; /* per parameter: its batch as doubles, if an integer was bound as a double; else NULL */
    struct call *call;
};

/* Behind tf_task, tf_row and tf_batch: the call under way. */
struct tf_task {
    struct call *call;
};
struct tf_row {
    struct call *call;
};
struct tf_batch {
    struct call *call;
};

/* A column as tasks set it. */
typedef struct target {
    char *cells;      /* cells of the batch under way; NULL: the column has strings or bytes */
    size_t row_bytes; /* of a row's cell */
    tf_type type;
    bool is_number;  /* the cell is a single number */
    bool is_needed;  /* the column is not optional */
    uint64_t set_by; /* the number of the call that set it last */
} target;

typedef struct call {
    tf_task task;
    tf_row row_handle;
    tf_batch batch;
    struct tf_stage *stage;
    host *host;
    int64_t row;
    tf_rng rng;
    bool rng_started;
    bool needs_columns; /* some column is not optional */
    uint64_t number;    /* of this call, from 1 */
    int columns;
    target *target; /* per column */
    bool strays;    /* a batch function has named a row that is not in its batch */
    int64_t stray;  /* the first such row, if there is one */
    bool fails;     /* a batch function has failed some of its rows */
} call;

static inline const tf_column_spec *column_spec(const tf_row *row, tf_column column) {
    return &row->call->stage->spec->column[column];
}

/* "a string", for messages. */
const char *plugin_type_label(tf_type type);

/* May a parameter of type `have` be read as type `want`? */
bool plugin_readable_as(tf_type have, tf_type want);

/* The number of the column or array with that name; -1: there is none. */
int plugin_find_column(const tf_stage_spec *spec, const char *name);
int plugin_find_array(const tf_stage_spec *spec, const char *name);

/* Where a row's value goes; NULL: the column has strings or bytes. */
static inline void *cell_of(const target *t, int64_t row) {
    return t->cells ? t->cells + (size_t)row * t->row_bytes : NULL;
}

#endif
