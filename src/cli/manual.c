/* taskfarm manual: manual pages. */
#include "cli/verbs.h"

#include <stdlib.h>
#include <string.h>

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
    if (o->letter)
        tf_print(stdout, "\\fB\\-%c\\fR, ", o->letter);
    tf_print(stdout, "\\fB\\-\\-");
    for (const char *c = o->name; *c; c++)
        tf_print(stdout, "%s%c", *c == '-' ? "\\" : "", *c);
    tf_print(stdout, "\\fR%s%s%s\n", o->value ? " \\fI" : "", o->value ? o->value : "", o->value ? "\\fR" : "");
    tf_buf about = {0};
    option_add_about(o, &about);
    print_troff(tf_buf_text(&about));
    tf_buf_free(&about);
}

static void print_man_synopsis(const verb *v) {
    tf_buf arguments = {0};
    verb_add_arguments(v, &arguments);
    tf_print(stdout, ".B taskfarm %s\n", verb_label(v));
    if (arguments.length)
        print_troff(tf_buf_text(&arguments));
    tf_buf_free(&arguments);
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
    if (!v || strcmp(v->name, "run") == 0) {
        tf_print(stdout, ".SH SIGNALS\n");
        print_troff(SIGNALS_TEXT);
    }
    tf_print(stdout, ".SH EXIT STATUS\n");
    print_troff(v ? v->ends : ENDS_RUNNING);
}

static void print_man(const verb *table, const verb *v) {
    tf_buf name = {0};
    tf_buf_addf(&name, "taskfarm%s%s", v ? "-" : "", v ? v->name : "");
    print_man_head(tf_buf_text(&name), v ? v->about : "an MPI task farm with one typed HDF5 output");
    for (const verb *each = table; each->name; each++)
        if (!v || v == each)
            print_man_synopsis(each);
    if (!v || *v->more)
        tf_print(stdout, ".SH DESCRIPTION\n");
    for (const verb *each = table; each->name && !v; each++) {
        tf_print(stdout, ".TP\n.B %s\n", each->name);
        print_troff(each->about);
    }
    for (const char *text = v ? v->more : ""; *text; text += strcspn(text, "\n") + 1) {
        char *paragraph = strndup(text, strcspn(text, "\n"));
        tf_print(stdout, ".PP\n");
        print_troff(paragraph);
        free(paragraph);
    }
    if (!v || v->takes)
        tf_print(stdout, ".SH OPTIONS\n");
    for (int o = 0; o < OPTIONS; o++)
        if (!v || verb_takes(v, o))
            print_man_option(&option_table[o]);
    print_man_end(v);
    if (v)
        tf_print(stdout, ".SH SEE ALSO\n.BR taskfarm (1)\n");
    tf_buf_free(&name);
}

int cli_manual(const options *o) {
    const verb *v;
    const int status = verb_of_argument(o, &v);
    if (status == TF_OK)
        print_man(o->verbs, v);
    return status;
}
