/* Where the points of a space that has grown are now: old rows and new points are matched by hashes of their
 * parameters. */
#include "store/resume/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 14 }; /* rows at once */

/* Mixes the parameters of new points first .. into their hashes. */
static void hash_points(const tf_space *space, int64_t first, int64_t count, tf_spot *spots) {
    void *values = tf_alloc_array(CHUNK, 8);
    for (int p = 0; p < tf_space_params(space); p++) {
        tf_type type = tf_space_param(space, p)->type;
        size_t size = tf_space_value_size(type);
        tf_space_fill(space, p, first, count, values);
        for (int64_t i = 0; i < count; i++) {
            const char *value = (const char *)values + (size_t)i * size;
            const char *text = type == TF_STRING ? ((const char *const *)values)[i] : NULL;
            spots[i].hash = text ? tf_hash(text, strlen(text), spots[i].hash) : tf_hash(value, size, spots[i].hash);
        }
    }
    free(values);
}

/* The same of rows in the old file, where parameters are cells. */
static tf_err hash_rows(const old_output *old, const contents_stage *stage, const tf_space *space, int64_t first,
                        int64_t count, uint64_t *hashes, tf_error *error) {
    memset(hashes, 0, (size_t)count * sizeof *hashes);
    for (int p = 0; p < tf_space_params(space); p++) {
        char path[300];
        snprintf(path, sizeof path, "params/%s", tf_space_param(space, p)->name);
        const contents_table *dataset = contents_table_at(stage, path);
        if (!dataset)
            return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED, "%s: has no %s", old->path, path);
        size_t cell = (size_t)dataset->row_bytes;
        char *cells = tf_alloc_array((size_t)count, cell);
        tf_err err = old_read(old, dataset, cell, first, count, cells, error);
        bool text = tf_space_param(space, p)->type == TF_STRING;
        for (int64_t i = 0; i < count && err == TF_OK; i++) {
            const char *value = cells + (size_t)i * cell;
            hashes[i] = tf_hash(value, text ? strnlen(value, cell) : cell, hashes[i]);
        }
        free(cells);
        if (err != TF_OK)
            return err;
    }
    return TF_OK;
}

static tf_err match_points(const tf_store_plan *plan, const old_output *old, int number, tf_error *error) {
    plan_stage *ps = &plan->stage[number];
    const tf_space *space = plan->campaign->stage[number].space;
    int64_t points = tf_space_size(space);
    tf_spot *spots = tf_alloc_array((size_t)points, sizeof *spots);
    for (int64_t first = 0; first < points; first += CHUNK) {
        int64_t count = points - first < CHUNK ? points - first : CHUNK;
        for (int64_t i = 0; i < count; i++)
            spots[first + i].index = first + i;
        hash_points(space, first, count, spots + first);
    }
    tf_spots_sort(spots, points);
    ps->place = tf_alloc_array((size_t)ps->old->tasks, sizeof *ps->place);
    uint64_t *hashes = tf_alloc_array(CHUNK, sizeof *hashes);
    tf_intervals gone = {0};
    tf_err err = TF_OK;
    tf_interval run = {0};
    while (err == TF_OK && tf_intervals_next(&ps->kept, CHUNK, &run)) {
        int64_t first = run.first, count = run.end - run.first;
        err = hash_rows(old, ps->old, space, first, count, hashes, error);
        for (int64_t i = 0; i < count && err == TF_OK; i++) {
            ps->place[first + i] = tf_spots_claim(spots, points, hashes[i]);
            if (ps->place[first + i] < 0 && plan_may_drop(plan, number))
                tf_intervals_add(&gone, first + i, first + i + 1);
            else if (ps->place[first + i] < 0)
                err = plan_refuse_lost_point(plan, old, number, first + i, error);
        }
    }
    tf_intervals_remove_all(&ps->kept, &gone);
    tf_intervals_free(&gone);
    free(hashes);
    free(spots);
    return err;
}

bool plan_has_moved(const plan_stage *stage) {
    for (size_t n = 0; stage->place && n < stage->kept.count; n++)
        for (int64_t i = stage->kept.items[n].first; i < stage->kept.items[n].end; i++)
            if (stage->place[i] != i)
                return true;
    return false;
}

tf_err plan_find_places(const tf_store_plan *plan, const old_output *old, int number, tf_error *error) {
    const plan_stage *ps = &plan->stage[number];
    const tf_space *space = plan->campaign->stage[number].space;
    if (tf_space_params(space) == 0 || !contents_table_at(ps->old, "task/status") || ps->old->tasks < ps->kept.total)
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED, "%s: is damaged", old->path);
    if (tf_space_sources(space))
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_CAMPAIGN_CHANGED,
                               "%s: stage \"%s\": the space changed, and it takes its points from another stage, so "
                               "that its old ones can't be found; --fresh sets the old output aside and starts anew, "
                               "--output leaves it where it is",
                               old->path, ps->old->name);
    char path[300];
    snprintf(path, sizeof path, "params/%s", tf_space_param(space, 0)->name);
    if (!contents_table_at(ps->old, path))
        return tf_error_set_as(
            error, TF_ERR_RUN, TF_DIAG_CAMPAIGN_CHANGED,
            "%s: stage \"%s\": the space changed, and parameters are not stored, so that its old "
            "points can't be found; --fresh sets the old output aside and starts anew, --output leaves "
            "it where it is",
            old->path, ps->old->name);
    return match_points(plan, old, number, error);
}
