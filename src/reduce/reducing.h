/* Reductions: each rank goes through its share of a stage's rows, as often as needed, a piece at a time, so that
 * nothing has to fit in memory but what is kept of each group. All that ranks put together are integers, minima and
 * counts, and exact sums (tf_sum), so that the result is the same to the bit for any number of ranks. */
#ifndef TF_REDUCE_REDUCING_H
#define TF_REDUCE_REDUCING_H

#include "store/state.h"

#define NO_GROUP UINT32_MAX

/* Rows of a stage on their way into a reduction. */
typedef struct reduce_rows reduce_rows;

typedef struct reducing {
    tf_store *store;
    int stage;
    const tf_reduce_spec *spec;
    reduce_rows *rows;
    int64_t limit;  /* tasks from here on are left out */
    int64_t memory; /* bytes in which different numbers are kept while they are counted; 0: as many as usual */
    int64_t groups;
    tf_buf keys;      /* of all groups, one after the other: bytes by which groups are sorted */
    int64_t *key_at;  /* per group: where its key begins in `keys`; and where the last one ends */
    int64_t *members; /* per group: how many rows it has */
    tf_error *error;
} reducing;

/* ---- Rows and groups ---- */

/* Opens what the reduction reads; finds the groups (collective). */
tf_err reduce_open(reducing *r);
void reduce_close(reducing *r);

/* One key of a group. A string ends in a NUL. The word of an integer is its int64_t or uint64_t, that of a number its
 * double, that of a boolean 0 or 1. */
const char *reduce_key_text(const reducing *r, int64_t group, int key);
uint64_t reduce_key_word(const reducing *r, int64_t group, int key);

/* The stage whose rows are read, one of its values, and how many elements that has in a row. */
const tf_stage_spec *reduce_stage_spec(const reducing *r);
tf_value reduce_value_of(const reducing *r, int value);
int64_t reduce_elements(const reducing *r, int value);

/* Some rows, and one of their values. A row is a task, and has its number. In a reduction of arrays it is an element,
 * and has the number that this has in the whole array, in C order. */
typedef struct reduce_piece {
    int64_t first, count;
    const int64_t *row;    /* numbers of the rows; NULL: first, first + 1, ... */
    const uint32_t *group; /* their groups; NO_GROUP: the row is left out */
    const double *numbers; /* count x elements */
    const int64_t *exact; /* the same as integers of 64 bits, signed or not as their type is; NULL: numbers are exact */
} reduce_piece;

/* Collective: calls `visit` for this rank's rows, a piece at a time. */
typedef void reduce_visit(void *context, const reduce_piece *piece);
tf_err reduce_each(reducing *r, int value, reduce_visit *visit, void *context);

/* ---- Statistics ---- */

/* A statistic of all groups: an array of groups x elements x tf_stat_spec.size, in `numbers` or in `integers`. */
typedef struct reduce_result {
    double *numbers;
    int64_t *integers;
    int64_t *rows; /* of these numbers; -1: none. NULL: the statistic names no rows */
    double *edges; /* size + 1 edges of bins, which all groups share; NULL: there are no bins */
} reduce_result;

/* Collective: makes all statistics of one value. `result` has one for each statistic of the reduction: those of other
 * values stay as they are. */
tf_err reduce_value(reducing *r, int value, reduce_result *result);

/* ---- The whole ---- */

/* Collective: opens, and works out all statistics, one result each. */
tf_err reduce_work_out(reducing *r, reduce_result *result);

/* Closes and frees both. */
void reduce_end(reducing *r, reduce_result *result);

/* Collective: makes the reduction's group in `parent`, and all that is in it. */
bool reduce_write(const reducing *r, hid_t parent, const reduce_result *result);

#endif
