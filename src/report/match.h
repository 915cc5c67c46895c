/* Rows of the same parameters in a stage of two outputs.
 *
 * Process: the one that reads outputs. They may be damaged, and be written meanwhile. */
#ifndef TF_REPORT_MATCH_H
#define TF_REPORT_MATCH_H

#include "report/view.h"

/* A parameter, by its fields in both views; of the same type. */
typedef struct match_param {
    int field[2];
} match_param;

/* What is done with rows. */
typedef struct match_rows {
    /* Rows first[0] .. first[0] + count - 1 of one stage are rows first[1] .. of the other. */
    tf_err (*run)(void *context, const int64_t first[2], int64_t count, tf_error *error);
    /* A row of one stage that the other has not. */
    void (*alone)(void *context, int side, int64_t row);
    void *context;
} match_rows;

/* Goes through the rows of both, in the order of the longer stage, `piece` of them at a time. Of several of the same
 * parameters the first go together, then the second ones. What is held is some 33 bytes for each row of the shorter
 * stage, half of it while they are sorted. */
tf_err match_points(view *const of[2], const match_param *param, int params, int64_t piece, const match_rows *visit,
                    tf_error *error);

#endif
