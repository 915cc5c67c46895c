/* taskfarm: the verb, its options, and its exit status. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const char help[] =
    "taskfarm [run] MANIFEST [TARGET...]\n"
    "                             run the campaign (under mpirun, or by itself with all cores)\n"
    "taskfarm check MANIFEST      say whether the manifest is right, and what it would run\n"
    "taskfarm plan MANIFEST       say what would be run, and why; run nothing\n"
    "taskfarm try MANIFEST STAGE INDEX\n"
    "                             run one task here and now, as for a debugger, and show all of it; STAGE may be left\n"
    "                             out where there is only one\n"
    "taskfarm status FILE.h5      say how far a campaign is, whether it runs, was killed or is over\n"
    "taskfarm graph MANIFEST      print what depends on what, for Graphviz\n"
    "taskfarm schema              print the manifest's JSON Schema, for editors\n"
    "taskfarm import commands|makeflow FILE\n"
    "                             print a manifest that runs each line of FILE as a command, or the rules of a "
    "makeflow\n"
    "\n"
    "A TARGET is a stage, STAGE[PARAMETER=VALUE], or a file that a task makes; plan takes them, too.\n"
    "\n"
    "run, plan, try, graph and check take\n"
    "  --output FILE              where results go, instead of the manifest's \"output\"\n"
    "  --workdir FOLDER           what relative paths are relative to (default: the manifest's folder)\n"
    "  --set NAME=VALUE           another value for one of the manifest's variables; may be repeated\n"
    "  --seed N                   another seed\n"
    "run and plan take\n"
    "  --rerun LIST               what makes a task stale: mtime,params,code,inputs (default: all four)\n"
    "  --force STAGE              run all tasks of the stage again; may be repeated\n"
    "  --until STAGE              the same as the stage as a target\n"
    "  --touch                    run nothing: take outputs that are there for up to date\n"
    "run takes\n"
    "  -n, --dry-run              the same as plan\n"
    "  --keep-incomplete          keep outputs of tasks that fail, as FILE.incomplete\n"
    "  --latency-wait TIME        how long to wait for files to be seen (default: 5s under mpirun, else 0)\n"
    "  --slots N                  tasks that a rank runs at once (default: 1 under mpirun, else the cores)\n"
    "  --retries N                further attempts at a task that fails, instead of what the manifest says\n"
    "  --sync SECONDS             how often results are brought to disk (default: 30; 0: never)\n"
    "  --walltime TIME            be over after so long: 90m, 12h; exit status 75 says that there is more to do\n"
    "  --grace SECONDS            how long running tasks may take after a signal to stop (default: 30)\n"
    "  --fresh                    set an old output aside and start anew, instead of going on with it\n"
    "  --progress STYLE           auto, bar, plain or none\n"
    "plan takes\n"
    "  -v, --verbose              each task, however many\n"
    "graph takes\n"
    "  --tasks                    by task, not by stage\n"
    "check, plan and status take\n"
    "  --json                     print JSON\n"
    "and everywhere --help, --version\n"
    "\n"
    "SIGUSR1, SIGUSR2, SIGTERM and SIGINT let running tasks end and stop the run; a second one ends them, too.\n"
    "Exit status: 0 all tasks done; 1 some failed; 2 wrong usage or manifest; 3 the run itself broke; 75 stopped "
    "early,\n"
    "run it again to go on.\n";

typedef struct verb {
    const char *name;
    int (*run)(const options *);
    const char *needs; /* what it is called with; NULL: nothing */
    bool kind;         /* and before that, a kind */
    const char *takes; /* letters of its options */
    const char *more;  /* what further arguments there may be, for messages; NULL: none, or targets */
} verb;

static const verb verbs[] = {
    {"run", cli_run, "a manifest", false, "owtslfprydgeFuTnKL", NULL},
    {"plan", cli_plan, "a manifest", false, "owtsfeFuTvj", NULL},
    {"try", cli_try, "a manifest", false, "owts", "STAGE INDEX"},
    {"graph", cli_graph, "a manifest", false, "owtsk", NULL},
    {"check", cli_check, "a manifest", false, "owtsj", NULL},
    {"status", cli_status, "an output, as in taskfarm status sweep.h5", false, "j", NULL},
    {"schema", cli_schema, NULL, false, "", NULL},
    {"import", cli_import, "a file, as in taskfarm import commands tasks.txt", true, "", NULL},
};

/* What the design has and this version has not. */
static const char *const later_verbs[] = {"show", "export", "report", "job"};

enum { VERSION = 1 }; /* no letter: -v is another */

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"workdir", required_argument, NULL, 'w'},
    {"set", required_argument, NULL, 't'},
    {"seed", required_argument, NULL, 's'},
    {"slots", required_argument, NULL, 'l'},
    {"retries", required_argument, NULL, 'r'},
    {"sync", required_argument, NULL, 'y'},
    {"walltime", required_argument, NULL, 'd'},
    {"grace", required_argument, NULL, 'g'},
    {"fresh", no_argument, NULL, 'f'},
    {"progress", required_argument, NULL, 'p'},
    {"json", no_argument, NULL, 'j'},
    {"rerun", required_argument, NULL, 'e'},
    {"force", required_argument, NULL, 'F'},
    {"until", required_argument, NULL, 'u'},
    {"touch", no_argument, NULL, 'T'},
    {"dry-run", no_argument, NULL, 'n'},
    {"verbose", no_argument, NULL, 'v'},
    {"tasks", no_argument, NULL, 'k'},
    {"keep-incomplete", no_argument, NULL, 'K'},
    {"latency-wait", required_argument, NULL, 'L'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, VERSION},
    {NULL, 0, NULL, 0},
};

enum { LONG_OPTIONS = sizeof long_options / sizeof *long_options - 1 };

int cli_usage_error(const char *format, ...) {
    if (tf_farm_launch_rank() != 0)
        return TF_ERR_USAGE;
    va_list args;
    va_start(args, format);
    fputs("taskfarm: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    return TF_ERR_USAGE;
}

void cli_print_json(cJSON *json) {
    char *text = cJSON_Print(json);
    puts(text);
    cJSON_free(text);
    cJSON_Delete(json);
}

/* ---- Options ---- */

/* getopt has refused an option that stands in `given`. */
static int refused_option(const char *given) {
    for (const struct option *o = long_options; o->name; o++)
        if (o->val == optopt)
            return cli_usage_error("--%s takes no value", o->name);
    if (optopt)
        return cli_usage_error("unknown option -%c; taskfarm --help lists them", optopt);
    char name[64];
    const char *start = given;
    while (*start == '-')
        start++;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(start, "="), start);
    const char *names[LONG_OPTIONS];
    for (size_t i = 0; i < LONG_OPTIONS; i++)
        names[i] = long_options[i].name;
    const char *near = tf_suggest(name, names, LONG_OPTIONS);
    return near ? cli_usage_error("unknown option %s; did you mean --%s?", given, near)
                : cli_usage_error("unknown option %s; taskfarm --help lists them", given);
}

static bool parse_style(const char *text, tf_progress_style *style) {
    static const char *const names[] = {"auto", "bar", "plain", "none"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *style = (tf_progress_style)i;
            return true;
        }
    return false;
}

/* Relative to where the user stands, not to the work folder. */
static const char *absolute_output(options *o, const char *path) {
    char *here = getcwd(NULL, 0);
    const char *full = *path == '/' || *path == '\0' || !here ? path : tf_arena_printf(o->arena, "%s/%s", here, path);
    free(here);
    return full;
}

static int take_time(const char *name, const char *text, bool may_be_zero, double *seconds) {
    if (may_be_zero && strcmp(text, "0") == 0)
        *seconds = 0;
    else if (!tf_parse_duration(text, seconds))
        return cli_usage_error("--%s %s: must be a time, as in 30, 30s, 5m or 2h%s", name, text,
                               may_be_zero ? ", or 0" : "");
    return TF_OK;
}

static int take_option(options *o, int letter, const char *value) {
    int64_t number;
    switch (letter) {
    case 'o': o->output = absolute_output(o, value); break;
    case 'w': o->workdir = value; break;
    case 's': o->seed = value; break;
    case 'r': o->retries = value; break;
    case 'f': o->fresh = true; break;
    case 'y': return take_time("sync", value, true, &o->sync);
    case 'd': return take_time("walltime", value, false, &o->walltime);
    case 'g': return take_time("grace", value, true, &o->grace);
    case 'L': return take_time("latency-wait", value, true, &o->latency);
    case 'j': o->json = true; break;
    case 'e': o->rerun = value; break;
    case 'F': o->force[o->forces++] = value; break;
    case 'u': o->target[o->targets++] = value; break;
    case 'T': o->touch = true; break;
    case 'n': o->dry_run = true; break;
    case 'v': o->verbose = true; break;
    case 'k': o->by_task = true; break;
    case 'K': o->keep_incomplete = true; break;
    case 't': o->set[o->sets++] = value; break;
    case 'l':
        if (!tf_parse_int(value, &number) || number < 1 || number > 4096)
            return cli_usage_error("--slots %s: must be an integer from 1 to 4096", value);
        o->slots = (int)number;
        break;
    default:
        if (!parse_style(value, &o->progress))
            return cli_usage_error("--progress %s: must be auto, bar, plain or none", value);
    }
    return TF_OK;
}

/* Returns an exit status, or -1 to go on. */
static int parse(options *o, const verb *v, int argc, char **argv) {
    opterr = 0;
    for (;;) {
        int which = 0;
        int letter = getopt_long(argc, argv, ":nv", long_options, &which);
        if (letter == -1)
            break;
        if (letter == '?')
            return refused_option(argv[optind - 1]);
        if (letter == ':')
            return cli_usage_error("%s needs a value", argv[optind - 1]);
        if (letter == 'h' || letter == VERSION) {
            if (tf_farm_launch_rank() == 0 && letter == 'h')
                fputs(help, stdout);
            else if (tf_farm_launch_rank() == 0)
                printf("taskfarm %s (%s)\n", TASKFARM_VERSION, tf_commit());
            return TF_OK;
        }
        if (!strchr(v->takes, letter))
            return cli_usage_error("%s does not take --%s", v->name, long_options[which].name);
        int status = take_option(o, letter, optarg);
        if (status != TF_OK)
            return status;
    }
    if (v->kind && optind < argc)
        o->kind = argv[optind++];
    if (v->needs && optind == argc)
        return cli_usage_error("%s needs %s; taskfarm --help says more", v->name, v->needs);
    if (v->needs)
        o->manifest = argv[optind++];
    bool targets = strchr(v->takes, 'u') != NULL;
    while (targets && optind < argc)
        o->target[o->targets++] = argv[optind++];
    while (v->more && optind < argc)
        o->argument[o->arguments++] = argv[optind++];
    return optind < argc ? cli_usage_error("%s: one argument too many", argv[optind]) : -1;
}

/* ---- Verbs ---- */

/* The verb, taken out of argv; "run" if there is none. NULL for one that is not supported yet. */
static const verb *take_verb(int *argc, char **argv) {
    for (size_t i = 0; *argc > 1 && i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].name) != 0)
            continue;
        memmove(&argv[1], &argv[2], (size_t)(*argc - 1) * sizeof *argv);
        (*argc)--;
        return &verbs[i];
    }
    for (size_t i = 0; *argc > 1 && i < sizeof later_verbs / sizeof *later_verbs; i++)
        if (strcmp(argv[1], later_verbs[i]) == 0)
            return NULL;
    return &verbs[0];
}

int main(int argc, char **argv) {
    tf_arena *arena = tf_arena_new();
    const int words = argc;
    const char **word = tf_arena_array(arena, (size_t)words, sizeof *word);
    for (int i = 0; i < words; i++)
        word[i] = argv[i];
    const verb *v = take_verb(&argc, argv);
    if (!v)
        return cli_usage_error("'%s' is not supported yet", argv[1]);
    options o = {.verb = v->name, .sync = 30, .grace = 30, .latency = -1, .started = tf_now(), .arena = arena};
    o.words = words;
    o.word = word;
    o.set = tf_arena_array(o.arena, (size_t)argc, sizeof *o.set);
    o.force = tf_arena_array(o.arena, (size_t)argc, sizeof *o.force);
    o.target = tf_arena_array(o.arena, (size_t)argc, sizeof *o.target);
    o.argument = tf_arena_array(o.arena, (size_t)argc, sizeof *o.argument);
    int status = parse(&o, v, argc, argv);
    if (status < 0)
        status = v->run(&o);
    tf_arena_free(o.arena);
    return status;
}
