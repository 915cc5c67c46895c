/* What taskfarm can be told to do (see verbs.h). */
#include "cli/verbs.h"

#include <string.h>

const verb verbs[] = {
    {"run", cli_run, "MANIFEST [TARGET...]", "a manifest", false, true, false, "owtslbfGprydgeFuTnKL",
     "run the campaign (under mpirun, or by itself with all cores)",
     "What is done already is not run again: the same command line goes on with a campaign that was stopped or killed. "
     "The word run may be left out.\n"
     "A TARGET is a stage, STAGE[PARAMETER=VALUE], or a file that a task makes: it is run with all that it needs.\n"},
    {"check", cli_check, "MANIFEST", "a manifest", false, false, false, "owtsj",
     "say whether the manifest is right, and what it would run", ""},
    {"plan", cli_plan, "MANIFEST [TARGET...]", "a manifest", false, true, false, "owtsfGeFuTvj",
     "say what would be run, and why; run nothing", ""},
    {"try", cli_try, "MANIFEST [STAGE] INDEX", "a manifest", false, false, true, "owts",
     "run one task here and now, as for a debugger, and show all of it",
     "A function runs in this very process, so that breakpoints hold and prints are seen. The output is not touched. "
     "STAGE may be left out where there is only one.\n"},
    {"status", cli_status, "FILE.h5", "an output, as in taskfarm status sweep.h5", false, false, false, "ja",
     "say how far a campaign is, whether it runs, was killed or is over",
     "Counts tasks by stage and status, and says why tasks failed and which took longest. On any machine that sees the "
     "file; a run that is at work is not slowed down.\n"},
    {"show", cli_show, "FILE.h5 [STAGE] INDEX", "an output, as in taskfarm show sweep.h5 0", false, false, true, "jRP",
     "show one task: parameters, command line, attempts, results, output",
     "STAGE may be left out where there is only one.\n"},
    {"export", cli_export, "FILE.h5 [STAGE]", "an output, as in taskfarm export sweep.h5", false, false, true, "oxcWSP",
     "print the tasks of a stage as a table",
     "A line a task: its index, its status, its parameters and its results, which are empty (in JSON null) if the task "
     "is not done. Elements of arrays are columns of their own in CSV, lists in JSON; bytes are in base64.\n--format "
     "rocrate prints how "
     "the output came to be instead: the ro-crate-metadata.json of an RO-Crate, by the profile Process Run Crate.\n"},
    {"report", cli_report, "FILE.h5", "an output, as in taskfarm report sweep.h5", false, false, false, "oxP",
     "write a page that shows all of a campaign: sweep.html",
     "The page needs nothing else, no network either: counts, failures by message, tasks by slot over time, the slots "
     "at "
     "work, how long tasks took and what they gave as histograms, the workflow, the history and the manifest. "
     "--format trace writes the tasks in time as Chrome's trace JSON, for ui.perfetto.dev.\n"},
    {"graph", cli_graph, "MANIFEST", "a manifest", false, false, false, "owtsk",
     "print what depends on what, for Graphviz", ""},
    {"job", cli_job, "slurm|pbs|lsf|flux MANIFEST",
     "a batch system and a manifest, as in taskfarm job slurm sweep.json", true, false, false, "owtsNi",
     "print a batch script that runs the campaign",
     "A rank a node, whose cores are its slots. The script passes the time limit on, stops in time, and has the job go "
     "on "
     "as another one when there is more to do.\n"},
    {"schema", cli_schema, "", NULL, false, false, false, "", "print the manifest's JSON Schema, for editors", ""},
    {"import", cli_import, "commands|makeflow FILE", "a file, as in taskfarm import commands tasks.txt", true, false,
     false, "", "print a manifest that runs each line of FILE as a command, or the rules of a makeflow", ""},
    {"completion", cli_completion, "bash|zsh", "a shell, as in taskfarm completion bash", false, false, false, "",
     "print what makes a shell complete command lines",
     "An installed taskfarm has it where the shells look for it. Else: source <(taskfarm completion bash), or for zsh "
     "a "
     "file _taskfarm in a folder of fpath.\n"},
    {"manual", cli_manual, "[VERB]", NULL, false, false, true, "", "print a manual page, for man -l -", ""},
};

const int verb_count = sizeof verbs / sizeof *verbs;

const option_spec option_specs[] = {
    {"output", 'o', true, "FILE", NULL,
     "where results go, instead of the manifest's \"output\"; of export and report, the file to write"},
    {"workdir", 'w', false, "FOLDER", NULL, "what relative paths are relative to (default: the manifest's folder)"},
    {"set", 't', false, "NAME=VALUE", NULL, "another value for one of the manifest's variables; may be repeated"},
    {"seed", 's', false, "N", NULL, "another seed"},
    {"rerun", 'e', false, "LIST", "mtime params code inputs",
     "what makes a task stale: mtime,params,code,inputs (default: all four)"},
    {"force", 'F', false, "STAGE", NULL, "run all tasks of the stage again; may be repeated"},
    {"until", 'u', false, "STAGE", NULL, "the same as the stage as a target"},
    {"touch", 'T', false, NULL, NULL, "run nothing: take outputs that are there for up to date"},
    {"fresh", 'f', false, NULL, NULL, "set an old output aside and start anew, instead of going on with it"},
    {"salvage", 'G', false, NULL, NULL,
     "where FILE.h5.d of a run that did not end is lost: go on with the rows that are whole in FILE.h5 alone"},
    {"dry-run", 'n', true, NULL, NULL, "the same as plan"},
    {"keep-incomplete", 'K', false, NULL, NULL, "keep outputs of tasks that fail, as FILE.incomplete"},
    {"latency-wait", 'L', false, "TIME", NULL,
     "how long to wait for files to be seen (default: 5s under mpirun, else 0)"},
    {"slots", 'l', false, "N", NULL,
     "tasks that a rank runs at once (default: the cores, if no other rank works on the node, else 1)"},
    {"bind", 'b', false, "WHAT", "auto cores none",
     "cores: each slot has its own cores, if there are enough; none: tasks run on any; auto (default): cores if some "
     "tasks need several slots"},
    {"retries", 'r', false, "N", NULL, "further attempts at a task that fails, instead of what the manifest says"},
    {"sync", 'y', false, "SECONDS", NULL, "how often results are brought to disk (default: 30; 0: never)"},
    {"walltime", 'd', false, "TIME", NULL,
     "be over after so long: 90m, 12h; exit status 75 says that there is more to do"},
    {"grace", 'g', false, "SECONDS", NULL, "how long running tasks may take after a signal to stop (default: 30)"},
    {"progress", 'p', false, "STYLE", "auto bar plain none", "auto, bar, plain or none"},
    {"verbose", 'v', true, NULL, NULL, "each task, however many"},
    {"tasks", 'k', false, NULL, NULL, "by task, not by stage"},
    {"columns", 'c', false, "LIST", NULL,
     "which ones, in this order, with commas between: also index, status, attempts, duration, message, stdout, ..."},
    {"where", 'W', false, "EXPR", NULL, "only tasks of which this is true, as in \"status == 'done' && snr > 5\""},
    {"trust", 'P', false, NULL, NULL,
     "open the tables and lists that the manifest in FILE names, to work out what FILE has not: for outputs of your "
     "own"},
    {"nodes", 'N', false, "N", NULL, "nodes that the job asks for (default: 2)"},
    {"time", 'i', false, "TIME", NULL, "how long the job may take: 90m, 12h (default: 2h)"},
    {"format", 'x', false, "FORMAT", "csv jsonl rocrate html trace",
     "of export csv (default), jsonl or rocrate; of report html (default) or trace"},
    {"safe", 'S', false, NULL, NULL, "put ' before texts that spreadsheets take for formulas"},
    {"raw", 'R', false, NULL, NULL, "all bytes as they are, on a terminal, too"},
    {"json", 'j', false, NULL, NULL, "print JSON"},
    {"watch", 'a', false, NULL, NULL, "say it again every second, in place on a terminal, until the run is over"},
};

const int option_count = sizeof option_specs / sizeof *option_specs;

const char signals_text[] =
    "SIGUSR1, SIGUSR2, SIGTERM and SIGINT let running tasks end and stop the run; a second one ends them, too.";

const char status_text[] = "0 all tasks done; 1 some failed; 2 wrong usage or manifest; 3 the run itself broke; 75 "
                           "stopped early, run it again to "
                           "go on.";

const verb *find_verb(const char *name) {
    for (int v = 0; v < verb_count; v++)
        if (strcmp(verbs[v].name, name) == 0)
            return &verbs[v];
    return NULL;
}
