/* taskfarm export: a stage of an output as a table. */
#include <string.h>

#include "cli/destination.h"

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
    tf_error error;
    destination to;
    tf_err err = destination_open(&to, o->output, o->output, r, &error);
    if (err == TF_OK) {
        err = crate ? tf_report_crate(to.file, &r->it, r->path, &error)
                    : tf_report_export(to.file, &r->it, stage, how, &error);
        if (err == TF_ERR_RUN && o->output)
            tf_error_context(&error, "%s", o->output);
        err = destination_close(&to, err, &error);
    }
    if (err != TF_OK)
        tf_say("%s", error.text);
    return (int)err;
}

int cli_export(const options *o) {
    tf_export_options how = {.columns = o->columns, .where = o->where, .safe = o->safe};
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
