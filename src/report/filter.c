/* Tasks of a stage of which an expression is true. What it takes of the stage is read a piece at a time. */
#include "report/filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A field that the expression may use. */
typedef struct named {
    int field;
    bool is_text;
    view_values values;
    double *number;    /* its values, if they are numbers */
    tf_buf cells;      /* its texts, with a NUL behind each */
    const char **text; /* where these begin */
} named;

struct row_filter {
    view *view;
    const tf_expr *expr;
    tf_eval *eval;
    int names;
    named *name;
    const void **values; /* per name, as the expression takes them */
    double *truth;
    tf_arena *arena;
};

/* ---- The expression ---- */

static const char *const *list_statuses(tf_arena *arena) {
    const char **words = tf_arena_array(arena, TF_STATUSES + 1, sizeof *words);
    for (int s = 0; s < TF_STATUSES; s++)
        words[s] = tf_status_name((uint8_t)s);
    return words;
}

/* Which fields may be named, and as what. Numbers are double precision: a number that is missing is none. */
static tf_expr_name *list_names(row_filter *f) {
    const int fields = view_fields(f->view), status = view_record(f->view, "status");
    tf_expr_name *known = tf_arena_array(f->arena, (size_t)fields, sizeof *known);
    f->name = tf_arena_array(f->arena, (size_t)fields, sizeof *f->name);
    for (int n = 0; n < fields; n++) {
        const tf_field *field = view_field(f->view, n);
        if (field->rank > 0 || field->grid || field->type == TF_BYTES)
            continue;
        const bool is_text = n == status || field->type == TF_STRING;
        known[f->names] = (tf_expr_name){.name = field->name,
                                         .type = is_text ? TF_STRING : TF_FLOAT64,
                                         .words = n == status ? list_statuses(f->arena) : NULL};
        f->name[f->names++] = (named){.field = n, .is_text = is_text};
    }
    return known;
}

row_filter *filter_new(view *v, const char *expression, tf_error *error) {
    row_filter *f = tf_alloc(sizeof *f);
    *f = (row_filter){.view = v, .arena = tf_arena_new()};
    const tf_expr_name *known = list_names(f);
    tf_diags diags = {.file = "--where"};
    f->expr = tf_expr_parse(expression, known, f->names, f->arena, &diags);
    f->values = tf_arena_array(f->arena, (size_t)f->names + 1, sizeof *f->values);
    if (f->expr)
        f->eval = tf_eval_new(f->expr, 0, "");
    else
        tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_EXPRESSION, "%.*s",
                        (int)strcspn(tf_buf_text(&diags.lines), "\n"), tf_buf_text(&diags.lines));
    tf_diags_free(&diags);
    if (f->expr)
        return f;
    filter_free(f);
    return NULL;
}

void filter_free(row_filter *f) {
    if (!f)
        return;
    for (int n = 0; n < f->names; n++) {
        view_values_free(&f->name[n].values);
        tf_buf_free(&f->name[n].cells);
        free(f->name[n].number);
        free(f->name[n].text);
    }
    tf_eval_free(f->eval);
    free(f->truth);
    tf_arena_free(f->arena);
    free(f);
}

/* ---- Rows ---- */

static const void *as_numbers(named *n, int64_t count) {
    n->number = tf_realloc_array(n->number, (size_t)count, sizeof *n->number);
    tf_load_doubles(n->values.field->type, n->values.numbers, 0, count, n->number);
    for (int64_t i = 0; i < count; i++)
        if (!view_is_known(&n->values, i))
            n->number[i] = NAN;
    return n->number;
}

static const void *as_texts(named *n, int64_t count) {
    const view_values *v = &n->values;
    size_t length, total = v->numbers ? 0 : v->texts.bytes.length + (size_t)count;
    n->text = tf_realloc_array(n->text, (size_t)count, sizeof *n->text);
    tf_buf_clear(&n->cells);
    tf_buf_reserve(&n->cells, total + 1); /* so that it does not move */
    for (int64_t i = 0; i < count; i++) {
        if (v->numbers) {
            n->text[i] = tf_status_name(((const uint8_t *)v->numbers)[i]);
            continue;
        }
        const char *text = tf_blobs_at(&v->texts, i, &length);
        n->text[i] = n->cells.data + n->cells.length;
        tf_buf_add(&n->cells, text, view_is_known(v, i) ? length : 0);
        tf_buf_addc(&n->cells, '\0');
    }
    return n->text;
}

tf_err filter_rows(row_filter *f, int64_t first, int64_t count, bool *keep, bool *any, tf_error *error) {
    tf_err err = TF_OK;
    *any = false;
    for (int n = 0; n < f->names && err == TF_OK; n++) {
        named *its = &f->name[n];
        if (!tf_expr_uses(f->expr, n))
            continue;
        err = view_read(f->view, its->field, first, count, &its->values, error);
        if (err == TF_OK)
            f->values[n] = its->is_text ? as_texts(its, count) : as_numbers(its, count);
    }
    if (err != TF_OK)
        return err;
    f->truth = tf_realloc_array(f->truth, (size_t)count, sizeof *f->truth);
    tf_eval_run(f->eval, f->values, first, count, f->truth);
    for (int64_t i = 0; i < count; i++) {
        keep[i] = tf_eval_is_true(f->truth[i]);
        *any = *any || keep[i];
    }
    return TF_OK;
}
