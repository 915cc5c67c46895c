/* Rows of two stages, or groups of two reductions, side by side (see compare.h). Where both have as many, row i is
 * compared with row i; else rows are brought together by the hash of their parameters: those of the shorter stage are
 * held, 16 bytes each. */
#include "report/compare.h"

#include <stdlib.h>
#include <string.h>

#include "report/blocks.h"
#include "report/match.h"

static const char other_form[] = "it is of another form";

typedef struct comparing {
    compared *out;
    view_values (*values)[2]; /* per column */
    double *number[2];        /* values of one column as numbers */
    block_room room;          /* for pieces of blocks */
    bool *is_unlike;          /* per row of the piece: something in it differs */
    int64_t piece;            /* how many rows are read at once */
    int64_t elements;         /* a row's elements of the widest column */
} comparing;

/* ---- Which columns ---- */

static bool is_compared(const tf_field *f) {
    return f->kind == TF_FIELD_PARAM || f->kind == TF_FIELD_RESULT;
}

static int find_field(const view *v, const tf_field *like) {
    for (int f = 0; f < view_fields(v); f++)
        if (view_field(v, f)->kind == like->kind && strcmp(view_field(v, f)->dataset, like->dataset) == 0)
            return f;
    return -1;
}

static const char *form_of(tf_arena *arena, const tf_field *f) {
    tf_buf text = {0};
    tf_buf_adds(&text, tf_type_name(f->type));
    for (int d = 0; d < f->rank; d++)
        tf_buf_addf(&text, "[%lld]", (long long)f->shape[d]);
    for (int d = 0; f->grid && d < f->grid->rank; d++)
        tf_buf_addf(&text, "[%lld]", (long long)f->grid->shape[d]);
    for (int d = 0; f->grid && d < f->grid->rank; d++)
        tf_buf_addf(&text, d ? "[%lld]" : " in blocks of [%lld]", (long long)f->grid->chunk[d]);
    const char *form = tf_arena_strdup(arena, tf_buf_text(&text));
    tf_buf_free(&text);
    return form;
}

static bool is_same(int rank, const int64_t *a, const int64_t *b) {
    return memcmp(a, b, (size_t)rank * sizeof *a) == 0;
}

/* Of arrays in blocks: are the blocks of one size? */
static bool has_same_rows(const tf_field *a, const tf_field *b) {
    if (!a->grid || !b->grid)
        return !a->grid && !b->grid && a->rank == b->rank && is_same(a->rank, a->shape, b->shape);
    return a->grid->rank == b->grid->rank && is_same(a->grid->rank, a->grid->chunk, b->grid->chunk);
}

static bool has_same_array(const tf_field *a, const tf_field *b) {
    return !a->grid || !b->grid ||
           (a->grid->rank == b->grid->rank && is_same(a->grid->rank, a->grid->shape, b->grid->shape));
}

static bool are_numbers(const tf_field *f) {
    return tf_type_size(f->type) > 0;
}

/* Can a parameter be had that is not stored? */
static bool is_readable(view *v, int field) {
    tf_error ignored;
    view_values values = {0};
    const bool good =
        view_field(v, field)->stored || view_tasks(v) == 0 || view_read(v, field, 0, 1, &values, &ignored) == TF_OK;
    view_values_free(&values);
    return good;
}

static void add_column(compared *c, int a, int b) {
    const tf_field *fa = view_field(c->of[0], a), *fb = view_field(c->of[1], b);
    compared_column *column = &c->column[c->columns++];
    *column = (compared_column){.field = {a, b}};
    const bool same_shape = has_same_rows(fa, fb);
    if (!same_shape || !has_same_array(fa, fb) || fa->type != fb->type) {
        column->form[0] = form_of(c->arena, fa);
        column->form[1] = form_of(c->arena, fb);
    }
    if (!same_shape || are_numbers(fa) != are_numbers(fb))
        column->why_not = other_form;
    else if (!is_readable(c->of[0], a) || !is_readable(c->of[1], b))
        column->why_not = "it is not stored, and the manifest alone does not give it";
}

static void match_columns(compared *c) {
    const int most = view_fields(c->of[0]) + view_fields(c->of[1]) + 1;
    c->column = tf_arena_array(c->arena, (size_t)most, sizeof *c->column);
    if (!view_is_reduction(c->of[0]))
        add_column(c, view_record(c->of[0], "status"), view_record(c->of[1], "status"));
    for (int side = 0; side < 2; side++) {
        const view *own = c->of[side], *other = c->of[1 - side];
        int *only = tf_arena_array(c->arena, (size_t)most, sizeof *only);
        for (int f = 0; f < view_fields(own); f++) {
            const int its = is_compared(view_field(own, f)) ? find_field(other, view_field(own, f)) : f;
            if (its < 0)
                only[c->only[side]++] = f;
            else if (side == 0 && is_compared(view_field(own, f)))
                add_column(c, f, its);
        }
        c->only_in[side] = only;
    }
}

static const tf_field *field_of(const compared *c, int column) {
    return view_field(c->of[0], c->column[column].field[0]);
}

/* ---- Differences ---- */

static void add_value(const view_values *values, int64_t row, int64_t element, tf_buf *out) {
    if (tf_type_size(values->field->type) > 0)
        view_add_csv(values, row, element, out);
    else
        view_add_json(values, row, out);
}

/* NULL: as many are told as may be. */
static difference *note_row(comparing *c, int column, const int64_t first[2], int64_t row) {
    compared_column *of = &c->out->column[column];
    of->rows++;
    c->is_unlike[row] = true;
    if (of->shown == COMPARE_SHOWN)
        return NULL;
    difference *d = &of->first[of->shown++];
    for (int side = 0; side < 2; side++)
        d->row[side] = first[side] + row;
    return d;
}

static void note_value(comparing *c, int column, const int64_t first[2], int64_t row, int64_t element) {
    difference *d = note_row(c, column, first, row);
    if (!d)
        return;
    d->element = element;
    for (int side = 0; side < 2; side++)
        add_value(&c->values[column][side], row, element, &d->value[side]);
}

static void note_place(comparing *c, int column, const int64_t first[2], int64_t row, block_difference *found) {
    difference *d = note_row(c, column, first, row);
    for (int side = 0; side < 2; side++) {
        if (d)
            memcpy(d->place[side], found->place[side], sizeof d->place[side]);
        if (d)
            d->value[side] = found->value[side];
        else
            tf_buf_free(&found->value[side]);
    }
}

static void leave_out(comparing *c, int column, const char *why) {
    c->out->column[column].left_out++;
    c->out->column[column].why_left_out = why;
}

/* ---- A column of a piece ---- */

static bool is_known(const comparing *c, int column, int64_t row) {
    return view_is_known(&c->values[column][0], row) && view_is_known(&c->values[column][1], row);
}

/* Results of tasks that are not done in both are nothing. So is a parameter that a skipped task would have had from a
 * row which is not done. */
static bool counts(const comparing *c, int column, int64_t row) {
    const compared_column *its = &c->out->column[column];
    const tf_field *field = field_of(c->out, column);
    if (view_is_reduction(c->out->of[0]))
        return true;
    const uint8_t a = ((const uint8_t *)c->values[0][0].numbers)[row],
                  b = ((const uint8_t *)c->values[0][1].numbers)[row];
    if (field->kind == TF_FIELD_RESULT)
        return a == TF_STATUS_DONE && b == TF_STATUS_DONE;
    if (field->kind == TF_FIELD_PARAM && !(field->stored && view_field(c->out->of[1], its->field[1])->stored))
        return a != TF_STATUS_SKIPPED && b != TF_STATUS_SKIPPED;
    return is_known(c, column, row);
}

/* Results that are unknown are those of tasks that are not done. */
static void leave_out_unknown(comparing *c, int column, int64_t count) {
    const view_values *a = &c->values[column][0], *b = &c->values[column][1];
    if (field_of(c->out, column)->kind == TF_FIELD_RESULT)
        return;
    for (int64_t row = 0; row < count && (a->is_unknown || b->is_unknown); row++)
        if (!is_known(c, column, row))
            leave_out(c, column, "nothing tells what it is there");
}

static void compare_numbers(comparing *c, int column, const int64_t first[2], int64_t count) {
    compared_column *its = &c->out->column[column];
    gap_side side[2];
    const int64_t elements = field_of(c->out, column)->elements;
    const bool is_measured =
        field_of(c->out, column)->kind != TF_FIELD_TASK && c->values[column][0].field->type != TF_BOOL;
    for (int s = 0; s < 2; s++)
        side[s] = (gap_side){c->values[column][s].field->type, c->values[column][s].numbers, c->number[s]};
    const tf_type type = side[0].type;
    if (side[1].type == type &&
        memcmp(side[0].cells, side[1].cells, (size_t)(count * elements) * tf_type_size(type)) == 0)
        return;
    for (int s = 0; s < 2; s++)
        tf_load_doubles(side[s].type, side[s].cells, 0, count * elements, c->number[s]);
    for (int64_t row = 0; row < count; row++) {
        if (!counts(c, column, row))
            continue;
        const int64_t differs = gap_find(side, row * elements, elements, is_measured ? &its->gap : NULL);
        if (differs >= 0)
            note_value(c, column, first, row, differs - row * elements);
    }
}

static void compare_texts(comparing *c, int column, const int64_t first[2], int64_t count) {
    const tf_blobs *a = &c->values[column][0].texts, *b = &c->values[column][1].texts;
    for (int64_t row = 0; row < count; row++) {
        size_t length, its;
        const char *text = tf_blobs_at(a, row, &length), *other = tf_blobs_at(b, row, &its);
        if ((length != its || memcmp(text, other, length) != 0) && counts(c, column, row))
            note_value(c, column, first, row, 0);
    }
}

/* Of tasks that are done in both; the statuses of the piece have been read. */
static tf_err compare_blocks(comparing *c, int column, const int64_t first[2], int64_t count, tf_error *error) {
    compared *out = c->out;
    compared_column *its = &out->column[column];
    const bool is_measured = field_of(out, column)->type != TF_BOOL;
    tf_err err = TF_OK;
    for (int64_t row = 0; row < count && err == TF_OK; row++) {
        const block_pair pair = {
            {out->of[0], out->of[1]}, {its->field[0], its->field[1]}, {first[0] + row, first[1] + row}};
        block_difference found;
        bool differ = false;
        if (!counts(c, column, row))
            continue;
        if (blocks_are_alike(&pair))
            err = blocks_compare(&pair, &c->room, is_measured ? &its->gap : NULL, &found, &differ, error);
        else
            leave_out(c, column, other_form);
        if (differ && err == TF_OK)
            note_place(c, column, first, row, &found);
    }
    return err;
}

static tf_err read_column(comparing *c, int column, const int64_t first[2], int64_t count, tf_error *error) {
    tf_err err = TF_OK;
    for (int side = 0; side < 2 && err == TF_OK; side++)
        err = view_read(c->out->of[side], c->out->column[column].field[side], first[side], count,
                        &c->values[column][side], error);
    return err;
}

/* ---- Rows ---- */

static tf_err compare_piece(comparing *c, const int64_t first[2], int64_t count, tf_error *error) {
    compared *out = c->out;
    tf_err err = TF_OK;
    memset(c->is_unlike, 0, (size_t)count * sizeof *c->is_unlike);
    for (int k = 0; k < out->columns && err == TF_OK; k++) {
        if (out->column[k].why_not)
            continue;
        if (field_of(out, k)->grid) {
            err = compare_blocks(c, k, first, count, error);
            continue;
        }
        err = read_column(c, k, first, count, error);
        if (err == TF_OK)
            leave_out_unknown(c, k, count);
        if (err == TF_OK && tf_type_size(field_of(out, k)->type) > 0)
            compare_numbers(c, k, first, count);
        else if (err == TF_OK)
            compare_texts(c, k, first, count);
    }
    out->pairs += count;
    for (int64_t row = 0; row < count; row++)
        out->rows += c->is_unlike[row];
    return err;
}

static tf_err compare_run(comparing *c, int64_t a, int64_t b, int64_t count, tf_error *error) {
    tf_err err = TF_OK;
    for (int64_t at = 0; at < count && err == TF_OK; at += c->piece) {
        const int64_t first[2] = {a + at, b + at};
        err = compare_piece(c, first, count - at < c->piece ? count - at : c->piece, error);
    }
    return err;
}

static void note_alone(compared *c, int side, int64_t row) {
    if (c->alone[side] < COMPARE_SHOWN)
        c->first_alone[side][c->alone[side]] = row;
    c->alone[side]++;
}

static tf_err compare_by_index(comparing *c, tf_error *error) {
    compared *out = c->out;
    const int64_t both = out->tasks[0] < out->tasks[1] ? out->tasks[0] : out->tasks[1];
    for (int side = 0; side < 2; side++) {
        for (int64_t row = both; row < out->tasks[side] && row < both + COMPARE_SHOWN; row++)
            note_alone(out, side, row);
        out->alone[side] = out->tasks[side] - both;
    }
    return compare_run(c, 0, 0, both, error);
}

/* ---- By points ---- */

/* Has the view rows that are not written, and whose parameters nothing tells? What can't be read is told later. */
static bool has_unknown_points(const comparing *c, int side, int field) {
    view *v = c->out->of[side];
    tf_error ignored;
    view_values values = {0};
    bool any = false;
    for (int64_t first = 0; first < view_tasks(v) && !any; first += c->piece) {
        const int64_t left = view_tasks(v) - first;
        any = view_read(v, field, first, left < c->piece ? left : c->piece, &values, &ignored) == TF_OK &&
              values.is_unknown;
    }
    view_values_free(&values);
    return any;
}

/* Why points can't be compared; NULL: they can. `param` gets the parameters. */
static const char *find_points(const comparing *with, match_param *param, int *params) {
    const compared *c = with->out;
    for (int side = 0; side < 2; side++)
        for (int o = 0; o < c->only[side]; o++)
            if (view_field(c->of[side], c->only_in[side][o])->kind == TF_FIELD_PARAM)
                return "they have not the same parameters";
    for (int k = 0; k < c->columns; k++) {
        const compared_column *column = &c->column[k];
        if (field_of(c, k)->kind != TF_FIELD_PARAM)
            continue;
        if (column->form[0])
            return "a parameter is of another type";
        if (column->why_not)
            return "a parameter is not stored";
        for (int side = 0; side < 2; side++)
            if (*params == 0 && has_unknown_points(with, side, column->field[side]))
                return "parameters of rows that are not written are not known";
        param[(*params)++] = (match_param){{column->field[0], column->field[1]}};
    }
    return *params > 0 ? NULL : "they have no parameters";
}

static tf_err compare_matched(void *context, const int64_t first[2], int64_t count, tf_error *error) {
    return compare_run(context, first[0], first[1], count, error);
}

static void note_unmatched(void *context, int side, int64_t row) {
    note_alone(((comparing *)context)->out, side, row);
}

/* ---- The whole ---- */

/* Blocks of the same index are those of the same place only in arrays of one shape. */
static void forgo_other_arrays(compared *c) {
    for (int k = 0; k < c->columns && !c->by_points; k++)
        if (!has_same_array(field_of(c, k), view_field(c->of[1], c->column[k].field[1])))
            c->column[k].why_not = other_form;
}

/* Groups are known by their keys alone: without those that both have no group can be found in the other. */
static bool has_keys(const compared *c) {
    bool any = false;
    for (int side = 0; side < 2; side++)
        for (int f = 0; f < view_fields(c->of[side]); f++)
            any = any || view_field(c->of[side], f)->kind == TF_FIELD_PARAM;
    return view_is_reduction(c->of[0]) && any;
}

static void forgo_all(compared *c) {
    for (int k = 0; k < c->columns; k++)
        c->column[k].why_not = "the groups have other keys";
}

/* As many rows at once as a few megabytes hold, and the elements of the widest column. */
static void size_pieces(comparing *c) {
    enum { MOST_ROWS = 1 << 16 };
    int64_t width = 1;
    for (int k = 0; k < c->out->columns; k++) {
        const int64_t elements = field_of(c->out, k)->elements;
        if (c->out->column[k].why_not)
            continue;
        for (int side = 0; side < 2; side++)
            width += view_width(c->out->of[side], c->out->column[k].field[side]);
        c->elements = elements > c->elements ? elements : c->elements;
    }
    c->piece = view_piece(width, MOST_ROWS);
}

tf_err compare_stages(view *a, view *b, compared *out, tf_error *error) {
    *out = (compared){.of = {a, b}, .tasks = {view_tasks(a), view_tasks(b)}, .arena = tf_arena_new()};
    comparing c = {.out = out};
    match_columns(out);
    size_pieces(&c);
    c.values = tf_alloc_array((size_t)out->columns, sizeof *c.values);
    c.is_unlike = tf_alloc_array((size_t)c.piece, sizeof *c.is_unlike);
    for (int side = 0; side < 2; side++)
        c.number[side] = tf_alloc_array((size_t)(c.piece * c.elements), sizeof *c.number[side]);
    match_param *param = tf_arena_array(out->arena, (size_t)out->columns, sizeof *param);
    int params = 0;
    const bool by_keys = has_keys(out), may_differ = by_keys || out->tasks[0] != out->tasks[1];
    if (may_differ)
        out->why = find_points(&c, param, &params);
    out->by_points = may_differ && !out->why;
    if (by_keys && out->why)
        forgo_all(out);
    forgo_other_arrays(out);
    const match_rows rows = {.run = compare_matched, .alone = note_unmatched, .context = &c};
    const tf_err err = out->by_points ? match_points(out->of, param, params, c.piece, &rows, error)
                       : by_keys      ? TF_OK
                                      : compare_by_index(&c, error);
    for (int side = 0; side < 2; side++)
        free(c.number[side]);
    for (int k = 0; k < out->columns; k++)
        for (int side = 0; side < 2; side++)
            view_values_free(&c.values[k][side]);
    block_room_free(&c.room);
    free(c.values);
    free(c.is_unlike);
    return err;
}

void compared_free(compared *c) {
    for (int k = 0; k < c->columns; k++)
        for (int d = 0; d < c->column[k].shown; d++)
            for (int side = 0; side < 2; side++)
                tf_buf_free(&c->column[k].first[d].value[side]);
    tf_arena_free(c->arena);
    *c = (compared){0};
}

bool compared_differ(const compared *c) {
    bool differ = c->rows > 0 || c->alone[0] > 0 || c->alone[1] > 0 || c->only[0] > 0 || c->only[1] > 0;
    for (int k = 0; k < c->columns; k++)
        differ = differ || c->column[k].form[0];
    return differ;
}

bool compared_wholly(const compared *c) {
    bool wholly = true;
    for (int k = 0; k < c->columns; k++)
        wholly = wholly && !c->column[k].why_not && c->column[k].left_out == 0;
    return wholly;
}
