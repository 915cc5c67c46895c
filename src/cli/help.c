/* The command line told: --help, manual pages, completion for shells; all of the same texts (verbs.c). */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verbs.h"

static bool takes(const verb *v, const option_spec *o) {
    return strchr(v->takes, o->letter) != NULL;
}

/* ---- --help ---- */

enum { WIDTH = 118, INDENT = 29 };

/* Words, in lines that begin with `indent` spaces; the first is at `column` already. */
static void print_words(const char *text, int column, int indent) {
    for (bool first = true; *text; first = false) {
        const int length = (int)strcspn(text, " ");
        if (!first && column + 1 + length > WIDTH) {
            tf_print(stdout, "\n%*s", indent, "");
            column = indent;
        } else if (!first) {
            tf_print(stdout, " ");
            column++;
        }
        tf_print(stdout, "%.*s", length, text);
        column += length;
        text += length;
        text += *text == ' ';
    }
    tf_print(stdout, "\n");
}

static void print_entry(const char *head, const char *about) {
    int column = (int)strlen(head);
    tf_print(stdout, "%s", head);
    if (column >= INDENT) {
        tf_print(stdout, "\n");
        column = 0;
    }
    tf_print(stdout, "%*s", INDENT - column, "");
    print_words(about, INDENT, INDENT);
}

static void print_option(const option_spec *o) {
    tf_buf head = {0};
    tf_buf_adds(&head, "  ");
    if (o->is_short)
        tf_buf_addf(&head, "-%c, ", o->letter);
    tf_buf_addf(&head, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    print_entry(tf_buf_text(&head), o->about);
    tf_buf_free(&head);
}

static void print_synopsis(const verb *v) {
    tf_buf head = {0};
    tf_buf_addf(&head, "taskfarm %s%s%s", v == verbs ? "[run]" : v->name, *v->arguments ? " " : "", v->arguments);
    print_entry(tf_buf_text(&head), v->about);
    tf_buf_free(&head);
}

/* "run, plan and try" */
static void add_takers(const option_spec *o, tf_buf *out) {
    int left = 0;
    for (int v = 0; v < verb_count; v++)
        left += takes(&verbs[v], o);
    for (int v = 0; v < verb_count; v++)
        if (takes(&verbs[v], o))
            tf_buf_addf(out, "%s%s", verbs[v].name, --left > 1 ? ", " : left == 1 ? " and " : "");
}

static void print_paragraphs(const char *text) {
    for (size_t length; *text; text += length + 1) {
        length = strcspn(text, "\n");
        char *paragraph = strndup(text, length);
        print_words(paragraph, 0, 0);
        free(paragraph);
    }
}

/* Options with the same takers stand together. */
static void print_all(void) {
    tf_buf takers = {0}, before = {0};
    for (int v = 0; v < verb_count; v++)
        print_synopsis(&verbs[v]);
    tf_print(stdout, "\n");
    for (int o = 0; o < option_count; o++) {
        tf_buf_clear(&takers);
        add_takers(&option_specs[o], &takers);
        if (strcmp(tf_buf_text(&takers), tf_buf_text(&before)) != 0)
            tf_print(stdout, "%s take%s\n", tf_buf_text(&takers), strchr(takers.data, ' ') ? "" : "s");
        tf_buf_clear(&before);
        tf_buf_adds(&before, tf_buf_text(&takers));
        print_option(&option_specs[o]);
    }
    tf_print(stdout, "and everywhere --help, --version; taskfarm VERB --help says more of one.\n\n");
    tf_buf_free(&takers);
    tf_buf_free(&before);
}

void print_help(const verb *v) {
    if (!v) {
        print_all();
        print_words(signals_text, 0, 0);
    } else {
        print_synopsis(v);
        if (*v->more)
            tf_print(stdout, "\n");
        print_paragraphs(v->more);
        if (*v->takes)
            tf_print(stdout, "\n");
        for (int o = 0; o < option_count; o++)
            if (takes(v, &option_specs[o]))
                print_option(&option_specs[o]);
        tf_print(stdout, "\n");
    }
    tf_print(stdout, "Exit status: ");
    print_words(status_text, 13, 0);
}

/* ---- Manual pages ---- */

/* Text as troff takes it. */
static void print_troff(const char *text) {
    tf_buf out = {0};
    for (bool starts = true; *text; starts = *text == '\n', text++) {
        if (starts && (*text == '.' || *text == '\''))
            tf_buf_adds(&out, "\\&");
        if (*text == '\\')
            tf_buf_adds(&out, "\\e");
        else if (*text == '-')
            tf_buf_adds(&out, "\\-");
        else
            tf_buf_addc(&out, *text);
    }
    tf_buf_addc(&out, '\n');
    tf_print_text(stdout, tf_buf_text(&out), out.length);
    tf_buf_free(&out);
}

static void print_man_option(const option_spec *o) {
    tf_print(stdout, ".TP\n");
    if (o->is_short)
        tf_print(stdout, "\\fB\\-%c\\fR, ", o->letter);
    tf_print(stdout, "\\fB\\-\\-");
    for (const char *c = o->name; *c; c++)
        tf_print(stdout, "%s%c", *c == '-' ? "\\" : "", *c);
    tf_print(stdout, "\\fR%s%s%s\n", o->value ? " \\fI" : "", o->value ? o->value : "", o->value ? "\\fR" : "");
    print_troff(o->about);
}

static void print_man_synopsis(const verb *v) {
    tf_print(stdout, ".B taskfarm %s\n", v == verbs ? "[run]" : v->name);
    if (*v->arguments)
        print_troff(v->arguments);
    tf_print(stdout, ".br\n");
}

static void print_man_head(const char *name, const char *about) {
    tf_print(stdout, ".TH %s 1 \"\" \"taskfarm %s\" \"taskfarm\"\n.SH NAME\n", name, TASKFARM_VERSION);
    tf_buf line = {0};
    tf_buf_addf(&line, "%s - %s", name, about);
    print_troff(tf_buf_text(&line));
    tf_print(stdout, ".SH SYNOPSIS\n");
    tf_buf_free(&line);
}

static void print_man_end(const verb *v) {
    if (!v || v == verbs) {
        tf_print(stdout, ".SH SIGNALS\n");
        print_troff(signals_text);
    }
    tf_print(stdout, ".SH EXIT STATUS\n");
    print_troff(status_text);
}

static void print_man(const verb *v) {
    tf_buf name = {0};
    tf_buf_addf(&name, "taskfarm%s%s", v ? "-" : "", v ? v->name : "");
    print_man_head(tf_buf_text(&name), v ? v->about : "an MPI task farm with one typed HDF5 output");
    for (int i = 0; i < verb_count; i++)
        if (!v || v == &verbs[i])
            print_man_synopsis(&verbs[i]);
    if (!v || *v->more)
        tf_print(stdout, ".SH DESCRIPTION\n");
    for (int i = 0; i < verb_count && !v; i++) {
        tf_print(stdout, ".TP\n.B %s\n", verbs[i].name);
        print_troff(verbs[i].about);
    }
    for (const char *text = v ? v->more : ""; *text; text += strcspn(text, "\n") + 1) {
        char *paragraph = strndup(text, strcspn(text, "\n"));
        tf_print(stdout, ".PP\n");
        print_troff(paragraph);
        free(paragraph);
    }
    if (!v || *v->takes)
        tf_print(stdout, ".SH OPTIONS\n");
    for (int o = 0; o < option_count; o++)
        if (!v || takes(v, &option_specs[o]))
            print_man_option(&option_specs[o]);
    print_man_end(v);
    if (v)
        tf_print(stdout, ".SH SEE ALSO\n.BR taskfarm (1)\n");
    tf_buf_free(&name);
}

int cli_manual(const options *o) {
    const char *name = o->arguments ? o->argument[0] : NULL;
    const verb *v = name ? find_verb(name) : NULL;
    if (name && !v)
        return cli_usage_error("there is no verb \"%s\"; taskfarm --help lists them", name);
    print_man(v);
    return TF_OK;
}

/* ---- Completion ---- */

/* What a verb's first argument ends in; NULL: it is no file. */
static const char *suffix_of(const verb *v) {
    return strncmp(v->arguments, "MANIFEST", 8) == 0 ? "json" : strncmp(v->arguments, "FILE.h5", 7) == 0 ? "h5" : NULL;
}

static void print_words_of(const verb *v) {
    for (int o = 0; o < option_count; o++)
        if (takes(v, &option_specs[o]))
            tf_print(stdout, "--%s ", option_specs[o].name);
    tf_print(stdout, "--help");
}

static void print_bash(void) {
    tf_print(stdout, "# Completion of taskfarm's command lines, for bash.\n"
                     "_taskfarm() {\n"
                     "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb=run first=1\n"
                     "    COMPREPLY=()\n"
                     "    case \"$before\" in\n");
    for (int o = 0; o < option_count; o++) {
        const option_spec *spec = &option_specs[o];
        if (!spec->value)
            continue;
        tf_print(stdout, "    --%s) ", spec->name);
        if (spec->values)
            tf_print(stdout, "mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\"); return ;;\n", spec->values);
        else if (strcmp(spec->value, "FILE") == 0 || strcmp(spec->value, "FOLDER") == 0)
            tf_print(stdout, "mapfile -t COMPREPLY < <(compgen %s -- \"$word\"); return ;;\n",
                     strcmp(spec->value, "FILE") == 0 ? "-f" : "-d");
        else
            tf_print(stdout, "return ;;\n");
    }
    tf_print(stdout, "    esac\n"
                     "    local verbs='");
    for (int v = 0; v < verb_count; v++)
        tf_print(stdout, "%s%s", v ? " " : "", verbs[v].name);
    tf_print(stdout, "'\n"
                     "    if [[ \" $verbs \" == *\" ${COMP_WORDS[1]} \"* && $COMP_CWORD -gt 1 ]]; then\n"
                     "        verb=${COMP_WORDS[1]}\n"
                     "        first=2\n"
                     "    fi\n"
                     "    local words='' suffix='' stages=''\n"
                     "    case \"$verb\" in\n");
    for (int v = 0; v < verb_count; v++) {
        tf_print(stdout, "    %s)\n        words='", verbs[v].name);
        print_words_of(&verbs[v]);
        tf_print(stdout, "'\n        suffix='%s'\n", suffix_of(&verbs[v]) ? suffix_of(&verbs[v]) : "");
        tf_print(stdout, "        ;;\n");
    }
    tf_print(stdout, "    esac\n"
                     "    if [[ $word == -* ]]; then\n"
                     "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                     "        return\n"
                     "    fi\n"
                     "    if [[ $suffix == h5 && $COMP_CWORD -eq 3 ]]; then\n"
                     "        stages=$(taskfarm status \"${COMP_WORDS[2]}\" 2>/dev/null |\n"
                     "            awk 'NR > 2 && $1 ~ /^[A-Za-z0-9_]+$/ { print $1 }')\n"
                     "    fi\n"
                     "    [[ $COMP_CWORD -eq 1 ]] && stages=$verbs\n"
                     "    [[ $verb == completion ]] && stages='bash zsh'\n"
                     "    [[ $verb == import && $COMP_CWORD -eq $first ]] && stages='commands makeflow'\n"
                     "    [[ $verb == job && $COMP_CWORD -eq $first ]] && stages='slurm pbs lsf flux'\n"
                     "    [[ $verb == manual ]] && stages=$verbs\n"
                     "    mapfile -t COMPREPLY < <(\n"
                     "        compgen -W \"$stages\" -- \"$word\"\n"
                     "        if [[ -n $suffix && $COMP_CWORD -eq $first ]]; then\n"
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
    print_zsh_text(o->about);
    tf_print(stdout, "]");
    if (o->value) {
        tf_print(stdout, ":%s:", o->value);
        if (o->values)
            tf_print(stdout, "(%s)", o->values);
        else if (strcmp(o->value, "FILE") == 0)
            tf_print(stdout, "_files");
        else if (strcmp(o->value, "FOLDER") == 0)
            tf_print(stdout, "_files -/");
    }
    tf_print(stdout, "' \\\n");
}

static void print_zsh(void) {
    tf_print(stdout, "#compdef taskfarm\n"
                     "# Completion of taskfarm's command lines, for zsh.\n"
                     "_taskfarm_stages() {\n"
                     "    compadd -- ${(f)\"$(taskfarm status ${(Q)words[2]} 2>/dev/null |\n"
                     "        awk 'NR > 2 && $1 ~ /^[A-Za-z0-9_]+$/ { print $1 }')\"}\n"
                     "}\n"
                     "_taskfarm() {\n"
                     "    local -a verbs\n"
                     "    verbs=(\n");
    for (int v = 0; v < verb_count; v++) {
        tf_print(stdout, "        '%s:", verbs[v].name);
        print_zsh_text(verbs[v].about);
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
    for (int v = 0; v < verb_count; v++) {
        const char *suffix = suffix_of(&verbs[v]);
        tf_print(stdout, "        %s)\n            _arguments -s \\\n", verbs[v].name);
        for (int o = 0; o < option_count; o++)
            if (takes(&verbs[v], &option_specs[o]))
                print_zsh_option(&option_specs[o]);
        if (suffix)
            tf_print(stdout, "                '1:file:_files -g \"*.%s\"' \\\n", suffix);
        if (suffix && *suffix == 'h' && verbs[v].has_others)
            tf_print(stdout, "                '2:stage:_taskfarm_stages' \\\n");
        if (verbs[v].run == cli_completion)
            tf_print(stdout, "                '1:shell:(bash zsh)' \\\n");
        if (verbs[v].has_kind)
            tf_print(stdout, "                '1:kind:(%s)' '2:file:_files' \\\n",
                     verbs[v].run == cli_job ? "slurm pbs lsf flux" : "commands makeflow");
        tf_print(stdout, "                '--help[say what %s takes]'\n            ;;\n", verbs[v].name);
    }
    tf_print(stdout, "    esac\n"
                     "}\n"
                     "_taskfarm \"$@\"\n");
}

int cli_completion(const options *o) {
    if (strcmp(o->manifest, "bash") == 0)
        print_bash();
    else if (strcmp(o->manifest, "zsh") == 0)
        print_zsh();
    else
        return cli_usage_error("completion %s: must be bash or zsh", o->manifest);
    return TF_OK;
}
