/* Statistics, as a manifest names them. A kind of statistic is a row of the table in statistic_kinds.c, which says how
 * it is written, and one of the table in reduce/statistic_kinds.c, which says how it is made. */
#ifndef TF_MANIFEST_STATISTIC_H
#define TF_MANIFEST_STATISTIC_H

#include "manifest/load.h"

enum { STATISTIC_FORMS = 2 };

typedef struct statistic_kind {
    const char *name;                                        /* "quantile" of "quantile:0.025" */
    const char *form[STATISTIC_FORMS];                       /* how it is written: "quantile:Q"; NULL: as its name */
    const char *rule;                                        /* what its argument must be: "Q from 0 to 1" */
    bool (*parse)(const char *argument, tf_stat_spec *stat); /* NULL: it takes no argument, and is one number */
    const char *made_as;                                     /* the kind that it is a case of; NULL: of none */
} statistic_kind;

/* The table; its end has no name. */
const statistic_kind *statistic_kinds(void);

/* Adds "histogram:N or histogram:N:log": the forms of a kind, or of all kinds (NULL). */
void statistic_list_forms(const statistic_kind *only, tf_buf *out);

/* The statistic of a kind without an argument. */
tf_stat_spec statistic_plain(const statistic_kind *kind, int value);

/* Reads a statistic as it is written: false after a diagnostic. */
bool load_statistic(struct loader *l, const json_path *where, const char *text, int value, tf_stat_spec *stat);

/* ---- Arguments (statistic_arguments.c): false if they are wrong ---- */

#define MOST_BINS    1000000
#define MOST_LARGEST 10000

bool parse_quantile(const char *argument, tf_stat_spec *stat);
bool parse_bins(const char *argument, tf_stat_spec *stat);
bool parse_largest(const char *argument, tf_stat_spec *stat);

#endif
