/* Columns whose type has become a wider one, as int64 that is float64 now: rows are kept, with the numbers that they
 * have. A type is wider if a run that had it from the start would have written the same numbers: so float32 is none
 * narrower than float64, as it has rounded what tasks gave. */
#include "store/resume/plan.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 1 << 17 }; /* numbers */

static bool is_wider(tf_type now, tf_type was) {
    const bool is_signed = was < TF_UINT8, stays_signed = now < TF_UINT8; /* of integers */
    return tf_type_is_integer(was) &&
           (now == TF_FLOAT64 ||
            (tf_type_is_integer(now) && tf_type_size(now) > tf_type_size(was) && (stays_signed || !is_signed)));
}

/* Another stage may have made something else of the same numbers in another type. */
static bool is_taken_from(const tf_store_plan *plan, int stage) {
    const tf_campaign *campaign = plan->campaign;
    for (int s = 0; s < campaign->stages; s++)
        if (s != stage && tf_stage_takes_from(&campaign->stage[s], stage) &&
            contents_find(&plan->old.contents, campaign->stage[s].name))
            return true;
    return false;
}

/* Two columns of fingerprints: ["y","int64",...]. Sets the type that the column had, if it is another one than now. */
static bool compare_column(const cJSON *then, const cJSON *now, const tf_column_spec *column, tf_type *was) {
    const cJSON *a = then->child, *b = now->child;
    for (int n = 0; a && b; a = a->next, b = b->next, n++) {
        if (cJSON_Compare(a, b, true))
            continue;
        if (n != 1 || !cJSON_IsString(a) || !tf_type_parse(a->valuestring, was) || column->grid ||
            !is_wider(column->type, *was))
            return false;
    }
    return !a && !b;
}

bool plan_find_wider(const tf_store_plan *plan, int stage, const char *then_text, const char *now_text) {
    const tf_stage_spec *spec = &plan->campaign->stage[stage];
    cJSON *then = cJSON_Parse(then_text), *now = cJSON_Parse(now_text);
    tf_type *was = tf_alloc_array((size_t)spec->columns, sizeof *was);
    bool good = cJSON_GetArraySize(then) == spec->columns && cJSON_GetArraySize(now) == spec->columns &&
                !is_taken_from(plan, stage);
    const cJSON *a = good ? then->child : NULL, *b = good ? now->child : NULL;
    for (int c = 0; c < spec->columns && good; c++, a = a->next, b = b->next) {
        was[c] = spec->column[c].type;
        good = compare_column(a, b, &spec->column[c], &was[c]);
    }
    cJSON_Delete(then);
    cJSON_Delete(now);
    if (good)
        plan->stage[stage].was = was;
    else
        free(was);
    return good;
}

size_t plan_old_bytes(const plan_stage *ps, const tf_stage_spec *spec, const row_part *part) {
    if (part->column < 0 || !ps->was)
        return part->bytes;
    return part->bytes / tf_type_size(spec->column[part->column].type) * tf_type_size(ps->was[part->column]);
}

/* How many numbers are the same in both types, from the first on. */
static int64_t convert(tf_type was, const char *old, tf_type now, int64_t count, char *new) {
    enum { PART = 512 };
    const size_t old_size = tf_type_size(was), new_size = tf_type_size(now);
    double values[PART], back[PART];
    int64_t same = 0;
    for (int64_t first = 0; first < count && same == first; first += PART) {
        const int64_t part = count - first < PART ? count - first : PART;
        const char *from = old + (size_t)first * old_size;
        tf_load_doubles(was, from, 0, part, values);
        const int64_t fit = tf_store_doubles(was, values, part, back), end = first + fit;
        while (same < end && memcmp((const char *)back + (size_t)(same - first) * old_size,
                                    old + (size_t)same * old_size, old_size) == 0)
            same++;
        tf_store_doubles(now, values, same - first, new + (size_t)first *new_size);
    }
    return same;
}

/* What has not been computed is NaN where a float may be. */
static tf_err clear_undone(const old_output *old, const plan_stage *ps, const tf_column_spec *column, int64_t first,
                           int64_t count, char *rows, tf_error *error) {
    const contents_table *dataset = contents_table_at(ps->old, "task/status");
    uint8_t *status = tf_alloc((size_t)count);
    assert(dataset); /* no row is kept without */
    tf_err err = old_read(old, dataset, 1, first, count, status, error);
    for (int64_t i = 0; i < count && err == TF_OK; i++)
        if (status[i] != TF_STATUS_DONE)
            tf_store_absent(column->type, column->elements, rows + (size_t)i * tf_column_bytes(column));
    free(status);
    return err;
}

tf_err plan_widen(const old_output *old, const plan_stage *ps, const tf_stage_spec *spec, int number, int64_t first,
                  int64_t count, char **rows, tf_error *error) {
    const tf_column_spec *column = number >= 0 ? &spec->column[number] : NULL;
    if (!column || !ps->was || ps->was[number] == column->type)
        return TF_OK;
    char *new = tf_alloc_array((size_t)count, tf_column_bytes(column));
    convert(ps->was[number], *rows, column->type, count * column->elements, new);
    free(*rows);
    *rows = new;
    return clear_undone(old, ps, column, first, count, new, error);
}

/* Looks for a number of the kept rows that the column's type has not. It goes into what has changed. */
static tf_err check_column(const old_output *old, plan_stage *ps, const tf_column_spec *column, tf_type was,
                           tf_error *error) {
    const size_t size = tf_type_size(was), bytes = size * (size_t)column->elements;
    const int64_t at_once = column->elements < AT_ONCE ? AT_ONCE / column->elements : 1;
    char path[300];
    snprintf(path, sizeof path, "results/%s", column->name);
    const contents_table *dataset = contents_table_at(ps->old, path);
    if (!dataset)
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED, "%s: has no %s", old->path, path);
    char *rows = tf_alloc_array((size_t)at_once, bytes);
    char *wide = tf_alloc_array((size_t)at_once, tf_column_bytes(column));
    const size_t before = ps->changed.length;
    tf_err err = TF_OK;
    tf_interval run = {0};
    while (err == TF_OK && ps->changed.length == before && tf_intervals_next(&ps->kept, at_once, &run)) {
        const int64_t count = run.end - run.first, numbers = count * column->elements;
        err = old_read(old, dataset, bytes, run.first, count, rows, error);
        const int64_t same = err == TF_OK ? convert(was, rows, column->type, numbers, wide) : numbers;
        if (same == numbers)
            continue;
        tf_buf_addf(&ps->changed,
                    "%s\"results\" changed since its rows were made (%s: was %s, now %s, which would round ",
                    before ? "; " : "", column->name, tf_type_name(was), tf_type_name(column->type));
        tf_buf_add_number(&ps->changed, was, rows + (size_t)same * size);
        tf_buf_addf(&ps->changed, " of task %" PRId64 ")", run.first + same / column->elements);
    }
    free(rows);
    free(wide);
    return err;
}

static bool may_have_unlike(tf_type was, tf_type now) {
    return was != now && tf_type_size(was) == sizeof(double);
}

tf_err plan_check_wider(const old_output *old, plan_stage *ps, const tf_stage_spec *spec, tf_error *error) {
    const size_t before = ps->changed.length;
    tf_err err = TF_OK;
    for (int c = 0; ps->was && c < spec->columns && err == TF_OK && ps->changed.length == before; c++)
        if (may_have_unlike(ps->was[c], spec->column[c].type))
            err = check_column(old, ps, &spec->column[c], ps->was[c], error);
    if (err != TF_OK || ps->changed.length == before)
        return err;
    ps->unusable = true;
    tf_intervals_free(&ps->kept);
    free(ps->was);
    ps->was = NULL;
    return TF_OK;
}

void plan_tell_wider(const tf_store_plan *plan, tf_buf *out) {
    for (int s = 0; s < plan->campaign->stages; s++) {
        const plan_stage *ps = &plan->stage[s];
        const tf_stage_spec *spec = &plan->campaign->stage[s];
        for (int c = 0; ps->was && ps->kept.total > 0 && c < spec->columns; c++)
            if (ps->was[c] != spec->column[c].type)
                tf_buf_addf(out, "; \"%s\" of stage \"%s\" is %s now, and was %s", spec->column[c].name, spec->name,
                            tf_type_name(spec->column[c].type), tf_type_name(ps->was[c]));
    }
}
