/* What taskfarm can be told to do. */
#include "cli/verbs.h"

/* Options that those verbs take which read a manifest. */
#define OF_MANIFESTS (TAKES(OUTPUT) | TAKES(WORKDIR) | TAKES(SET) | TAKES(SEED))

#define ENDS_LOADING                                                                                                   \
    "0 it could be done; 2 wrong usage or manifest; 3 an output can't be read, or the answer not written."
#define ENDS_READING                                                                                                   \
    "0 it could be told, whatever has become of tasks; 2 wrong usage, or no such output; 3 the output can't be read, " \
    "or the answer not written."
#define ENDS_TELLING "0 it is printed; 2 wrong usage; 3 it can't be written."

static const verb verbs[] = {
    {.name = "run",
     .run = cli_run,
     .arguments = "MANIFEST [TARGET...]",
     .needs = "a manifest",
     .files = 1,
     .has_targets = true,
     .takes = OF_MANIFESTS | TAKES(SLOTS) | TAKES(BIND) | TAKES(MPI) | TAKES(FRESH) | TAKES(SALVAGE) | TAKES(PROGRESS) |
              TAKES(RETRIES) | TAKES(SYNC) | TAKES(WALLTIME) | TAKES(GRACE) | TAKES(PATIENCE) | TAKES(STOP_WITH) |
              TAKES(EXIT_FILE) | TAKES(JSON) | TAKES(RERUN) | TAKES(FORCE) | TAKES(UNTIL) | TAKES(TOUCH) |
              TAKES(DRY_RUN) | TAKES(KEEP_INCOMPLETE) | TAKES(LATENCY_WAIT),
     .about = "run the campaign (under mpirun, or by itself with all cores)",
     .ends = ENDS_RUNNING,
     .more = "What is done already is not run again: the same command line goes on with a campaign that was stopped or "
             "killed. The word run may be left out.\nA TARGET is a stage, STAGE[PARAMETER=VALUE], or a file that a "
             "task makes: it is run with all that it needs.\n"},
    {.name = "check",
     .run = cli_check,
     .arguments = "MANIFEST",
     .needs = "a manifest",
     .files = 1,
     .takes = OF_MANIFESTS | TAKES(NO_START) | TAKES(JSON),
     .about = "say whether the manifest is right, and what it would run",
     .ends = "0 the manifest is right; 2 it is not, or wrong usage; 3 the answer can't be written.",
     .more = "Starts each service and each function's setup once, and ends it: does it start, and take the stage's "
             "parameters? --no-start leaves that out.\n"},
    {.name = "plan",
     .run = cli_plan,
     .arguments = "MANIFEST [TARGET...]",
     .needs = "a manifest",
     .files = 1,
     .has_targets = true,
     .takes = OF_MANIFESTS | TAKES(FRESH) | TAKES(SALVAGE) | TAKES(RERUN) | TAKES(FORCE) | TAKES(UNTIL) | TAKES(TOUCH) |
              TAKES(VERBOSE) | TAKES(COMMANDS) | TAKES(JSON),
     .about = "say what would be run, and why; run nothing",
     .ends = ENDS_LOADING,
     .more = ""},
    {.name = "try",
     .run = cli_try,
     .arguments = "MANIFEST [STAGE] INDEX",
     .needs = "a manifest",
     .files = 1,
     .has_others = true,
     .takes = OF_MANIFESTS | TAKES(JSON),
     .about = "run one task here and now, as for a debugger, and show all of it",
     .ends = "0 the task is done; 1 it failed; 2 wrong usage or manifest; 3 it can't be run.",
     .more =
         "A function runs in this very process, so that breakpoints hold and prints are seen. The output is not "
         "touched. STAGE may be left out where there is only one. INDEX may be first: the first task that where does "
         "not leave out.\n"},
    {.name = "status",
     .run = cli_status,
     .arguments = "FILE.h5",
     .needs = "an output, as in taskfarm status sweep.h5",
     .files = 1,
     .takes = TAKES(JSON) | TAKES(WATCH),
     .about = "say how far a campaign is, whether it runs, was killed or is over",
     .ends = ENDS_READING,
     .more =
         "Counts tasks by stage and status, says why tasks failed and which took longest, and shows reductions of few "
         "groups. On any machine that sees the file; a run that is at work is not slowed down.\n"},
    {.name = "show",
     .run = cli_show,
     .arguments = "FILE.h5 [STAGE] TASK | STAGE.REDUCTION",
     .needs = "an output, as in taskfarm show sweep.h5 0",
     .files = 1,
     .has_others = true,
     .takes = TAKES(JSON) | TAKES(RAW) | TAKES(TRUST),
     .about = "show one task: parameters, command line, attempts, results, output; or a reduction",
     .ends = ENDS_READING,
     .more = "TASK is its index, or some of its parameters, as in a=0.3,b=R; several tasks that have them are listed. "
             "STAGE may be left out where there is only one; STAGE[TASK] is the same.\nOf a reduction all groups are "
             "shown: a line a group, keys first, then a line for each bin or element of what is an array.\n"},
    {.name = "export",
     .run = cli_export,
     .arguments = "FILE.h5 [STAGE | STAGE.REDUCTION]",
     .needs = "an output, as in taskfarm export sweep.h5",
     .files = 1,
     .has_others = true,
     .takes = TAKES(DESTINATION) | TAKES(EXPORT_FORMAT) | TAKES(COLUMNS) | TAKES(WHERE) | TAKES(SORT) | TAKES(SAFE) |
              TAKES(TRUST),
     .about = "print the tasks of a stage, or a reduction, as a table",
     .ends = ENDS_READING,
     .more =
         "A line a task: its index, its status, its parameters and its results, which are empty (in JSON null) if "
         "the task is not done. Elements of arrays are columns of their own in CSV, lists in JSON; bytes are in "
         "base64. Of a reduction a line a group, keys first.\n--format hdf5 writes the whole output as it is now to a "
         "file of its own, for programs that look along while a campaign goes on.\n--format rocrate prints how the "
         "output came to be "
         "instead: the ro-crate-metadata.json of an "
         "RO-Crate, by the profile Process Run Crate.\n"},
    {.name = "diff",
     .run = cli_diff,
     .arguments = "FILE.h5 OTHER.h5 [STAGE | STAGE.REDUCTION]",
     .needs = "two outputs, as in taskfarm diff before.h5 after.h5",
     .files = 2,
     .has_others = true,
     .takes = TAKES(JSON) | TAKES(TRUST),
     .about = "say in which rows two outputs differ, and by how much",
     .ends = "0 they are the same; 1 they differ; 2 wrong usage, or no such output; 3 an output can't be read, or the "
             "answer not written.",
     .more =
         "Compares statuses, parameters and results, stage by stage, then the stage's reductions, group by group: not "
         "times and captured output. Where a stage has as many rows in both, they are compared by their index, else by "
         "their parameters; results where "
         "both tasks are done. NaN is the same as NaN.\n"},
    {.name = "report",
     .run = cli_report,
     .arguments = "FILE.h5",
     .needs = "an output, as in taskfarm report sweep.h5",
     .files = 1,
     .takes = TAKES(DESTINATION) | TAKES(REPORT_FORMAT) | TAKES(TRUST),
     .about = "write a page that shows all of a campaign: sweep.html",
     .ends = ENDS_READING,
     .more = "The page needs nothing else, no network either: reductions, counts, failures by message, tasks by slot "
             "over time, "
             "the slots at work, how long tasks took and what they gave as histograms, the workflow, the history and "
             "the manifest. --format trace writes the tasks in time as Chrome's trace JSON, for ui.perfetto.dev.\n"},
    {.name = "graph",
     .run = cli_graph,
     .arguments = "MANIFEST",
     .needs = "a manifest",
     .files = 1,
     .takes = OF_MANIFESTS | TAKES(TASKS),
     .about = "print what depends on what, for Graphviz",
     .ends = ENDS_LOADING,
     .more = ""},
    {.name = "job",
     .run = cli_job,
     .kind = job_system,
     .arguments = "MANIFEST",
     .needs = "a batch system and a manifest, as in taskfarm job slurm sweep.json",
     .files = 1,
     .takes = OF_MANIFESTS | TAKES(NODES) | TAKES(TIME),
     .about = "print a batch script that runs the campaign",
     .ends = ENDS_LOADING,
     .more = "A rank a node, whose cores are its slots. The script passes the time limit on, stops in time, and has "
             "the job go on as another one when there is more to do.\n"},
    {.name = "schema",
     .run = cli_schema,
     .arguments = "",
     .about = "print the manifest's JSON Schema, for editors",
     .ends = ENDS_TELLING,
     .more = ""},
    {.name = "import",
     .run = cli_import,
     .kind = import_kind,
     .arguments = "FILE",
     .needs = "a file, as in taskfarm import commands tasks.txt",
     .files = 1,
     .about = "print a manifest that runs each line of FILE as a command, or the rules of a makeflow",
     .ends = "0 it is printed; 2 wrong usage, or lines that can't be taken over; 3 it can't be written.",
     .more = ""},
    {.name = "completion",
     .run = cli_completion,
     .kind = completion_shell,
     .arguments = "",
     .needs = "a shell, as in taskfarm completion bash",
     .about = "print what makes a shell complete command lines",
     .ends = ENDS_TELLING,
     .more = "An installed taskfarm has it where the shells look for it. Else: source <(taskfarm completion bash), or "
             "for zsh a file _taskfarm in a folder of fpath.\n"},
    {.name = "manual",
     .run = cli_manual,
     .arguments = "[VERB]",
     .has_others = true,
     .about = "print a manual page, for man -l -",
     .ends = ENDS_TELLING,
     .more = ""},
    {.name = "help",
     .run = cli_help,
     .arguments = "[VERB]",
     .has_others = true,
     .about = "say what a verb does and takes, as VERB --help does",
     .ends = ENDS_TELLING,
     .more = ""},
    {.name = "version",
     .run = cli_version,
     .arguments = "",
     .takes = TAKES(JSON),
     .about = "say which version this is, as --version does",
     .ends = ENDS_TELLING,
     .more = "With --json also the protocol that it has with the Python package, and where its own copy of that is.\n"},
    {0}};

const verb *verb_table(void) {
    return verbs;
}
