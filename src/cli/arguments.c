/* From the words of a command line to options: getopt, by the tables. */
#include "cli/arguments.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What getopt returns for a long option: its id from here on, so that no letter is meant. */
enum { HELP = 256, VERSION, FIRST_OPTION };

/* getopt has refused an option that stands in `given`. */
static int refused_option(const options *o, const char *given) {
    if (optopt >= FIRST_OPTION)
        return cli_usage_error("--%s takes no value", option_table[optopt - FIRST_OPTION].name);
    if (optopt)
        return cli_usage_error("unknown option -%c; taskfarm --help lists them", optopt);
    char name[64];
    const char *start = given;
    while (*start == '-')
        start++;
    snprintf(name, sizeof name, "%.*s", (int)strcspn(start, "="), start);
    const char **names = tf_arena_array(o->arena, OPTIONS, sizeof *names);
    for (int i = 0; i < OPTIONS; i++)
        names[i] = option_table[i].name;
    const char *near = tf_suggest(name, names, OPTIONS);
    return near ? cli_usage_error("unknown option %s; did you mean --%s?", given, near)
                : cli_usage_error("unknown option %s; taskfarm --help lists them", given);
}

/* As getopt has them: options by name, and behind ":" the letters that stand for some. */
static struct option *long_options(const options *o, char *letters) {
    struct option *list = tf_arena_array(o->arena, OPTIONS + 3, sizeof *list);
    *letters++ = ':';
    *letters++ = 'h';
    for (int i = 0; i < OPTIONS; i++) {
        const option_spec *spec = &option_table[i];
        list[i] = (struct option){spec->name, spec->value ? required_argument : no_argument, NULL, FIRST_OPTION + i};
        if (spec->letter)
            *letters++ = spec->letter;
        if (spec->letter && spec->value)
            *letters++ = ':';
    }
    *letters = '\0';
    list[OPTIONS] = (struct option){"help", no_argument, NULL, HELP};
    list[OPTIONS + 1] = (struct option){"version", no_argument, NULL, VERSION};
    return list;
}

/* The option that getopt has found, by name or by its letter. */
static int find_option(int found) {
    int option = found >= FIRST_OPTION ? found - FIRST_OPTION : 0;
    while (found < FIRST_OPTION && option < OPTIONS && option_table[option].letter != found)
        option++;
    return option;
}

/* The option of that name which the verb takes; the same one if it takes none. */
static int option_of_verb(const verb *v, int option) {
    for (int o = 0; o < OPTIONS; o++)
        if (verb_takes(v, o) && strcmp(option_table[o].name, option_table[option].name) == 0)
            return o;
    return option;
}

static int print_about_program(const options *o, const verb *v, int what) {
    if (tf_launch_rank() != 0)
        return TF_OK;
    if (what == VERSION)
        return cli_version(o);
    print_help(o->verbs, v);
    return TF_OK;
}

/* Without a single word. */
static int print_usage(const options *o) {
    if (tf_launch_rank() == 0)
        print_help(o->verbs, NULL);
    return TF_ERR_USAGE;
}

/* What the environment says, before options say otherwise. An exit status after a diagnostic, or -1 to go on. */
static int read_environment(options *o, const verb *v) {
    for (int i = 0; i < OPTIONS; i++) {
        const option_spec *spec = &option_table[i];
        const char *value = spec->variable && verb_takes(v, i) ? getenv(spec->variable) : NULL;
        const int status = value ? spec->set(o, spec, value) : TF_OK;
        if (status == TF_OK)
            continue;
        tf_say("%s of the environment stands for --%s", spec->variable, spec->name);
        return status;
    }
    return -1;
}

/* Returns an exit status, or -1 to go on. */
static int parse_options(options *o, const verb *v, bool is_given, int argc, char **argv) {
    char letters[3 + 2 * OPTIONS];
    const struct option *list = long_options(o, letters);
    opterr = 0;
    for (int found; (found = getopt_long(argc, argv, letters, list, NULL)) != -1;) {
        if (found == '?')
            return refused_option(o, argv[optind - 1]);
        if (found == ':')
            return cli_usage_error("%s needs a value", argv[optind - 1]);
        if (found == 'h' || found == HELP || found == VERSION)
            return print_about_program(o, is_given ? v : NULL, found);
        const int option = option_of_verb(v, find_option(found));
        if (!verb_takes(v, option))
            return cli_usage_error("%s does not take --%s", v->name, option_table[option].name);
        const int status = option_table[option].set(o, &option_table[option], optarg);
        if (status != TF_OK)
            return status;
    }
    if (o->fresh && o->salvage)
        return cli_usage_error("--salvage goes on with an old output, and --fresh sets it aside: give one of them");
    return -1;
}

/* Is it one of the verb's kinds? An exit status after a diagnostic. */
static int check_kind(const options *o, const verb *v) {
    tf_buf choices = {0};
    const int count = verb_kinds(v);
    int status = TF_ERR_USAGE;
    for (int k = 0; k < count; k++) {
        tf_buf_add_choice(&choices, v->kind(k), k, count);
        status = strcmp(o->kind, v->kind(k)) == 0 ? TF_OK : status;
    }
    if (status != TF_OK)
        cli_usage_error("%s %s: must be %s", v->name, o->kind, tf_buf_text(&choices));
    tf_buf_free(&choices);
    return status;
}

/* "staus x.h5": no file has that name, and none would be called so. Returns an exit status, or -1: it may be a
 * manifest. */
static int check_manifest_name(const options *o, const char *name) {
    if (strpbrk(name, "./") || strcmp(name, "-") == 0 || access(name, F_OK) == 0)
        return -1;
    const char *near = verb_suggest(o->verbs, name);
    return near ? cli_usage_error("there is no verb \"%s\", and no such file; did you mean \"%s\"?", name, near)
                : cli_usage_error("there is no verb \"%s\", and no such file; taskfarm --help lists the verbs", name);
}

/* Can the files be found from where the user stands? An exit status after a diagnostic. */
static int check_files(const options *o, const verb *v) {
    const bool is_piped = v->files > 0 && strcmp(o->manifest, "-") == 0;
    for (int f = is_piped ? 1 : 0; f < v->files; f++)
        if (!cli_absolute(o->arena, f == 0 ? o->manifest : o->argument[f - 1]))
            return TF_ERR_USAGE;
    return TF_OK;
}

int arguments_parse(options *o, const verb *v, bool is_given, int argc, char **argv) {
    int status = read_environment(o, v);
    if (status < 0)
        status = parse_options(o, v, is_given, argc, argv);
    if (status >= 0)
        return status;
    if (!is_given && argc == 1)
        return print_usage(o);
    if (!is_given && optind < argc && (status = check_manifest_name(o, argv[optind])) >= 0)
        return status;
    if (v->kind && optind < argc)
        o->kind = argv[optind++];
    if ((v->kind && !o->kind) || argc - optind < v->files)
        return cli_usage_error("%s needs %s; taskfarm --help says more", v->name, v->needs);
    status = v->kind ? check_kind(o, v) : TF_OK;
    if (status != TF_OK)
        return status;
    if (v->files > 0)
        o->manifest = argv[optind++];
    while (o->arguments < v->files - 1)
        o->argument[o->arguments++] = argv[optind++];
    status = check_files(o, v);
    if (status != TF_OK)
        return status;
    while (v->has_targets && optind < argc)
        o->target[o->targets++] = argv[optind++];
    while (v->has_others && optind < argc)
        o->argument[o->arguments++] = argv[optind++];
    return optind < argc ? cli_usage_error("%s: one argument too many", argv[optind]) : -1;
}
