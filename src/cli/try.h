/* One task that is tried, told to people (try.c) or to programs (try_json.c). */
#ifndef TF_CLI_TRY_H
#define TF_CLI_TRY_H

#include "cli/cli.h"
#include "host/run.h"

typedef struct trial {
    const tf_stage_spec *stage;
    int64_t index;
    tf_err outcome;
    tf_store_guest guest; /* how HDF5 tells a function of errors, as it would in a host */
    FILE *out;            /* where programs are told; NULL: people are */
    tf_buf given;         /* what the task is given, as JSON */
} trial;

typedef struct try_style {
    FILE *(*begin)(void); /* NULL: nothing is to be done before */
    tf_host_on_point *on_point;
    tf_on_rows *on_rows;
} try_style;

extern const try_style try_for_programs;

/* A text of the only row, such as TF_RECORD_MESSAGE; NULL: it has none. */
const tf_record *try_find_text(const tf_rows *rows, int32_t kind);

#endif
