/* Groups as lines of text. Keys are told to the last digit, statistics to six: `export` has all of them. */
#include "report/reduction_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/groups.h"
#include "report/text_table.h"

/* ---- Cells ---- */

static void add_value(const view_values *values, int64_t row, int64_t element, tf_buf *out) {
    const tf_field *f = values->field;
    size_t length;
    if (f->type == TF_STRING) {
        const char *text = tf_blobs_at(&values->texts, row, &length);
        tf_buf_add(out, text, length);
    } else if (f->type == TF_FLOAT64 && f->kind != TF_FIELD_PARAM) {
        const double x = ((const double *)values->numbers)[row * f->elements + element];
        tf_buf_addf(out, "%.6g", isnan(x) ? (double)NAN : x);
    } else {
        view_add_csv(values, row, element, out);
    }
}

static void add_cell(text_table *t, const view_values *values, int64_t row, int64_t element) {
    tf_buf text = {0};
    add_value(values, row, element, &text);
    text_table_add(t, tf_buf_text(&text), text.length);
    tf_buf_free(&text);
}

/* All elements of a few, the first ones of many. */
static void add_list(text_table *t, const view_values *values, int64_t row) {
    enum { MOST = 6 };
    const int64_t elements = values->field->elements;
    tf_buf text = {0};
    for (int64_t e = 0; e < elements && e < MOST; e++) {
        tf_buf_adds(&text, e ? ", " : "");
        add_value(values, row, e, &text);
    }
    tf_buf_adds(&text, elements > MOST ? ", ..." : "");
    text_table_add(t, tf_buf_text(&text), text.length);
    tf_buf_free(&text);
}

static void add_text(text_table *t, const char *text) {
    text_table_add(t, text, strlen(text));
}

/* ---- Which fields ---- */

static bool is_key(const view *v, int f) {
    return view_field(v, f)->kind == TF_FIELD_PARAM;
}

static int count_keys(const view *v) {
    int keys = 0;
    while (keys < view_fields(v) && is_key(v, keys))
        keys++;
    return keys;
}

/* What stands beside a statistic, in one of the next fields, under its name with more behind; -1: nothing. */
static int find_beside(const view *v, int f, const char *what) {
    enum { MOST_BESIDE = 2 };
    const char *name = view_field(v, f)->name;
    const size_t length = strlen(name);
    for (int next = f + 1; next < view_fields(v) && next <= f + MOST_BESIDE; next++) {
        const char *its = view_field(v, next)->name;
        if (strncmp(its, name, length) == 0 && its[length] == '.' && strcmp(its + length + 1, what) == 0)
            return next;
    }
    return -1;
}

/* The rows that a statistic names. */
static int find_named(const view *v, int f) {
    const int task = find_beside(v, f, "task");
    return task >= 0 ? task : find_beside(v, f, "element");
}

/* Per field: does it stand beside another? */
static bool *find_companions(const view *v) {
    bool *beside = tf_alloc_array((size_t)view_fields(v), sizeof *beside);
    for (int f = 0; f < view_fields(v); f++) {
        const int found[] = {find_beside(v, f, "edges"), find_named(v, f)};
        for (int i = 0; i < 2; i++)
            if (found[i] >= 0)
                beside[found[i]] = true;
    }
    return beside;
}

/* ---- A line a group ---- */

typedef struct lines {
    FILE *out;
    view *view;
    text_table text;
    const bool *wanted; /* per field */
    int indent;
    /* Of an array: */
    int field, edges, named; /* fields; -1: there is none */
} lines;

/* A table of any length takes the same memory: widths hold for so many rows. */
static void print_if_long(lines *l) {
    enum { MOST = 1 << 16 };
    if (text_table_rows(&l->text) < MOST)
        return;
    text_table_print(l->out, &l->text, l->indent);
    text_table_clear(&l->text);
}

static void add_lines(void *context, const view_values *values, int64_t count) {
    lines *l = context;
    for (int64_t row = 0; row < count; row++) {
        for (int f = 0; f < view_fields(l->view); f++)
            if (l->wanted[f] && view_field(l->view, f)->rank > 0)
                add_list(&l->text, &values[f], row);
            else if (l->wanted[f])
                add_cell(&l->text, &values[f], row, 0);
        print_if_long(l);
    }
}

/* The only group, without a key: a line a number. The number of its rows is in the heading. */
static void add_list_of_numbers(void *context, const view_values *values, int64_t count) {
    lines *l = context;
    for (int f = 0; f < view_fields(l->view) && count > 0; f++) {
        if (!l->wanted[f])
            continue;
        add_text(&l->text, view_field(l->view, f)->name);
        if (view_field(l->view, f)->rank > 0)
            add_list(&l->text, &values[f], 0);
        else
            add_cell(&l->text, &values[f], 0, 0);
    }
}

static void begin_lines(lines *l, int keys) {
    int columns = 0;
    for (int f = 0; f < view_fields(l->view); f++)
        columns += l->wanted[f];
    text_table_begin(&l->text, columns, keys);
    for (int f = 0, c = 0; f < view_fields(l->view); f++) {
        if (!l->wanted[f])
            continue;
        l->text.is_text[c++] = view_field(l->view, f)->type == TF_STRING || view_field(l->view, f)->rank > 0;
        add_text(&l->text, view_field(l->view, f)->name);
    }
}

static tf_err print_lines(lines *l, int keys, tf_error *error) {
    begin_lines(l, keys);
    tf_err err = groups_each_piece(l->view, l->wanted, add_lines, l, error);
    if (err == TF_OK && (text_table_rows(&l->text) > 0))
        text_table_print(l->out, &l->text, l->indent);
    text_table_free(&l->text);
    return err;
}

static tf_err print_numbers(lines *l, tf_error *error) {
    text_table_begin(&l->text, 2, 0);
    l->text.is_text[0] = l->text.is_text[1] = true;
    tf_err err = groups_each_piece(l->view, l->wanted, add_list_of_numbers, l, error);
    if (err == TF_OK && l->text.cells > 0)
        text_table_print(l->out, &l->text, l->indent);
    text_table_free(&l->text);
    return err;
}

/* ---- An element a line ---- */

/* "[1][2]" for element 5 of a 2 x 3 array. */
static void add_place(text_table *t, const tf_field *f, int rank, int64_t element, int64_t elements) {
    tf_buf text = {0};
    for (int d = 0; d < rank; d++) {
        elements /= f->shape[d];
        tf_buf_addf(&text, "[%lld]", (long long)(element / elements % f->shape[d]));
    }
    add_text(t, tf_buf_text(&text));
    tf_buf_free(&text);
}

static bool has_place(const lines *l) {
    return l->edges < 0 || view_field(l->view, l->field)->rank > 1;
}

static void add_elements(void *context, const view_values *values, int64_t count) {
    lines *l = context;
    const tf_field *f = view_field(l->view, l->field);
    const int64_t bins = l->edges < 0 ? 1 : view_field(l->view, l->edges)->elements - 1;
    for (int64_t row = 0; row < count; row++)
        for (int64_t e = 0; e < f->elements; e++) {
            for (int k = 0; k < count_keys(l->view); k++)
                add_cell(&l->text, &values[k], row, 0);
            if (has_place(l))
                add_place(&l->text, f, f->rank - (l->edges >= 0), e, f->elements);
            for (int side = 0; side < 2 && l->edges >= 0; side++)
                add_cell(&l->text, &values[l->edges], row, e % bins + side);
            add_cell(&l->text, &values[l->field], row, e);
            if (l->named >= 0)
                add_cell(&l->text, &values[l->named], row, e);
            print_if_long(l);
        }
}

static void begin_elements(lines *l) {
    const int keys = count_keys(l->view);
    text_table_begin(&l->text, keys + has_place(l) + (l->edges >= 0 ? 2 : 0) + 1 + (l->named >= 0), keys);
    for (int k = 0; k < keys; k++) {
        l->text.is_text[k] = view_field(l->view, k)->type == TF_STRING;
        add_text(&l->text, view_field(l->view, k)->name);
    }
    if (has_place(l)) {
        l->text.is_text[keys] = true;
        add_text(&l->text, "element");
    }
    if (l->edges >= 0) {
        add_text(&l->text, "from");
        add_text(&l->text, "to");
    }
    add_text(&l->text, view_field(l->view, l->field)->name);
    if (l->named >= 0)
        add_text(&l->text, strrchr(view_field(l->view, l->named)->name, '.') + 1);
}

static tf_err print_array(lines *l, int field, tf_error *error) {
    bool *wanted = tf_alloc_array((size_t)view_fields(l->view), sizeof *wanted);
    l->field = field;
    l->edges = find_beside(l->view, field, "edges");
    l->named = find_named(l->view, field);
    for (int f = 0; f < view_fields(l->view); f++)
        wanted[f] = is_key(l->view, f) || f == field || f == l->edges || f == l->named;
    begin_elements(l);
    tf_err err = groups_each_piece(l->view, wanted, add_elements, l, error);
    if (err == TF_OK) {
        tf_print(l->out, "\n");
        text_table_print(l->out, &l->text, l->indent);
    }
    text_table_free(&l->text);
    free(wanted);
    return err;
}

/* ---- The whole ---- */

/* "sq.total by band: 3 groups"; of a single one without a key its rows. */
static tf_err print_heading(FILE *out, const tf_recalled *from, view *v, int table, int indent, tf_error *error) {
    char count[32];
    int64_t groups = view_tasks(v), rows = 0;
    view_values values = {0};
    tf_buf title = {0};
    const bool is_single = count_keys(v) == 0 && groups == 1;
    tf_err err = is_single ? view_read(v, view_find(v, "rows"), 0, 1, &values, error) : TF_OK;
    if (err == TF_OK && is_single)
        rows = *(const int64_t *)values.numbers;
    groups_add_title(from->reader, table, &title);
    tf_print(out, "%*s%s: ", indent, "", tf_buf_text(&title));
    if (groups == 0)
        tf_print(out, "no rows\n");
    else if (is_single)
        tf_print(out, "%s row%s\n", tf_format_count(rows, count), rows == 1 ? "" : "s");
    else
        tf_print(out, "%s group%s\n", tf_format_count(groups, count), groups == 1 ? "" : "s");
    tf_buf_free(&title);
    view_values_free(&values);
    return err;
}

static tf_err print_reduction(FILE *out, const tf_recalled *from, int table, int indent, bool whole, tf_error *error) {
    view *v = view_new(from, table);
    const int fields = view_fields(v), keys = count_keys(v);
    bool *beside = find_companions(v), *wanted = tf_alloc_array((size_t)fields, sizeof *wanted);
    lines l = {.out = out, .view = v, .wanted = wanted, .indent = indent + 2};
    for (int f = 0; f < fields; f++)
        wanted[f] = !beside[f] && (!whole || view_field(v, f)->rank == 0) && (keys > 0 || f != keys);
    tf_err err = print_heading(out, from, v, table, indent, error);
    if (err == TF_OK)
        err = keys > 0 ? print_lines(&l, keys, error) : print_numbers(&l, error);
    for (int f = 0; f < fields && whole && err == TF_OK && view_tasks(v) > 0; f++)
        if (!beside[f] && view_field(v, f)->rank > 0)
            err = print_array(&l, f, error);
    free(beside);
    free(wanted);
    view_free(v);
    return err;
}

tf_err reduction_print_brief(FILE *out, const tf_recalled *from, int table, tf_error *error) {
    return print_reduction(out, from, table, 2, false, error);
}

tf_err reduction_print(FILE *out, const tf_recalled *from, int table, tf_error *error) {
    return print_reduction(out, from, table, 0, true, error);
}
