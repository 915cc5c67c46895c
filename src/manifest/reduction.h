/* Reductions, as a manifest asks for them: statistics of a stage's values, by groups of its rows; and "until". */
#ifndef TF_MANIFEST_REDUCTION_H
#define TF_MANIFEST_REDUCTION_H

#include "manifest/expr.h"
#include "manifest/grid.h"

typedef struct tf_stage_spec tf_stage_spec;

/* A value of a stage's rows: a parameter, a column or an array. Parameters have the first numbers, then columns, then
 * arrays. */
typedef struct tf_value {
    const char *name;
    tf_type type;
    const tf_grid *grid;      /* of arrays, and of columns that are arrays; else NULL */
    int rank;                 /* of a column's shape */
    int param, column, array; /* its number among parameters, columns and arrays; -1: it is none */
} tf_value;

int tf_stage_values(const tf_stage_spec *stage);
tf_value tf_stage_value(const tf_stage_spec *stage, int value);

/* The number of the value with that name; -1 if there is none. */
int tf_stage_find_value(const tf_stage_spec *stage, const char *name);

/* A statistic of one value, for each group of rows. */
typedef struct tf_stat_spec {
    const char *text; /* as written: "quantile:0.025" */
    const char *kind; /* name of its kind, in the tables of statistics: "quantile" */
    int value;        /* number of the value */
    double quantile;  /* of quantiles; 0.5 is the median */
    int64_t size;     /* how many bins or largest values it has; 0: the statistic is one number */
    bool log;         /* bins have equal width in the logarithm */
} tf_stat_spec;

typedef struct tf_reduce_spec {
    const char *name;
    int keys;
    const int *key;       /* numbers of the values by which rows are grouped */
    const tf_expr *where; /* rows of which it is true count; NULL: all rows count */
    const tf_grid *grid;  /* rows are the elements of arrays with these blocks; NULL: rows are tasks */
    int stats;
    const tf_stat_spec *stat;
    const char *json;     /* as written */
    const char *resolved; /* all that its results depend on */
} tf_reduce_spec;

/* When enough is known: an expression of statistics. It is evaluated first after the first `first` tasks; see
 * tf_until_next. */
typedef struct tf_until_spec {
    const tf_expr *expr;   /* its names are statistics; NULL: the whole space is run */
    tf_reduce_spec reduce; /* makes the statistics that the expression uses */
    const int *name;       /* per statistic of `reduce`: its number among the expression's names */
    int names;             /* how many names the expression may use */
    int64_t first;
} tf_until_spec;

/* After how many tasks the expression is evaluated next, when it was evaluated after `count`: a quarter more. */
static inline int64_t tf_until_next(int64_t count) {
    return count + (count >= 4 ? count / 4 : 1);
}

#endif
