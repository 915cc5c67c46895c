/* What has befallen the workers of a run: people are warned of each once, and it is kept in the history of the run. */
#ifndef TF_FARM_INCIDENTS_H
#define TF_FARM_INCIDENTS_H

#include "farm/farm.h"
#include "farm/incident_kinds.h"
#include "farm/output.h"

typedef struct incidents incidents;

typedef struct incident {
    incident_kind kind;
    int rank;
    const char *host;
    double since;     /* s since 1970 (tf_wall) */
    const char *text; /* a whole sentence without its full stop */
} incident;

/* As the history has it; `end` (tf_wall), 0: it is under way. Adds to `out`. */
void incident_write(const incident *incident, double end, tf_buf *out);

/* Both are the caller's. */
incidents *incidents_new(const tf_farm_options *options, const output *output);
void incidents_free(incidents *i);

/* An incident begins. Nothing happens if one of this kind is under way on the rank. Of a run with very many the first
 * few hundred are kept. */
void incidents_begin(incidents *i, const incident *incident);

/* The same, of one that begins now. */
void incidents_begin_now(incidents *i, incident_kind kind, int rank, const char *host, const char *text);

/* The last incident of this kind is over since now: people are told so by `text`. */
void incidents_end(incidents *i, incident_kind kind, const char *text);

/* All of them, in the order in which they began, as the history has them: a JSON list. */
void incidents_list(const incidents *i, tf_buf *out);

#endif
