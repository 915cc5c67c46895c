/* A stage as a table, a line each task: a piece of it is in memory at a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report/export.h"

/* ---- Which columns ---- */

/* Not the record of how the task was run, unless that is asked for. */
static bool is_of_interest(const tf_field *f) {
    return (f->kind == TF_FIELD_PARAM || f->kind == TF_FIELD_RESULT) && !f->grid;
}

static tf_err find_column(exporter *e, const char *name, int *field, tf_error *error) {
    const bool is_index = strcmp(name, "index") == 0;
    *field = is_index ? EXPORT_INDEX : view_find(e->view, name);
    if (*field >= 0 && view_field(e->view, *field)->grid)
        return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_UNSUITABLE_TYPE,
                               "column \"%s\" is an array: read it as one from the output itself", name);
    if (*field >= 0 || is_index)
        return TF_OK;
    const int fields = view_fields(e->view);
    const char **known = tf_arena_array(e->arena, (size_t)fields + 1, sizeof *known);
    tf_buf list = {0};
    known[0] = "index";
    tf_buf_adds(&list, "index");
    for (int f = 0; f < fields; f++) {
        known[1 + f] = view_field(e->view, f)->name;
        tf_buf_addf(&list, ", %s", known[1 + f]);
    }
    const char *near = tf_suggest(name, known, (size_t)fields + 1);
    tf_err err = near ? tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_UNKNOWN_NAME,
                                        "there is no column \"%s\"; did you mean \"%s\"?", name, near)
                      : tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_UNKNOWN_NAME,
                                        "there is no column \"%s\"; there are %s", name, tf_buf_text(&list));
    tf_buf_free(&list);
    return err;
}

/* "n,snr" */
static tf_err parse_columns(exporter *e, int *column, tf_error *error) {
    char *list = tf_arena_strdup(e->arena, e->options->columns), *name;
    tf_err err = TF_OK;
    while (err == TF_OK && (name = strsep(&list, ",")))
        err = find_column(e, name, &column[e->columns++], error);
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
    column[e->columns++] = EXPORT_INDEX;
    column[e->columns++] = view_record(e->view, "status");
    for (int f = 0; f < fields; f++)
        if (is_of_interest(view_field(e->view, f)))
            column[e->columns++] = f;
    return TF_OK;
}

/* ---- Which rows ---- */

static bool is_status(const exporter *e, int field) {
    return field == view_record(e->view, "status");
}

static tf_err parse_where(exporter *e, tf_error *error) {
    const int fields = view_fields(e->view);
    tf_expr_name *known = tf_arena_array(e->arena, (size_t)fields, sizeof *known);
    tf_diags diags = {.file = "--where"};
    e->name = tf_arena_array(e->arena, (size_t)fields, sizeof *e->name);
    for (int f = 0; f < fields; f++) {
        const tf_field *field = view_field(e->view, f);
        if (field->rank > 0 || field->grid || field->type == TF_BYTES)
            continue;
        known[e->names] = (tf_expr_name){.name = field->name, .type = is_status(e, f) ? TF_STRING : field->type};
        e->name[e->names++] = f;
    }
    e->where = tf_expr_parse(e->options->where, known, e->names, e->arena, &diags);
    if (e->where) {
        e->eval = tf_eval_new(e->where, 0, "");
        e->named = tf_arena_array(e->arena, (size_t)e->names, sizeof *e->named);
        e->cell = tf_arena_array(e->arena, (size_t)e->names, sizeof *e->cell);
        e->text = tf_arena_array(e->arena, (size_t)e->names, sizeof *e->text);
    } else {
        tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_EXPRESSION, "%.*s",
                        (int)strcspn(tf_buf_text(&diags.lines), "\n"), tf_buf_text(&diags.lines));
    }
    tf_diags_free(&diags);
    return e->where ? TF_OK : error->code;
}

/* The texts of a name, as an expression takes them. */
static const void *as_texts(exporter *e, int n, int64_t count) {
    const view_values *v = &e->named[n];
    tf_buf *cell = &e->cell[n];
    size_t length, total = 0;
    e->text[n] = tf_realloc_array(e->text[n], (size_t)count, sizeof *e->text[n]);
    tf_buf_clear(cell);
    if (v->numbers == NULL)
        total = v->texts.bytes.length + (size_t)count;
    tf_buf_reserve(cell, total + 1); /* so that it does not move */
    for (int64_t i = 0; i < count; i++) {
        if (v->numbers) {
            e->text[n][i] = tf_status_name(((const uint8_t *)v->numbers)[i]);
            continue;
        }
        const char *text = tf_blobs_at(&v->texts, i, &length);
        e->text[n][i] = cell->data + cell->length;
        tf_buf_add(cell, text, length);
        tf_buf_addc(cell, '\0');
    }
    return e->text[n];
}

/* Of a row of which the expression asks for what is unknown it is not true. */
static bool are_named_known(const exporter *e, int64_t row) {
    bool known = true;
    for (int n = 0; n < e->names && known; n++)
        known = !tf_expr_uses(e->where, n) || view_is_known(&e->named[n], row);
    return known;
}

/* keep[i]: the row is wanted. */
static tf_err select_rows(exporter *e, int64_t first, int64_t count, bool *keep, bool *any, tf_error *error) {
    *any = true;
    if (!e->eval) {
        memset(keep, true, (size_t)count);
        return TF_OK;
    }
    const void **values = tf_alloc_array((size_t)e->names + 1, sizeof *values);
    double *truth = tf_alloc_array((size_t)count, sizeof *truth);
    tf_err err = TF_OK;
    for (int n = 0; n < e->names && err == TF_OK; n++) {
        if (!tf_expr_uses(e->where, n))
            continue;
        err = view_read(e->view, e->name[n], first, count, &e->named[n], error);
        const bool text = is_status(e, e->name[n]) || view_field(e->view, e->name[n])->type == TF_STRING;
        if (err == TF_OK)
            values[n] = text ? as_texts(e, n, count) : e->named[n].numbers;
    }
    if (err == TF_OK)
        tf_eval_run(e->eval, values, first, count, truth);
    *any = false;
    for (int64_t i = 0; i < count && err == TF_OK; i++) {
        keep[i] = tf_eval_is_true(truth[i]) && are_named_known(e, i);
        *any = *any || keep[i];
    }
    free(truth);
    free(values);
    return err;
}

/* ---- Rows ---- */

static tf_err flush_text(exporter *e, tf_buf *text, tf_error *error) {
    const bool good = tf_print_bytes(e->out, text->data, text->length);
    tf_buf_clear(text);
    return good ? TF_OK
                : tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "can't be written: %s", strerror(errno));
}

const char *export_column_name(const exporter *e, int c) {
    return e->column[c] == EXPORT_INDEX ? "index" : view_field(e->view, e->column[c])->name;
}

int64_t export_elements(const exporter *e, int c) {
    return e->column[c] == EXPORT_INDEX ? 1 : view_field(e->view, e->column[c])->elements;
}

tf_err export_put_if_long(exporter *e, tf_buf *text, tf_error *error) {
    enum { ENOUGH = 1 << 18 };
    return text->length > ENOUGH ? flush_text(e, text, error) : TF_OK;
}

bool export_is_absent(const exporter *e, int c, int64_t row) {
    return e->column[c] >= 0 && view_field(e->view, e->column[c])->kind == TF_FIELD_RESULT &&
           ((const uint8_t *)e->status.numbers)[row] != TF_STATUS_DONE;
}

static tf_err export_piece(exporter *e, int64_t first, int64_t count, bool *keep, tf_buf *text, tf_error *error) {
    bool any;
    tf_err err = select_rows(e, first, count, keep, &any, error);
    if (err == TF_OK && any)
        err = view_read(e->view, view_record(e->view, "status"), first, count, &e->status, error);
    for (int c = 0; c < e->columns && err == TF_OK && any; c++)
        if (e->column[c] >= 0)
            err = view_read(e->view, e->column[c], first, count, &e->values[c], error);
    for (int64_t row = 0; row < count && err == TF_OK && any; row++) {
        if (!keep[row])
            continue;
        err = e->format->add_row(e, first, row, text, error);
        if (err == TF_OK)
            err = export_put_if_long(e, text, error);
    }
    return err;
}

/* Rows at a time: what they take stays small, however wide they are. */
static int64_t piece_size(const exporter *e) {
    enum { PIECE_BYTES = 8 << 20, MOST_ROWS = 8192 };
    int64_t width = 1;
    for (int c = 0; c < e->columns; c++)
        width += e->column[c] == EXPORT_INDEX ? 0 : view_width(e->view, e->column[c]);
    const int64_t rows = PIECE_BYTES / width;
    return rows < 1 ? 1 : rows > MOST_ROWS ? MOST_ROWS : rows;
}

static tf_err export_rows(exporter *e, int64_t tasks, tf_error *error) {
    const int64_t piece = piece_size(e);
    bool *keep = tf_alloc_array((size_t)piece, sizeof *keep);
    tf_buf text = {0};
    tf_err err = TF_OK;
    e->values = tf_arena_array(e->arena, (size_t)e->columns, sizeof *e->values);
    if (e->format->begin)
        err = e->format->begin(e, &text, error);
    for (int64_t first = 0; first < tasks && err == TF_OK; first += piece)
        err = export_piece(e, first, tasks - first < piece ? tasks - first : piece, keep, &text, error);
    if (err == TF_OK)
        err = flush_text(e, &text, error);
    if (err == TF_OK && fflush(e->out) != 0)
        err = tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "can't be written: %s", strerror(errno));
    for (int c = 0; c < e->columns; c++)
        view_values_free(&e->values[c]);
    tf_buf_free(&text);
    free(keep);
    return err;
}

tf_err export_table(FILE *out, const tf_recalled *from, const tf_export_options *options, const line_format *format,
                    tf_error *error) {
    exporter e = {.view = view_new(from, options->stage),
                  .options = options,
                  .format = format,
                  .out = out,
                  .arena = tf_arena_new()};
    tf_err err = choose_columns(&e, error);
    if (err == TF_OK && options->where)
        err = parse_where(&e, error);
    if (err == TF_OK)
        err = export_rows(&e, tf_reader_tasks(from->reader, options->stage), error);
    for (int n = 0; e.named && n < e.names; n++) {
        view_values_free(&e.named[n]);
        tf_buf_free(&e.cell[n]);
        free(e.text[n]);
    }
    view_values_free(&e.status);
    tf_eval_free(e.eval);
    view_free(e.view);
    tf_arena_free(e.arena);
    return err;
}
