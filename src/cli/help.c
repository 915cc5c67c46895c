/* --help: of one verb, or of all. */
#include "cli/verbs.h"

#include <stdlib.h>
#include <string.h>

const verb *verb_find(const verb *table, const char *name) {
    for (const verb *v = table; v->name; v++)
        if (strcmp(v->name, name) == 0)
            return v;
    return NULL;
}

const char *verb_suggest(const verb *table, const char *name) {
    enum { MOST = 64 };
    const char *names[MOST];
    size_t count = 0;
    for (const verb *v = table; v->name && count < MOST; v++)
        names[count++] = v->name;
    return tf_suggest(name, names, count);
}

int verb_of_argument(const options *o, const verb **found) {
    const char *name = o->arguments ? o->argument[0] : NULL;
    *found = name ? verb_find(o->verbs, name) : NULL;
    if (!name || *found)
        return TF_OK;
    const char *near = verb_suggest(o->verbs, name);
    return near ? cli_usage_error("there is no verb \"%s\"; did you mean \"%s\"?", name, near)
                : cli_usage_error("there is no verb \"%s\"; taskfarm --help lists them", name);
}

int verb_kinds(const verb *v) {
    int count = 0;
    while (v->kind && v->kind(count))
        count++;
    return count;
}

const char *verb_label(const verb *v) {
    return strcmp(v->name, "run") == 0 ? "[run]" : v->name;
}

void verb_add_arguments(const verb *v, tf_buf *out) {
    const int kinds = verb_kinds(v);
    for (int k = 0; k < kinds; k++)
        tf_buf_addf(out, "%s%s", k ? "|" : "", v->kind(k));
    tf_buf_addf(out, "%s%s", kinds && *v->arguments ? " " : "", v->arguments);
}

enum { WIDTH = 80, INDENT = 25 };

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
    tf_buf head = {0}, about = {0};
    tf_buf_adds(&head, "  ");
    if (o->letter)
        tf_buf_addf(&head, "-%c, ", o->letter);
    tf_buf_addf(&head, "--%s%s%s", o->name, o->value ? " " : "", o->value ? o->value : "");
    option_add_about(o, &about);
    print_entry(tf_buf_text(&head), tf_buf_text(&about));
    tf_buf_free(&about);
    tf_buf_free(&head);
}

static void print_synopsis(const verb *v) {
    tf_buf head = {0}, arguments = {0};
    verb_add_arguments(v, &arguments);
    tf_buf_addf(&head, "taskfarm %s%s%s", verb_label(v), arguments.length ? " " : "", tf_buf_text(&arguments));
    tf_buf_free(&arguments);
    print_entry(tf_buf_text(&head), v->about);
    tf_buf_free(&head);
}

/* "run, plan and try" */
static void add_takers(const verb *table, int option, tf_buf *out) {
    int left = 0;
    for (const verb *v = table; v->name; v++)
        left += verb_takes(v, option);
    for (const verb *v = table; v->name; v++)
        if (verb_takes(v, option))
            tf_buf_addf(out, "%s%s", v->name, --left > 1 ? ", " : left == 1 ? " and " : "");
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
static void print_all(const verb *table) {
    tf_buf takers = {0}, before = {0};
    for (const verb *v = table; v->name; v++)
        print_synopsis(v);
    tf_print(stdout, "\n");
    for (int o = 0; o < OPTIONS; o++) {
        tf_buf_clear(&takers);
        add_takers(table, o, &takers);
        if (strcmp(tf_buf_text(&takers), tf_buf_text(&before)) != 0)
            tf_print(stdout, "%s take%s\n", tf_buf_text(&takers), strchr(takers.data, ' ') ? "" : "s");
        tf_buf_clear(&before);
        tf_buf_adds(&before, tf_buf_text(&takers));
        print_option(&option_table[o]);
    }
    tf_print(stdout, "and everywhere --help, --version; taskfarm VERB --help says more of one.\n\n");
    tf_buf_free(&takers);
    tf_buf_free(&before);
}

void print_help(const verb *table, const verb *v) {
    if (!v) {
        print_all(table);
        print_words(SIGNALS_TEXT, 0, 0);
    } else {
        print_synopsis(v);
        if (*v->more)
            tf_print(stdout, "\n");
        print_paragraphs(v->more);
        if (v->takes)
            tf_print(stdout, "\n");
        for (int o = 0; o < OPTIONS; o++)
            if (verb_takes(v, o))
                print_option(&option_table[o]);
        tf_print(stdout, "\n");
    }
    tf_print(stdout, "Exit status: ");
    print_words(v ? v->ends : ENDS_RUNNING, 13, 0);
}

int cli_help(const options *o) {
    const verb *v;
    const int status = verb_of_argument(o, &v);
    if (status == TF_OK)
        print_help(o->verbs, v);
    return status;
}
