/* taskfarm export: a stage of an output, or a reduction, as a table, or how the output came to be. */
#include "cli/destination.h"
#include "cli/formats.h"

static int export(const options *o, recalled *r, const tf_format *format) {
    const int stage = format->is_table ? cli_find_table(r, o->arguments ? o->argument[0] : NULL) : 0;
    if (stage < 0)
        return TF_ERR_USAGE;
    const tf_export_options how = {
        .path = r->path, .stage = stage, .columns = o->columns, .where = o->where, .sort = o->sort, .safe = o->safe};
    tf_error error;
    destination to;
    tf_err err = destination_open(&to, o->output, o->output, format->reopens, r, &error);
    if (format->reopens) {
        tf_reader_close(r->it.reader);
        r->it.reader = NULL;
    }
    if (err == TF_OK) {
        err = format->write(to.file, &r->it, &how, &error);
        if (err == TF_ERR_RUN && o->output)
            tf_error_context(&error, "%s", o->output);
        err = destination_close(&to, err, &error);
    }
    if (err != TF_OK)
        tf_say("%s", error.text);
    return (int)err;
}

int cli_export(const options *o) {
    const tf_format *format = cli_find_format(tf_export_formats(), o->format);
    if (!format)
        return TF_ERR_USAGE;
    const int most = format->is_table ? 1 : 0;
    if (o->arguments > most)
        return cli_usage_error("%s: one argument too many", o->argument[most]);
    if (!format->is_table && (o->columns || o->where || o->sort))
        return cli_usage_error("--%s is for tables, not for --format %s",
                               o->columns ? "columns"
                               : o->where ? "where"
                                          : "sort",
                               format->name);
    recalled r;
    int status = cli_recall(o, &r);
    if (status != TF_OK)
        return status;
    status = export(o, &r, format);
    cli_forget(&r);
    return status;
}
