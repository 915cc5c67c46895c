/* A task that is tried, as one JSON object. What a task in the foreground prints on standard output must not stand in
 * it: it goes to standard error. */
#include <string.h>
#include <unistd.h>

#include "cli/supervise.h"
#include "cli/try.h"
#include "report/view.h"

const tf_record *try_find_text(const tf_rows *rows, int32_t kind) {
    for (size_t at = 0; at < rows->blobs_size;) {
        const tf_record *record = tf_record_at((const char *)rows->blobs + at, rows->blobs_size - at);
        if (!record)
            break;
        if (record->kind == kind)
            return record;
        at += tf_record_size((size_t)record->length);
    }
    return NULL;
}

static FILE *keep_stdout(void) {
    cli_supervise();
    fflush(stdout);
    const int own = dup(STDOUT_FILENO);
    FILE *out = own >= 0 ? fdopen(own, "w") : NULL;
    if (out)
        dup2(STDERR_FILENO, STDOUT_FILENO);
    return out ? out : stdout;
}

static void note_point(void *context, const tf_point *point) {
    trial *t = context;
    tf_buf_clear(&t->given);
    tf_host_task_json(t->stage, point, 1, &t->given);
    tf_store_leave(&t->guest);
}

static void add_text(const tf_rows *rows, int32_t kind, const char *name, tf_buf *out) {
    const tf_record *record = try_find_text(rows, kind);
    tf_buf_addf(out, ",\"%s\":", name);
    tf_buf_add_json(out, record ? (const char *)(record + 1) : "", record ? (size_t)record->length : 0);
}

/* Elements of an array are in C order. */
static void add_numbers(const tf_column_spec *column, const char *cell, tf_buf *out) {
    const bool is_array = column->rank > 0;
    tf_buf_adds(out, is_array ? "[" : "");
    for (int64_t e = 0; e < column->elements; e++) {
        tf_buf_adds(out, e ? "," : "");
        tf_host_value_json(column->type, cell + (size_t)e * tf_type_size(column->type), out);
    }
    tf_buf_adds(out, is_array ? "]" : "");
}

static void add_blob(const tf_column_spec *column, const tf_record *record, tf_buf *out) {
    const char *bytes = record ? (const char *)(record + 1) : "";
    const size_t length = record ? (size_t)record->length : 0;
    if (column->type == TF_STRING) {
        tf_buf_add_json(out, bytes, length);
        return;
    }
    tf_buf_addc(out, '"');
    view_add_base64(bytes, length, out);
    tf_buf_addc(out, '"');
}

static void add_results(const trial *t, const tf_rows *rows, tf_buf *out) {
    tf_buf_adds(out, ",\"results\":{");
    for (int c = 0; c < t->stage->columns; c++) {
        const tf_column_spec *column = &t->stage->column[c];
        tf_buf_addf(out, "%s\"%s\":", c ? "," : "", column->name);
        if (tf_type_size(column->type))
            add_numbers(column, rows->columns[c], out);
        else
            add_blob(column, try_find_text(rows, TF_RECORD_COLUMN + c), out);
    }
    tf_buf_adds(out, "}");
}

static tf_err print_object(void *context, int slot, const tf_rows *rows, tf_interval left, tf_error *error) {
    (void)slot, (void)left, (void)error;
    trial *t = context;
    const uint8_t status = rows->status[0];
    tf_buf out = {0};
    tf_store_init();
    tf_buf_addf(&out, "{\"stage\":\"%s\",\"index\":%lld,\"status\":\"%s\",\"seconds\":%.9g,\"given\":%s",
                t->stage->name, (long long)t->index, tf_status_name(status), rows->seconds,
                t->given.length ? tf_buf_text(&t->given) : "null");
    add_text(rows, TF_RECORD_MESSAGE, "message", &out);
    add_text(rows, TF_RECORD_STDOUT, "stdout", &out);
    add_text(rows, TF_RECORD_STDERR, "stderr", &out);
    if (status == TF_STATUS_DONE)
        add_results(t, rows, &out);
    tf_buf_adds(&out, "}");
    tf_print_json(t->out, tf_buf_text(&out));
    fflush(t->out);
    tf_buf_free(&out);
    t->outcome = tf_status_is_good(status) ? TF_OK : TF_ERR_TASKS;
    return TF_OK;
}

const try_style try_for_programs = {.begin = keep_stdout, .on_point = note_point, .on_rows = print_object};
