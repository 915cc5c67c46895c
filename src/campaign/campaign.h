/* From a path to a campaign that is ready to run.
 *
 * Process: the first rank before MPI_Init, and verbs that plan; without MPI. Must survive any manifest and any output
 * that it finds: both are looked at before either is touched. */
#ifndef TF_CAMPAIGN_H
#define TF_CAMPAIGN_H

#include "graph/graph.h"
#include "store/resume/resume.h"

/* A campaign with all that goes with it. The process must be in its work folder from here on. */
typedef struct tf_loaded {
    tf_campaign *campaign; /* NULL: diags say why */
    tf_graph *graph;       /* of its tasks; NULL without a campaign */
    tf_past *past;         /* per stage, what it was decided by */
    tf_disk times;
    tf_recorder recorder;
    tf_diags diags;
} tf_loaded;

/* Reads and checks the manifest, the order of its stages, and that all it wants to run is there. `source` and what the
 * options point to must outlive it. `program` as for tf_host_preflight. */
void tf_loaded_read(const tf_load_options *options, tf_source *source, const tf_function *program, tf_loaded *loaded);
void tf_loaded_free(tf_loaded *loaded);

/* What the output is to record of the run: a command line, and how variables were set ("NAME=VALUE"). */
void tf_loaded_tell(const tf_loaded *loaded, tf_store_plan *plan, const char *const *word, int words,
                    const char *const *set, int sets);

/* Looks at what earlier runs have left, and decides what is to be run: in the loaded graph. Tasks may have changed
 * where the wish says what of a change makes them stale (`allows_change`). NULL with an error; without a text in it the
 * diagnostics say what is wrong. */
tf_store_plan *tf_loaded_decide(tf_loaded *loaded, tf_store_mode mode, const tf_wish *wish, bool allows_change,
                                tf_error *error);

#endif
