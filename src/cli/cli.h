/* The command line: one file a verb, and what they share.
 *
 * Process: the program as it was started. The verbs but run need no MPI. What users write ends in a message and an exit
 * status, never in a crash. */
#ifndef TF_CLI_H
#define TF_CLI_H

#include "campaign/campaign.h"
#include "cli/diagnose.h"
#include "cli/here.h"
#include "cli/options.h"

/* A campaign read from disk. The process has changed to its work folder. */
typedef struct loaded {
    tf_loaded it;
    tf_source disk;
    tf_arena *arena;
    const char *here; /* where the user stands; NULL: that folder is gone */
} loaded;

/* Reads and checks the manifest, the order of its stages, and that all it wants to run is there. */
void cli_load(const options *options, loaded *loaded);
void cli_unload(loaded *loaded);

/* Does the file have HDF5's signature, at the beginning or behind a block that somebody has put there: of 512, 1024,
 * ... bytes? Never of a pipe, from which nothing is read. */
bool cli_is_hdf5(int fd);

/* Where an output could not be opened since it is a manifest: the error names that one's output instead. The process
 * may have changed to its work folder. */
void cli_name_output(const options *options, tf_error *error);

/* As tf_loaded_decide, by the wish of the command line. */
tf_store_plan *cli_decide(const options *options, loaded *loaded, tf_store_mode mode, tf_error *error);

/* An output, and the campaign that made it, if the manifest in the output still makes one. With --trust the process has
 * changed to the campaign's work folder, if that is there. */
typedef struct recalled {
    tf_recalled it;
    const char *name; /* as given */
    const char *path; /* absolute */
    tf_campaign *campaign;
    tf_diags diags;
    tf_arena *arena;
} recalled;

/* Returns TF_OK, or an exit status after a diagnostic. */
int cli_recall(const options *options, recalled *recalled);
void cli_forget(recalled *recalled);

/* The stage that an argument names, or the only one (NULL). -1 after a diagnostic. */
int cli_find_stage(const recalled *recalled, const char *name);

/* The stage or the reduction ("STAGE.REDUCTION") that an argument names, by the number of its table; or the only stage
 * (NULL). -1 after a diagnostic. */
int cli_find_table(const recalled *recalled, const char *name);

/* Is the argument of the form STAGE.REDUCTION? */
bool cli_is_reduction(const char *argument);

/* ---- The verbs: each returns the exit status ---- */

int cli_run(const options *options);
int cli_show(const options *options);
int cli_export(const options *options);
int cli_diff(const options *options);
int cli_job(const options *options);
int cli_report(const options *options);
int cli_try(const options *options);
int cli_check(const options *options);
int cli_plan(const options *options);
int cli_graph(const options *options);
int cli_status(const options *options);
int cli_schema(const options *options);
int cli_import(const options *options);
int cli_completion(const options *options);
int cli_manual(const options *options);
int cli_help(const options *options);
int cli_version(const options *options);

/* ---- The kinds that some have: words, NULL at their end ---- */

const char *job_system(int number);
const char *import_kind(int number);
const char *completion_shell(int number);

#endif
