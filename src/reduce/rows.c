/* A reduction's rows, a piece at a time: which of them count, in which groups they are, and what else is read of them.
 */
#include "reduce/rows.h"

#include <string.h>

#include "store/change.h"
#include "store/meet.h"
#include "store/upstream.h"

bool cursor_next(const reducing *r, int64_t elements, cursor *c) {
    const int64_t most = PIECE_NUMBERS / elements > 1 ? PIECE_NUMBERS / elements : 1;
    int64_t left;
    c->before += c->count;
    if (r->spec->grid) {
        c->from += c->count;
        if (c->from == c->block) {
            tf_block block;
            c->first += c->block > 0;
            c->from = 0;
            if (c->first >= r->rows->end)
                return false;
            tf_grid_place(r->spec->grid, c->first, &block);
            c->block = tf_block_elements(&block);
        }
        left = c->block - c->from;
    } else {
        c->first += c->count;
        left = r->rows->end - c->first;
    }
    c->count = left < most ? left : most;
    return c->count > 0;
}

/* Finds the rows of the piece that count: they get group 0, and the others none. */
static tf_err select_rows(reducing *r, const cursor *c) {
    reduce_rows *rows = r->rows;
    const bool arrays = r->spec->grid != NULL;
    if (store_read_rows(&rows->status, c->first, arrays ? 1 : c->count, rows->states) < 0)
        return reduce_cant_read(r);
    for (int64_t i = 0; i < c->count; i++)
        rows->group[i] = rows->states[arrays ? 0 : i] == TF_STATUS_DONE ? 0 : NO_GROUP;
    if (!r->spec->where || (arrays && rows->group[0] == NO_GROUP))
        return TF_OK;
    for (int v = 0; v < rows->values; v++) {
        if (!tf_expr_uses(r->spec->where, v))
            continue;
        tf_err err = value_read(r, v, c);
        if (err != TF_OK)
            return err;
        value_source *s = &rows->source[v];
        rows->named[v] = s->cell != TF_STRING ? (const void *)s->number
                         : s->value.array >= 0
                             ? s->cells + (size_t)c->from * reduce_stage_spec(r)->array[s->value.array].element
                             : (const void *)s->string;
    }
    if (arrays)
        tf_eval_elements(rows->where, rows->named, c->first, c->count, rows->truth);
    else
        tf_eval_run(rows->where, rows->named, c->first, c->count, rows->truth);
    for (int64_t i = 0; i < c->count; i++)
        if (!tf_eval_is_true(rows->truth[i]))
            rows->group[i] = NO_GROUP;
    return TF_OK;
}

tf_err rows_read_keys(reducing *r, const cursor *c) {
    tf_err err = select_rows(r, c);
    for (int k = 0; k < r->spec->keys && err == TF_OK; k++)
        err = value_read(r, r->spec->key[k], c);
    return err;
}

tf_err rows_find_groups(reducing *r, const cursor *c) {
    reduce_rows *rows = r->rows;
    if (rows->cached) {
        memcpy(rows->group, rows->cached + c->before, (size_t)c->count * sizeof *rows->group);
        return TF_OK;
    }
    tf_err err = rows_read_keys(r, c);
    for (int64_t i = 0; i < c->count && err == TF_OK && r->spec->keys > 0; i++) {
        if (rows->group[i] == NO_GROUP)
            continue;
        key_build(r, c, i, &rows->key);
        rows->group[i] = tf_table_get(&rows->number, tf_buf_text(&rows->key), rows->key.length);
    }
    return err;
}

/* The numbers of the piece's elements in the whole array; NULL: rows are tasks. */
static const int64_t *number_rows(const reducing *r, const cursor *c) {
    const tf_grid *grid = r->spec->grid;
    if (!grid)
        return NULL;
    int64_t start[TF_MAX_RANK], count[TF_MAX_RANK], at[TF_MAX_RANK], rest = c->from;
    tf_grid_block(grid, c->first, start, count);
    for (int d = grid->rank - 1; d >= 0; d--) {
        at[d] = rest % count[d];
        rest /= count[d];
    }
    for (int64_t i = 0; i < c->count; i++) {
        int64_t number = 0;
        for (int d = 0; d < grid->rank; d++)
            number = number * grid->shape[d] + start[d] + at[d];
        r->rows->number_of_row[i] = number;
        for (int d = grid->rank - 1; d >= 0 && ++at[d] == count[d]; d--)
            at[d] = 0;
    }
    return r->rows->number_of_row;
}

tf_err reduce_each(reducing *r, int value, reduce_visit *visit, void *context) {
    reduce_rows *rows = r->rows;
    tf_err err = TF_OK;
    for (cursor c = {.first = rows->first}; err == TF_OK && cursor_next(r, reduce_elements(r, value), &c);) {
        store_show_work(r->store);
        err = rows_find_groups(r, &c);
        if (err == TF_OK)
            err = value_read(r, value, &c);
        if (err == TF_OK)
            visit(context, &(reduce_piece){.first = c.first,
                                           .count = c.count,
                                           .row = number_rows(r, &c),
                                           .group = rows->group,
                                           .numbers = rows->source[value].number,
                                           .exact = value_exact(&rows->source[value], &c)});
    }
    return store_agree(r->store, err, r->error);
}
