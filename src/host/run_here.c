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

tf_err tf_host_run_here(const tf_campaign *campaign, int stage, int64_t first, int64_t count,
                        const tf_task_source *source, tf_host_on_point *on_point, tf_on_rows *on_rows, void *context,
                        tf_error *error) {
    host h;
    batch_map map;
    if (!batch_map_new(&map, batch_fixed_size(campaign)))
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_SYSTEM_LIMIT, "no shared memory: %s", strerror(errno));
    host_setting setting = {.campaign = campaign, .scratch = {.fd = -1}};
    if (on_rows)
        scratch_open(campaign, &setting.scratch);
    host_open(&h, &setting, 0, 0);
    h.is_trial = true;
    const tf_stage_spec *spec = &campaign->stage[stage];
    const int64_t most = batch_capacity(spec);
    tf_err err = TF_OK;
    while (count > 0 && err == TF_OK) {
        batch_header *head = (batch_header *)(void *)map.fixed;
        *head = (batch_header){
            .stage = stage, .attempt = 1, .first = first, .count = count < most ? count : most, .proven = 1};
        if (source)
            err = batch_copy_upstream(&map, spec, &h.columns, source, head->first, head->count, error);
        if (err != TF_OK)
            break;
        if (on_point)
            tell_points(&h, &map, on_point, context);
        if (!on_rows) {
            first += head->count;
            count -= head->count;
            continue;
        }
        host_run_batch(&h, &map);
        h.is_spoilt = h.knows_before = false; /* there is no other process */
        tf_rows rows;
        batch_part all = {.end = head->ended, .blobs_end = head->blobs_size, .seconds = head->seconds};
        batch_rows(&map, spec, &h.columns, &all, &rows);
        err = on_rows(context, 0, &rows, (tf_interval){0, 0}, error);
        first += rows.count;
        count -= rows.count;
    }
    host_close(&h);
    scratch_close(&setting.scratch);
    batch_map_close(&map);
    return err;
}
