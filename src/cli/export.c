/* taskfarm export: a stage of an output as a table. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"

static bool parse_format(const char *text, tf_export_format *format) {
    static const char *const names[] = {"csv", "jsonl"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *format = (tf_export_format)i;
            return true;
        }
    return false;
}

static int export_stage(const options *o, const recalled *r, const tf_export_options *how) {
    const int stage = cli_find_stage(r, o->arguments ? o->argument[0] : NULL);
    if (stage < 0)
        return TF_ERR_USAGE;
    FILE *out = o->output ? fopen(o->output, "w") : stdout;
    if (!out) {
        fprintf(stderr, "taskfarm: %s: %s\n", o->output, strerror(errno));
        return TF_ERR_RUN;
    }
    tf_error error;
    tf_err err = tf_report_export(out, &r->it, stage, how, &error);
    if (o->output && fclose(out) != 0 && err == TF_OK)
        err = tf_error_set(&error, TF_ERR_RUN, "can't be written: %s", strerror(errno));
    if (err != TF_OK)
        fprintf(stderr, "taskfarm: %s%s%s\n", o->output && err == TF_ERR_RUN ? o->output : "",
                o->output && err == TF_ERR_RUN ? ": " : "", error.text);
    return (int)err;
}

int cli_export(const options *o) {
    tf_export_options how = {.columns = o->columns, .where = o->where};
    if (o->format && !parse_format(o->format, &how.format))
        return cli_usage_error("--format %s: must be csv or jsonl", o->format);
    if (o->arguments > 1)
        return cli_usage_error("%s: one argument too many", o->argument[1]);
    recalled r;
    int status = cli_recall(o, &r);
    if (status != TF_OK)
        return status;
    status = export_stage(o, &r, &how);
    cli_forget(&r);
    return status;
}
