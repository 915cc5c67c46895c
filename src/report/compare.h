/* A stage of one output beside the same of another: which rows differ, and by how much. Rows are read in pieces,
 * whatever their number. Likewise a reduction: its rows are groups, and always compared by their keys.
 *
 * Process: the one that reads outputs. They may be damaged, and be written meanwhile. */
#ifndef TF_REPORT_COMPARE_H
#define TF_REPORT_COMPARE_H

#include "report/gap.h"
#include "report/view.h"

enum { COMPARE_SHOWN = 5 }; /* rows that are told of each difference */

/* Two rows in which a column differs, and its values in them: numbers as in a table, other values as JSON. Of arrays
 * the first element that differs. */
typedef struct difference {
    int64_t row[2];
    int64_t element;
    int64_t place[2][TF_MAX_RANK]; /* in an array of which each task has a block: where the element is in the whole */
    tf_buf value[2];
} difference;

/* A column that both have. */
typedef struct compared_column {
    int field[2];        /* in the views */
    const char *form[2]; /* where types or shapes differ, which counts: "float64[3]"; else NULL */
    const char *why_not; /* why it is not compared; NULL: it is */
    int64_t rows;        /* how many rows differ */
    int64_t left_out;    /* how many rows that both have are not compared in it */
    const char *why_left_out;
    gap gap;
    int shown; /* elements of `first` */
    difference first[COMPARE_SHOWN];
} compared_column;

typedef struct compared {
    view *of[2];
    int64_t tasks[2];
    bool by_points;   /* rows of the same parameters are compared; else those of the same index */
    const char *why;  /* why rows are compared by index where the stages have not the same number; else NULL */
    int64_t pairs;    /* how many rows both have */
    int64_t rows;     /* how many of these differ in anything */
    int64_t alone[2]; /* how many rows one of them alone has */
    int64_t first_alone[2][COMPARE_SHOWN]; /* the first of these */
    int columns;                           /* of stages the status first, then parameters, then results */
    compared_column *column;
    int only[2];           /* how many columns one of them alone has */
    const int *only_in[2]; /* their fields */
    tf_arena *arena;
} compared;

/* Compares statuses and parameters, and results where both tasks are done. To be freed in any case. */
tf_err compare_stages(view *a, view *b, compared *out, tf_error *error);
void compared_free(compared *c);

/* Is there anything in which they differ? */
bool compared_differ(const compared *c);

/* Is all compared that both have? */
bool compared_wholly(const compared *c);

#endif
