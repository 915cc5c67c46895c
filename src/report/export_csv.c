/* A stage as CSV (RFC 4180, with lines that end in a mere newline). */
#include <inttypes.h>
#include <string.h>

#include "report/export.h"

/* What spreadsheets take for a formula has a ' before it where it is to be safe for them. */
static void add_text_cell(const exporter *e, const char *text, size_t length, tf_buf *out) {
    if (!e->options->safe || length == 0 || !*text || !strchr("=+-@\t\r", *text)) {
        view_add_csv_text(text, length, out);
        return;
    }
    tf_buf safe = {0};
    tf_buf_addc(&safe, '\'');
    tf_buf_add(&safe, text, length);
    view_add_csv_text(tf_buf_text(&safe), safe.length, out);
    tf_buf_free(&safe);
}

/* "name[1][2]" for element 5 of a 2 x 3 array. */
static void add_header(const exporter *e, int c, int64_t element, tf_buf *out) {
    tf_buf name = {0};
    tf_buf_adds(&name, export_column_name(e, c));
    const tf_field *f = e->column[c] == EXPORT_INDEX ? NULL : view_field(e->view, e->column[c]);
    int64_t rest = f ? f->elements : 0;
    for (int d = 0; f && d < f->rank; d++) {
        rest /= f->shape[d];
        tf_buf_addf(&name, "[%lld]", (long long)(element / rest % f->shape[d]));
    }
    add_text_cell(e, tf_buf_text(&name), name.length, out);
    tf_buf_free(&name);
}

static tf_err add_names(exporter *e, tf_buf *out, tf_error *error) {
    tf_err err = TF_OK;
    for (int c = 0; c < e->columns; c++)
        for (int64_t i = 0; i < export_elements(e, c) && err == TF_OK; i++) {
            if (c || i)
                tf_buf_addc(out, ',');
            add_header(e, c, i, out);
            err = export_put_if_long(e, out, error);
        }
    tf_buf_addc(out, '\n');
    return err;
}

static void add_cell(const exporter *e, int c, int64_t row, int64_t element, tf_buf *out) {
    const view_values *v = &e->values[c];
    size_t length;
    if (v->field->type == TF_STRING && !v->numbers) {
        const char *text = tf_blobs_at(&v->texts, row, &length);
        add_text_cell(e, text, length, out);
    } else {
        view_add_csv(v, row, element, out);
    }
}

static tf_err add_row(exporter *e, int64_t first, int64_t row, tf_buf *out, tf_error *error) {
    tf_err err = TF_OK;
    for (int c = 0; c < e->columns; c++)
        for (int64_t i = 0; i < export_elements(e, c) && err == TF_OK; i++) {
            if (c || i)
                tf_buf_addc(out, ',');
            if (e->column[c] == EXPORT_INDEX)
                tf_buf_addf(out, "%" PRId64, first + row);
            else if (view_is_known(&e->values[c], row))
                add_cell(e, c, row, i, out);
            err = export_put_if_long(e, out, error);
        }
    tf_buf_addc(out, '\n');
    return err;
}

tf_err export_csv(FILE *out, const tf_recalled *from, const tf_export_options *options, tf_error *error) {
    static const line_format format = {.begin = add_names, .add_row = add_row};
    return export_table(out, from, options, &format, error);
}
