/* taskfarm completion: what makes a shell complete command lines. */
#include "cli/verbs.h"

#include <string.h>

#define OUTPUTS "h5"

/* From what status says as JSON: stages, and STAGE.REDUCTION. An output's groups can have any name, and bash expands
 * the words that it completes: those with other characters would be run. */
#define LIST_TABLES                                                                                                    \
    "            awk -F'\"' '/^      \"name\"/ { stage = $4; print stage }\n"                                          \
    "                /^          \"name\"/ { print stage \".\" $4 }' |\n"                                              \
    "            grep -E '^[A-Za-z0-9_.]+$'"

/* What a verb's files end in; NULL: its first argument is no file. */
static const char *suffix_of(const verb *v) {
    if (v->kind)
        return NULL;
    return strncmp(v->arguments, "MANIFEST", 8) == 0  ? "json"
           : strncmp(v->arguments, "FILE.h5", 7) == 0 ? OUTPUTS
                                                      : NULL;
}

static void print_kinds(const verb *v) {
    for (int k = 0; k < verb_kinds(v); k++)
        tf_print(stdout, "%s%s", k ? " " : "", v->kind(k));
}

static void print_words_of(const verb *v) {
    for (int o = 0; o < OPTIONS; o++)
        if (verb_takes(v, o))
            tf_print(stdout, "--%s ", option_table[o].name);
    tf_print(stdout, "--help");
}

/* Words that an option's value may be, with spaces between. */
static void print_values(const option_spec *o) {
    for (int n = 0; o->word(n); n++)
        tf_print(stdout, "%s%s", n ? " " : "", o->word(n));
}

/* Those of all options of that name: bash does not know yet of which verb it is. */
static void print_all_values(const char *name) {
    const char *between = "";
    for (const option_spec *o = option_table; o < option_table + OPTIONS; o++)
        if (strcmp(o->name, name) == 0) {
            tf_print(stdout, "%s", between);
            print_values(o);
            between = " ";
        }
}

static bool has_name_of_earlier(const option_spec *spec) {
    bool any = false;
    for (const option_spec *o = option_table; o < spec && !any; o++)
        any = strcmp(o->name, spec->name) == 0;
    return any;
}

static void print_bash(const verb *table) {
    tf_print(stdout, "# Completion of taskfarm's command lines, for bash.\n"
                     "_taskfarm() {\n"
                     "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=run first=1\n"
                     "    COMPREPLY=()\n"
                     "    case \"$before\" in\n");
    for (int o = 0; o < OPTIONS; o++) {
        const option_spec *spec = &option_table[o];
        if (!spec->value || has_name_of_earlier(spec))
            continue;
        tf_print(stdout, "    --%s) ", spec->name);
        if (spec->word) {
            tf_print(stdout, "mapfile -t COMPREPLY < <(compgen -W '");
            print_all_values(spec->name);
            tf_print(stdout, "' -- \"$word\"); return ;;\n");
        } else if (strcmp(spec->value, "FILE") == 0 || strcmp(spec->value, "FOLDER") == 0)
            tf_print(stdout, "mapfile -t COMPREPLY < <(compgen %s -- \"$word\"); return ;;\n",
                     strcmp(spec->value, "FILE") == 0 ? "-f" : "-d");
        else {
            tf_print(stdout, "return ;;\n");
        }
    }
    tf_print(stdout, "    esac\n"
                     "    local verbs='");
    for (const verb *v = table; v->name; v++)
        tf_print(stdout, "%s%s", v == table ? "" : " ", v->name);
    tf_print(stdout, "'\n"
                     "    if [[ \" $verbs \" == *\" ${COMP_WORDS[1]} \"* && $COMP_CWORD -gt 1 ]]; then\n"
                     "        verb=${COMP_WORDS[1]}\n"
                     "        first=2\n"
                     "    fi\n"
                     "    local words='' suffix='' files=0 kinds='' stages='' at=$((COMP_CWORD - first))\n"
                     "    case \"$verb\" in\n");
    for (const verb *v = table; v->name; v++) {
        tf_print(stdout, "    %s)\n        words='", v->name);
        print_words_of(v);
        tf_print(stdout, "'\n        suffix='%s'\n        files=%d\n", suffix_of(v) ? suffix_of(v) : "", v->files);
        tf_print(stdout, "        kinds='");
        print_kinds(v);
        tf_print(stdout, "'\n");
        tf_print(stdout, "        ;;\n");
    }
    tf_print(stdout, "    esac\n"
                     "    if [[ $word == -* ]]; then\n"
                     "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                     "        return\n"
                     "    fi\n"
                     "    if [[ $suffix == h5 && $at -eq $files ]]; then\n"
                     "        stages=$(taskfarm status --json \"${COMP_WORDS[2]}\" 2>/dev/null |\n" LIST_TABLES ")\n"
                     "    fi\n"
                     "    [[ $COMP_CWORD -eq 1 ]] && stages=$verbs\n"
                     "    [[ -n $kinds && $COMP_CWORD -eq $first ]] && stages=$kinds\n"
                     "    [[ $verb == manual ]] && stages=$verbs\n"
                     "    mapfile -t COMPREPLY < <(\n"
                     "        compgen -W \"$stages\" -- \"$word\"\n"
                     "        if [[ -n $suffix && $at -ge 0 && $at -lt $files ]]; then\n"
                     "            compgen -f -X \"!*.$suffix\" -- \"$word\"\n"
                     "            compgen -d -S / -- \"$word\"\n"
                     "        elif [[ $verb == import || $verb == run || $verb == job ]]; then\n"
                     "            compgen -f -- \"$word\"\n"
                     "        fi\n"
                     "    )\n"
                     "    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace\n"
                     "    return 0\n"
                     "}\n"
                     "complete -F _taskfarm taskfarm\n");
}

/* Text inside of single quotes, in which brackets and colons mean something. */
static void print_zsh_text(const char *text) {
    tf_buf out = {0};
    for (; *text; text++) {
        if (*text == '\'')
            tf_buf_adds(&out, "'\\'");
        else if (strchr("[]:", *text))
            tf_buf_addc(&out, '\\');
        tf_buf_addc(&out, *text);
    }
    tf_print_text(stdout, tf_buf_text(&out), out.length);
    tf_buf_free(&out);
}

static void print_zsh_option(const option_spec *o) {
    tf_print(stdout, "                '*--%s[", o->name);
    tf_buf about = {0};
    option_add_about(o, &about);
    print_zsh_text(tf_buf_text(&about));
    tf_buf_free(&about);
    tf_print(stdout, "]");
    if (o->value) {
        tf_print(stdout, ":%s:", o->value);
        if (o->word) {
            tf_print(stdout, "(");
            print_values(o);
            tf_print(stdout, ")");
        } else if (strcmp(o->value, "FILE") == 0)
            tf_print(stdout, "_files");
        else if (strcmp(o->value, "FOLDER") == 0)
            tf_print(stdout, "_files -/");
    }
    tf_print(stdout, "' \\\n");
}

static void print_zsh(const verb *table) {
    tf_print(stdout,
             "#compdef taskfarm\n"
             "# Completion of taskfarm's command lines, for zsh.\n"
             "_taskfarm_stages() {\n"
             "    compadd -- ${(f)\"$(taskfarm status --json ${(Q)words[2]} 2>/dev/null |\n" LIST_TABLES ")\"}\n"
             "}\n"
             "_taskfarm() {\n"
             "    local -a verbs\n"
             "    verbs=(\n");
    for (const verb *v = table; v->name; v++) {
        tf_print(stdout, "        '%s:", v->name);
        print_zsh_text(v->about);
        tf_print(stdout, "'\n");
    }
    tf_print(stdout, "    )\n"
                     "    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then\n"
                     "        _describe verb verbs\n"
                     "        _files -g '*.json'\n"
                     "        return\n"
                     "    fi\n"
                     "    local verb=run\n"
                     "    if (( ${verbs[(I)$words[2]:*]} )); then\n"
                     "        verb=$words[2]\n"
                     "        shift words\n"
                     "        (( CURRENT-- ))\n"
                     "    fi\n"
                     "    case $verb in\n");
    for (const verb *v = table; v->name; v++) {
        const char *suffix = suffix_of(v);
        tf_print(stdout, "        %s)\n            _arguments -s \\\n", v->name);
        for (int o = 0; o < OPTIONS; o++)
            if (verb_takes(v, o))
                print_zsh_option(&option_table[o]);
        for (int f = 1; suffix && f <= v->files; f++)
            tf_print(stdout, "                '%d:file:_files -g \"*.%s\"' \\\n", f, suffix);
        if (suffix && strcmp(suffix, OUTPUTS) == 0 && v->has_others)
            tf_print(stdout, "                '%d:stage:_taskfarm_stages' \\\n", v->files + 1);
        if (v->kind) {
            tf_print(stdout, "                '1:kind:(");
            print_kinds(v);
            tf_print(stdout, ")'%s \\\n", v->files > 0 ? " '2:file:_files'" : "");
        }
        tf_print(stdout, "                '--help[say what %s takes]'\n            ;;\n", v->name);
    }
    tf_print(stdout, "    esac\n"
                     "}\n"
                     "_taskfarm \"$@\"\n");
}

static const struct {
    const char *name;
    void (*print)(const verb *table);
} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}};

enum { SHELLS = sizeof shells / sizeof *shells };

const char *completion_shell(int number) {
    return number < SHELLS ? shells[number].name : NULL;
}

int cli_completion(const options *o) {
    for (int s = 0; s < SHELLS; s++)
        if (strcmp(shells[s].name, o->kind) == 0)
            shells[s].print(o->verbs);
    return TF_OK;
}
