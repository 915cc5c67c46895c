/* A stage as a table, a line each task: a piece of it is in memory at a time. Lines that are to be sorted are those
 * that a sorter keeps. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "report/export.h"

enum { SORT_BYTES = 256 << 20 /* of lines, before they go to a temporary file */ };

/* ---- Which columns ---- */

/* Not the record of how the task was run, unless that is asked for. */
static bool is_of_interest(const tf_field *f) {
    return (f->kind == TF_FIELD_PARAM || f->kind == TF_FIELD_RESULT) && !f->grid;
}

/* "n,snr" */
static tf_err parse_columns(exporter *e, int *column, tf_error *error) {
    char *list = tf_arena_strdup(e->arena, e->options->columns), *name;
    tf_err err = TF_OK;
    while (err == TF_OK && (name = strsep(&list, ",")))
        err = export_find_column(e->view, name, &column[e->columns++], error);
    return err;
}

static tf_err choose_columns(exporter *e, tf_error *error) {
    const int fields = view_fields(e->view);
    size_t most = (size_t)fields + 2;
    for (const char *c = e->options->columns; c && *c; c++)
        most += *c == ',';
    int *column = tf_arena_array(e->arena, most, sizeof *column);
    e->column = column;
    if (e->options->columns)
        return parse_columns(e, column, error);
    if (!view_is_reduction(e->view)) {
        column[e->columns++] = EXPORT_INDEX;
        column[e->columns++] = view_record(e->view, "status");
    }
    for (int f = 0; f < fields; f++)
        if (is_of_interest(view_field(e->view, f)))
            column[e->columns++] = f;
    return TF_OK;
}

/* ---- Rows ---- */

static tf_err cant_write(tf_error *error) {
    return tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "can't be written: %s", strerror(errno));
}

static tf_err flush_text(exporter *e, tf_buf *text, tf_error *error) {
    const bool good = tf_print_bytes(e->out, text->data, text->length);
    const tf_err err = good ? TF_OK : cant_write(error);
    tf_buf_clear(text);
    return err;
}

const char *export_column_name(const exporter *e, int c) {
    return e->column[c] == EXPORT_INDEX ? "index" : view_field(e->view, e->column[c])->name;
}

int64_t export_elements(const exporter *e, int c) {
    return e->column[c] == EXPORT_INDEX ? 1 : view_field(e->view, e->column[c])->elements;
}

tf_err export_put_if_long(exporter *e, tf_buf *text, tf_error *error) {
    enum { ENOUGH = 1 << 18 };
    return !e->sorter && text->length > ENOUGH ? flush_text(e, text, error) : TF_OK;
}

/* A row is written as it comes, or when all have come. */
static tf_err end_row(exporter *e, int64_t row, tf_buf *text, tf_error *error) {
    if (!e->sorter)
        return export_put_if_long(e, text, error);
    order_add_key(e->order, row, &e->key);
    const tf_err err = tf_sorter_add(e->sorter, &e->key, text, error);
    tf_buf_clear(text);
    return err;
}

static tf_err export_piece(exporter *e, int64_t first, int64_t count, bool *keep, tf_buf *text, tf_error *error) {
    bool any = true;
    tf_err err = TF_OK;
    memset(keep, true, (size_t)count);
    if (e->filter)
        err = filter_rows(e->filter, first, count, keep, &any, error);
    if (err != TF_OK || !any)
        return err;
    for (int c = 0; c < e->columns && err == TF_OK; c++)
        if (e->column[c] >= 0)
            err = view_read(e->view, e->column[c], first, count, &e->values[c], error);
    if (err == TF_OK && e->order)
        err = order_read(e->order, first, count, error);
    for (int64_t row = 0; row < count && err == TF_OK; row++) {
        if (!keep[row])
            continue;
        err = e->format->add_row(e, first, row, text, error);
        if (err == TF_OK)
            err = end_row(e, row, text, error);
    }
    return err;
}

static int64_t piece_size(const exporter *e) {
    enum { MOST_ROWS = 8192 };
    int64_t width = 1 + (e->order ? order_width(e->order) : 0);
    for (int c = 0; c < e->columns; c++)
        width += e->column[c] == EXPORT_INDEX ? 0 : view_width(e->view, e->column[c]);
    return view_piece(width, MOST_ROWS);
}

static tf_err put_sorted(void *context, const char *bytes, size_t size, tf_error *error) {
    exporter *e = context;
    return tf_print_bytes(e->out, bytes, size) ? TF_OK : cant_write(error);
}

/* The header comes before all rows, however these are sorted. */
static tf_err begin(exporter *e, tf_buf *text, tf_error *error) {
    tf_err err = e->format->begin ? e->format->begin(e, text, error) : TF_OK;
    if (err == TF_OK && e->order) {
        err = flush_text(e, text, error);
        e->sorter = tf_sorter_new(SORT_BYTES, tf_temporary_folder());
    }
    return err;
}

static tf_err export_rows(exporter *e, int64_t tasks, tf_error *error) {
    const int64_t piece = piece_size(e);
    bool *keep = tf_alloc_array((size_t)piece, sizeof *keep);
    tf_buf text = {0};
    e->values = tf_arena_array(e->arena, (size_t)e->columns, sizeof *e->values);
    tf_err err = begin(e, &text, error);
    for (int64_t first = 0; first < tasks && err == TF_OK; first += piece)
        err = export_piece(e, first, tasks - first < piece ? tasks - first : piece, keep, &text, error);
    if (err == TF_OK)
        err = e->sorter ? tf_sorter_each(e->sorter, put_sorted, e, error) : flush_text(e, &text, error);
    if (err == TF_OK && fflush(e->out) != 0)
        err = cant_write(error);
    for (int c = 0; c < e->columns; c++)
        view_values_free(&e->values[c]);
    tf_buf_free(&text);
    free(keep);
    return err;
}

static tf_err open_rows(exporter *e, tf_error *error) {
    const tf_export_options *o = e->options;
    if (o->where && !(e->filter = filter_new(e->view, o->where, error)))
        return error->code;
    if (o->sort && !(e->order = order_new(e->view, o->sort, error)))
        return error->code;
    return TF_OK;
}

tf_err export_table(FILE *out, const tf_recalled *from, const tf_export_options *options, const line_format *format,
                    tf_error *error) {
    exporter e = {.view = view_new(from, options->stage),
                  .options = options,
                  .format = format,
                  .out = out,
                  .arena = tf_arena_new()};
    tf_err err = choose_columns(&e, error);
    if (err == TF_OK)
        err = open_rows(&e, error);
    if (err == TF_OK)
        err = export_rows(&e, tf_reader_tasks(from->reader, options->stage), error);
    tf_sorter_free(e.sorter);
    tf_buf_free(&e.key);
    order_free(e.order);
    filter_free(e.filter);
    view_free(e.view);
    tf_arena_free(e.arena);
    return err;
}
