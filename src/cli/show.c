/* taskfarm show: one task of an output, or one of its reductions. */
#include <stdlib.h>

#include "cli/named_task.h"
#include "report/failures.h"
#include "report/reductions.h"

static int show_reduction(const options *o, const recalled *r) {
    const int table = cli_find_table(r, o->argument[0]);
    tf_error error;
    if (table < 0)
        return TF_ERR_USAGE;
    return reduction_show(stdout, &r->it, table, o->json, &error) == TF_OK ? TF_OK : cli_fail(o, NULL, &error);
}

static int show(const options *o, const recalled *r) {
    if (o->raw && o->json)
        return cli_usage_error("--raw is for text: --json always escapes control characters");
    if (o->arguments == 1 && cli_is_reduction(o->argument[0]))
        return show_reduction(o, r);
    if (o->arguments < 1 || o->arguments > 2) {
        tf_buf hint = {0};
        failures_add_hint("show", o->manifest,
                          tf_reader_stages(r->it.reader) ? tf_reader_stage(r->it.reader, 0) : "STAGE", 0, &hint);
        cli_usage_error("show needs a stage and the index of a task, as in %s", tf_buf_text(&hint));
        tf_buf_free(&hint);
        return TF_ERR_USAGE;
    }
    const named_task named = named_task_read(o, r);
    const int stage = cli_find_stage(r, named.stage);
    if (stage < 0)
        return TF_ERR_USAGE;
    int status;
    const int64_t index = named_task_find(o, r, stage, named.task, &status);
    if (index < 0)
        return status;
    tf_error error;
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = o->raw ? open_memstream(&bytes, &size) : stdout;
    tf_err err = tf_report_show(out, &r->it, stage, index, o->json, &error);
    if (o->raw) {
        fclose(out);
        tf_print_bytes(stdout, bytes, size);
        free(bytes);
    }
    return err == TF_OK ? TF_OK : cli_fail(o, NULL, &error);
}

int cli_show(const options *o) {
    recalled r;
    int status = cli_recall(o, &r);
    if (status != TF_OK)
        return status;
    status = show(o, &r);
    cli_forget(&r);
    return status;
}
