/* taskfarm: the verb, its options, and its exit status. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/verbs.h"

enum { VERSION = 1 }; /* no letter: -v is another */

int cli_usage_error(const char *format, ...) {
    if (tf_farm_launch_rank() != 0)
        return TF_ERR_USAGE;
    tf_buf text = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv_visible(&text, format, args);
    va_end(args);
    tf_say("%s", tf_buf_text(&text));
    tf_buf_free(&text);
    return TF_ERR_USAGE;
}

void cli_print_json(cJSON *json) {
    char *text = cJSON_Print(json);
    tf_print_json(stdout, text);
    cJSON_free(text);
    cJSON_Delete(json);
}

/* ---- Options ---- */

/* getopt has refused an option that stands in `given`. */
static int refused_option(const options *o, const char *given) {
    for (int i = 0; i < option_count; i++)
        if (option_specs[i].letter == optopt)
            return cli_usage_error("--%s takes no value", option_specs[i].name);
    if (optopt)
        return cli_usage_error("unknown option -%c; taskfarm --help lists them", optopt);
    char name[64];
    const char *start = given;
    while (*start == '-')
        start++;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(start, "="), start);
    const char **names = tf_arena_array(o->arena, (size_t)option_count, sizeof *names);
    for (int i = 0; i < option_count; i++)
        names[i] = option_specs[i].name;
    const char *near = tf_suggest(name, names, (size_t)option_count);
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
    case 'G': o->salvage = true; break;
    case 'y': return take_time("sync", value, true, &o->sync);
    case 'd': return take_time("walltime", value, false, &o->walltime);
    case 'g': return take_time("grace", value, true, &o->grace);
    case 'L': return take_time("latency-wait", value, true, &o->latency);
    case 'j': o->json = true; break;
    case 'R': o->raw = true; break;
    case 'S': o->safe = true; break;
    case 'a': o->watch = true; break;
    case 'e': o->rerun = value; break;
    case 'F': o->force[o->forces++] = value; break;
    case 'u': o->target[o->targets++] = value; break;
    case 'T': o->touch = true; break;
    case 'n': o->dry_run = true; break;
    case 'v': o->verbose = true; break;
    case 'k': o->by_task = true; break;
    case 'x': o->format = value; break;
    case 'P': o->trust = true; break;
    case 'c': o->columns = value; break;
    case 'W': o->where = value; break;
    case 'K': o->keep_incomplete = true; break;
    case 't': o->set[o->sets++] = value; break;
    case 'i': return take_time("time", value, false, &o->time);
    case 'N':
        if (!tf_parse_int(value, &number) || number < 1 || number > 1000000)
            return cli_usage_error("--nodes %s: must be an integer from 1 to 1000000", value);
        o->nodes = (int)number;
        break;
    case 'l':
        if (!tf_parse_int(value, &number) || number < 1 || number > TF_MAX_SLOTS)
            return cli_usage_error("--slots %s: must be an integer from 1 to %d", value, TF_MAX_SLOTS);
        o->slots = (int)number;
        break;
    case 'b':
        o->bind = strcmp(value, "none") == 0    ? TF_BIND_NONE
                  : strcmp(value, "cores") == 0 ? TF_BIND_CORES
                                                : TF_BIND_AUTO;
        if (o->bind == TF_BIND_AUTO && strcmp(value, "auto") != 0)
            return cli_usage_error("--bind %s: must be auto, cores or none", value);
        break;
    default:
        if (!parse_style(value, &o->progress))
            return cli_usage_error("--progress %s: must be auto, bar, plain or none", value);
    }
    return TF_OK;
}

/* As getopt has them: options by name, and behind ":" those that a letter stands for. */
static struct option *long_options(const options *o, char *letters) {
    struct option *list = tf_arena_array(o->arena, (size_t)option_count + 3, sizeof *list);
    *letters++ = ':';
    for (int i = 0; i < option_count; i++) {
        const option_spec *spec = &option_specs[i];
        list[i] = (struct option){spec->name, spec->value ? required_argument : no_argument, NULL, spec->letter};
        if (spec->is_short) {
            *letters++ = (char)spec->letter;
            if (spec->value)
                *letters++ = ':';
        }
    }
    *letters = '\0';
    list[option_count] = (struct option){"help", no_argument, NULL, 'h'};
    list[option_count + 1] = (struct option){"version", no_argument, NULL, VERSION};
    return list;
}

static const char *option_name(int letter) {
    for (int i = 0; i < option_count; i++)
        if (option_specs[i].letter == letter)
            return option_specs[i].name;
    return "";
}

/* Returns an exit status, or -1 to go on. */
static int parse(options *o, const verb *v, bool is_given, int argc, char **argv) {
    char letters[3 * 64];
    const struct option *list = long_options(o, letters);
    opterr = 0;
    for (;;) {
        int letter = getopt_long(argc, argv, letters, list, NULL);
        if (letter == -1)
            break;
        if (letter == '?')
            return refused_option(o, argv[optind - 1]);
        if (letter == ':')
            return cli_usage_error("%s needs a value", argv[optind - 1]);
        if (letter == 'h' || letter == VERSION) {
            if (tf_farm_launch_rank() == 0 && letter == 'h')
                print_help(is_given ? v : NULL);
            else if (tf_farm_launch_rank() == 0)
                tf_print(stdout, "taskfarm %s (%s)\n", TASKFARM_VERSION, tf_commit());
            return TF_OK;
        }
        if (!strchr(v->takes, letter))
            return cli_usage_error("%s does not take --%s", v->name, option_name(letter));
        int status = take_option(o, letter, optarg);
        if (status != TF_OK)
            return status;
    }
    if (o->fresh && o->salvage)
        return cli_usage_error("--salvage goes on with an old output, and --fresh sets it aside: give one of them");
    if (v->has_kind && optind < argc)
        o->kind = argv[optind++];
    if (v->needs && optind == argc)
        return cli_usage_error("%s needs %s; taskfarm --help says more", v->name, v->needs);
    if (v->needs)
        o->manifest = argv[optind++];
    while (v->has_targets && optind < argc)
        o->target[o->targets++] = argv[optind++];
    while (v->has_others && optind < argc)
        o->argument[o->arguments++] = argv[optind++];
    return optind < argc ? cli_usage_error("%s: one argument too many", argv[optind]) : -1;
}

/* ---- Verbs ---- */

/* The verb, taken out of argv; NULL: there is none. */
static const verb *take_verb(int *argc, char **argv) {
    const verb *v = *argc > 1 ? find_verb(argv[1]) : NULL;
    if (!v)
        return NULL;
    memmove(&argv[1], &argv[2], (size_t)(*argc - 1) * sizeof *argv);
    (*argc)--;
    return v;
}

/* Whoever started this program may have ignored the ends of its children, or closed its standard error. A file that may
 * grow no further is an error like a full disk. How files end is for us to say. */
static void begin_process(void) {
    static const int limits[] = {SIGXFSZ};
    tf_open_standard();
    tf_store_own_exit();
    signal(SIGCHLD, SIG_DFL);
    tf_signals_ignore(limits, 1);
}

/* What was to be printed has been, or the exit status says that it was not. */
static int end_output(int status) {
    errno = 0;
    const bool lost = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !lost)
        return status;
    tf_say("can't write to standard output: %s", errno ? strerror(errno) : "not all was written");
    return status == TF_OK ? TF_ERR_RUN : status;
}

int main(int argc, char **argv) {
    begin_process();
    tf_arena *arena = tf_arena_new();
    const int words = argc;
    const char **word = tf_arena_array(arena, (size_t)words, sizeof *word);
    for (int i = 0; i < words; i++)
        word[i] = argv[i];
    const verb *given = take_verb(&argc, argv), *v = given ? given : find_verb("run");
    options o = {.verb = v->name, .sync = 30, .grace = 30, .latency = -1, .started = tf_now(), .arena = arena};
    o.words = words;
    o.word = word;
    o.set = tf_arena_array(o.arena, (size_t)argc, sizeof *o.set);
    o.force = tf_arena_array(o.arena, (size_t)argc, sizeof *o.force);
    o.target = tf_arena_array(o.arena, (size_t)argc, sizeof *o.target);
    o.argument = tf_arena_array(o.arena, (size_t)argc, sizeof *o.argument);
    int status = parse(&o, v, given != NULL, argc, argv);
    if (status < 0)
        status = v->run(&o);
    tf_arena_free(o.arena);
    return end_output(status);
}
