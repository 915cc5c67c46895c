/* Runs tasks, or tells of them, in the process that asks: without spawner or host. */
#include "host/host.h"

#include <errno.h>
#include <string.h>

/* Calls on_point for the tasks of a batch. Their files are found again when they start. */
static void tell_points(host *h, batch_map *map, tf_host_on_point *on_point, void *context) {
    host_begin_batch(h, map, 1);
    for (int64_t row = 0; row < h->header->count; row++) {
        const int64_t index = h->header->first + row;
        tf_files_inputs(h->files, h->header->stage, index, &h->inputs);
        tf_files_outputs(h->files, h->header->stage, index, &h->outputs);
        tf_point point = host_point(h, row);
        point.scratch = "{scratch}";
        on_point(context, &point);
    }
}

/* What runs or tells of the tasks of a stage. */
typedef struct here {
    host h;
    batch_map map;
    host_setting setting;
    const tf_stage_spec *spec;
    const tf_task_source *source; /* NULL: its tasks take no rows of other stages */
    int attempt;                  /* of its tasks */
} here;

static tf_err open_here(here *its, const tf_campaign *campaign, int stage, const tf_task_source *source, bool runs,
                        tf_error *error) {
    *its = (here){.setting = {.campaign = campaign, .scratch = {.fd = -1}},
                  .spec = &campaign->stage[stage],
                  .source = source,
                  .attempt = 1};
    if (!batch_map_new(&its->map, batch_fixed_size(campaign)))
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_SYSTEM_LIMIT, "no shared memory: %s", strerror(errno));
    if (runs)
        scratch_open(campaign, &its->setting.scratch);
    host_open(&its->h, &its->setting, 0, 0);
    its->h.is_trial = true;
    return TF_OK;
}

static void close_here(here *its) {
    host_close(&its->h);
    scratch_close(&its->setting.scratch);
    batch_map_close(&its->map);
}

/* Makes a batch of the tasks that begin with `first`: at most `most` of them. */
static tf_err make_batch(here *its, int64_t first, int64_t most, tf_error *error) {
    const int64_t capacity = batch_capacity(its->spec, false);
    batch_header *head = (batch_header *)(void *)its->map.fixed;
    *head = (batch_header){.stage = its->spec->number,
                           .attempt = its->attempt,
                           .first = first,
                           .count = most < capacity ? most : capacity,
                           .one_by_one = tf_stage_batch(its->spec) > 1,
                           .proven = 1};
    return its->source ? batch_copy_upstream(&its->map, its->spec, &its->h.columns, its->source, NULL, head->first,
                                             head->count, error)
                       : TF_OK;
}

/* Runs the batch. Returns how many of its tasks have ended: none if its process was so slow to start that the time of a
 * batch was over. */
static int64_t run_batch(here *its, tf_on_rows *on_rows, void *context, tf_err *err, tf_error *error) {
    const batch_header *head = (const batch_header *)(const void *)its->map.fixed;
    host_run_batch(&its->h, &its->map);
    its->h.is_spoilt = its->h.knows_before = false; /* there is no other process */
    tf_rows rows;
    batch_part all = {.end = head->ended, .blobs_end = head->blobs_size, .seconds = head->seconds};
    batch_rows(&its->map, its->spec, &its->h.columns, &all, &rows);
    if (rows.count > 0)
        *err = on_rows(context, 0, &rows, (tf_interval){0, 0}, error);
    return rows.count;
}

tf_err tf_host_run_here(const tf_campaign *campaign, int stage, int64_t first, int64_t count, int attempt,
                        const tf_task_source *source, tf_host_on_point *on_point, tf_on_rows *on_rows, void *context,
                        tf_error *error) {
    here its;
    tf_err err = open_here(&its, campaign, stage, source, true, error);
    if (err != TF_OK)
        return err;
    its.attempt = attempt;
    int64_t told = first; /* tasks before it are told of */
    for (int64_t ran; count > 0 && err == TF_OK; first += ran, count -= ran) {
        err = make_batch(&its, first, count, error);
        if (err != TF_OK)
            break;
        if (on_point && first >= told) {
            tell_points(&its.h, &its.map, on_point, context);
            told = first + ((const batch_header *)(const void *)its.map.fixed)->count;
        }
        ran = run_batch(&its, on_rows, context, &err, error);
    }
    close_here(&its);
    return err;
}

tf_err tf_host_tell_points(const tf_campaign *campaign, int stage, const tf_intervals *tasks,
                           const tf_task_source *source, tf_host_on_point *on_point, void *context, tf_error *error) {
    here its;
    tf_interval piece = {0};
    tf_err err = open_here(&its, campaign, stage, source, false, error);
    if (err != TF_OK)
        return err;
    while (err == TF_OK && tf_intervals_next(tasks, batch_capacity(its.spec, false), &piece)) {
        err = make_batch(&its, piece.first, piece.end - piece.first, error);
        if (err == TF_OK)
            tell_points(&its.h, &its.map, on_point, context);
    }
    close_here(&its);
    return err;
}
