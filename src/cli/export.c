/* taskfarm export: a stage of an output as a table. */
#include <errno.h>
#include <string.h>

#include "cli/cli.h"

static bool parse_format(const char *text, tf_export_format *format, bool *crate) {
    static const char *const names[] = {"csv", "jsonl"};
    *crate = strcmp(text, "rocrate") == 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(text, names[i]) == 0) {
            *format = (tf_export_format)i;
            return true;
        }
    return *crate;
}

static int export(const options *o, const recalled *r, bool crate, const tf_export_options *how) {
    const int stage = crate ? 0 : cli_find_stage(r, o->arguments ? o->argument[0] : NULL);
    if (stage < 0)
        return TF_ERR_USAGE;
    FILE *out = o->output ? fopen(o->output, "w") : stdout;
    if (!out) {
        fprintf(stderr, "taskfarm: %s: %s\n", o->output, strerror(errno));
        return TF_ERR_RUN;
    }
    tf_error error;
    tf_err err =
        crate ? tf_report_crate(out, &r->it, r->path, &error) : tf_report_export(out, &r->it, stage, how, &error);
    if (o->output && fclose(out) != 0 && err == TF_OK)
        err = tf_error_set(&error, TF_ERR_RUN, "can't be written: %s", strerror(errno));
    if (err != TF_OK)
        fprintf(stderr, "taskfarm: %s%s%s\n", o->output && err == TF_ERR_RUN ? o->output : "",
                o->output && err == TF_ERR_RUN ? ": " : "", error.text);
    return (int)err;
}

int cli_export(const options *o) {
    tf_export_options how = {.columns = o->columns, .where = o->where};
    bool crate = false;
    if (o->format && !parse_format(o->format, &how.format, &crate))
        return cli_usage_error("--format %s: must be csv, jsonl or rocrate", o->format);
    if (o->arguments > (crate ? 0 : 1))
        return cli_usage_error("%s: one argument too many", o->argument[crate ? 0 : 1]);
    if (crate && (o->columns || o->where))
        return cli_usage_error("--%s is for tables, not for --format rocrate", o->columns ? "columns" : "where");
    recalled r;
    int status = cli_recall(o, &r);
    if (status != TF_OK)
        return status;
    status = export(o, &r, crate, &how);
    cli_forget(&r);
    return status;
}
