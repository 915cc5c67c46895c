/* The groups of a reduction: each rank finds the keys of its rows, all of them agree on one sorted list, and a group's
 * number is its place there. */
#include "reduce/rows.h"

#include <stdlib.h>
#include <string.h>

#include "store/meet.h"

enum {
    MOST_CACHED = 16 << 20, /* rows whose groups are remembered */
    MOST_GROUPS = 10000000
};

/* Keys of this rank's rows; rows get local numbers of them if they are remembered. */
static tf_err collect_keys(reducing *r, tf_buf *found) {
    reduce_rows *rows = r->rows;
    tf_err err = TF_OK;
    for (cursor c = {.first = rows->first}; err == TF_OK && cursor_next(r, 1, &c);) {
        err = rows_read_keys(r, &c);
        for (int64_t i = 0; i < c.count && err == TF_OK && r->spec->keys > 0; i++) {
            if (rows->group[i] == NO_GROUP)
                continue;
            key_build(r, &c, i, &rows->key);
            uint32_t next = (uint32_t)rows->number.count;
            uint32_t number = tf_table_add(&rows->number, tf_buf_text(&rows->key), rows->key.length, next);
            if (number == next)
                key_append(found, &(group_key){tf_buf_text(&rows->key), rows->key.length});
            rows->group[i] = number;
        }
        if (rows->cached)
            memcpy(rows->cached + c.before, rows->group, (size_t)c.count * sizeof *rows->group);
        if (err == TF_OK && rows->number.count > MOST_GROUPS)
            err = tf_error_set_as(r->error, TF_ERR_RUN, TF_DIAG_TOO_LARGE,
                                  "reduction \"%s\" of stage \"%s\" has more than %d groups", r->spec->name,
                                  reduce_stage_spec(r)->name, MOST_GROUPS);
    }
    return store_agree(r->store, err, r->error);
}

/* Groups get the numbers that all ranks agree on, instead of those that they had here. */
static void renumber(reducing *r, const tf_buf *found) {
    reduce_rows *rows = r->rows;
    uint32_t *now = tf_alloc_array(rows->number.count + 1, sizeof *now), n = 0;
    group_key k;
    tf_table_free(&rows->number);
    for (int64_t g = 0; g < r->groups; g++)
        tf_table_add(&rows->number, r->keys.data + r->key_at[g], (size_t)(r->key_at[g + 1] - r->key_at[g]),
                     (uint32_t)g);
    for (size_t at = 0; key_next(found, &at, &k);)
        now[n++] = tf_table_get(&rows->number, k.bytes, k.length);
    for (int64_t i = 0; rows->cached && i < rows->all; i++)
        if (rows->cached[i] != NO_GROUP)
            rows->cached[i] = now[rows->cached[i]];
    free(now);
}

static tf_err agree_on_groups(reducing *r) {
    tf_buf found = {0}, sorted = {0}, all = {0};
    tf_err err = collect_keys(r, &found);
    if (err == TF_OK && r->spec->keys == 0) {
        r->groups = 1;
        r->key_at = tf_alloc_array(2, sizeof *r->key_at);
    } else if (err == TF_OK) {
        keys_sort(&found, r->rows->number.count, &sorted);
        store_gather(r->store, &sorted, keys_merge, &all);
        store_spread(r->store, &all);
        group_key k;
        for (size_t at = 0; key_next(&all, &at, &k); r->groups++)
            ;
        r->key_at = tf_alloc_array((size_t)r->groups + 1, sizeof *r->key_at);
        int64_t g = 0;
        for (size_t at = 0; key_next(&all, &at, &k); r->key_at[++g] = (int64_t)r->keys.length)
            tf_buf_add(&r->keys, k.bytes, k.length);
        renumber(r, &found);
    }
    tf_buf_free(&found);
    tf_buf_free(&sorted);
    tf_buf_free(&all);
    return err;
}

static tf_err count_members(reducing *r) {
    reduce_rows *rows = r->rows;
    tf_err err = TF_OK;
    r->members = tf_alloc_array((size_t)r->groups + 1, sizeof *r->members);
    for (cursor c = {.first = rows->first}; err == TF_OK && cursor_next(r, 1, &c);) {
        err = rows_find_groups(r, &c);
        for (int64_t i = 0; i < c.count && err == TF_OK; i++)
            if (rows->group[i] != NO_GROUP)
                r->members[rows->group[i]]++;
    }
    err = store_agree(r->store, err, r->error);
    if (err == TF_OK)
        store_sum_all(r->store, r->members, r->groups);
    return err;
}

/* This rank's rows; of arrays it may be a few more, as blocks at the ends are shorter. */
static int64_t count_rows(const reducing *r) {
    const tf_grid *grid = r->spec->grid;
    int64_t rows = r->rows->end - r->rows->first;
    for (int d = 0; grid && d < grid->rank; d++)
        if (__builtin_mul_overflow(rows, grid->chunk[d], &rows))
            return INT64_MAX;
    return rows;
}

tf_err reduce_open(reducing *r) {
    const tf_stage_spec *spec = reduce_stage_spec(r);
    const tf_store *s = r->store;
    int64_t tasks = r->limit, share = tasks / s->team.ranks;
    reduce_rows *rows = r->rows = tf_alloc(sizeof *rows);
    rows->values = tf_stage_values(spec);
    rows->source = tf_alloc_array((size_t)rows->values, sizeof *rows->source);
    rows->named = tf_alloc_array((size_t)rows->values, sizeof *rows->named);
    rows->first = share * s->team.rank;
    rows->end = s->team.rank == s->team.ranks - 1 ? tasks : share * (s->team.rank + 1);
    rows->status = s->stage[r->stage].task[TASK_STATUS];
    rows->group = tf_alloc_array(PIECE_NUMBERS, sizeof *rows->group);
    rows->states = tf_alloc(PIECE_NUMBERS);
    rows->truth = tf_alloc_array(PIECE_NUMBERS, sizeof *rows->truth);
    if (r->spec->where)
        rows->where = tf_eval_new(r->spec->where, s->campaign->seed, spec->name);
    if (r->spec->grid)
        rows->number_of_row = tf_alloc_array(PIECE_NUMBERS, sizeof *rows->number_of_row);
    rows->all = count_rows(r);
    if (rows->all <= MOST_CACHED)
        rows->cached = tf_alloc_array((size_t)rows->all + 1, sizeof *rows->cached);
    tf_err err = agree_on_groups(r);
    return err == TF_OK ? count_members(r) : err;
}

void reduce_close(reducing *r) {
    reduce_rows *rows = r->rows;
    for (int v = 0; v < rows->values; v++)
        value_close(&rows->source[v]);
    tf_eval_free(rows->where);
    tf_table_free(&rows->number);
    tf_buf_free(&rows->key);
    tf_buf_free(&r->keys);
    free(rows->source);
    free(rows->named);
    free(rows->truth);
    free(rows->cached);
    free(rows->group);
    free(rows->number_of_row);
    free(rows->states);
    free(rows);
    free(r->key_at);
    free(r->members);
}
