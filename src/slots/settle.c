/* Rows of tasks that are not run: they have parameters and a status, and may have a message. */
#include <errno.h>
#include <string.h>

#include "slots/inner.h"

tf_err tf_slots_settle(tf_slots *slots, const tf_campaign *campaign, int stage, int64_t first, int64_t count,
                       tf_status status, const char *message, tf_on_rows *on_rows, void *context, tf_error *error) {
    const tf_stage_spec *spec = &campaign->stage[stage];
    const host_setting setting = {.campaign = campaign};
    host h;
    batch_map map;
    if (!batch_map_new(&map, batch_fixed_size(campaign)))
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_SYSTEM_LIMIT, "no shared memory: %s", strerror(errno));
    host_open(&h, &setting, 0, 0);
    tf_err err = TF_OK;
    while (count > 0 && err == TF_OK) {
        int64_t most = batch_capacity(spec, false), rows_now = count < most ? count : most;
        *(batch_header *)(void *)map.fixed =
            (batch_header){.stage = stage, .attempt = 1, .first = first, .count = rows_now};
        host_begin_batch(&h, &map, 0);
        for (int64_t row = 0; row < rows_now; row++) {
            h.columns.status[row] = (uint8_t)status;
            if (h.columns.input_set)
                h.columns.input_set[row] = tf_files_input_set(slots_files(slots), stage, first + row);
            if (*message)
                host_add_blob(&h, row, TF_RECORD_MESSAGE, message, strlen(message));
        }
        tf_rows rows;
        batch_part all = {.end = rows_now, .blobs_end = h.blobs_used};
        batch_rows(&map, spec, &h.columns, &all, &rows);
        err = on_rows(context, 0, &rows, (tf_interval){0, 0}, error);
        first += rows_now;
        count -= rows_now;
    }
    host_close(&h);
    batch_map_close(&map);
    return err;
}
