/* Statuses of tasks, as the file has them, and the upstream status of tasks that take their rows. */
#include <stdio.h>

#include "store/upstream.h"

tf_err store_open_status(tf_store *s, int stage, table *t, tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    char path[600];
    h5_fault fault = {0};
    snprintf(path, sizeof path, "%s/task/status", spec->name);
    *t = (table){.type = store_status_type(), .rank = 1, .shape = {(hsize_t)tf_stage_so_far(spec)}};
    const bool good = store_open_table(s->file, path, t, &fault) && t->dataset > 0;
    store_keep_type(t);
    store_blame(s, &fault);
    return good ? TF_OK : store_error(s, error, "can't open %s", path);
}

uint8_t store_join_upstream(uint8_t so_far, uint8_t status) {
    if (status == TF_STATUS_DONE || so_far == TF_STATUS_SKIPPED)
        return so_far;
    return tf_status_counts_as(status, TF_STATUS_EXCLUDED) ? TF_STATUS_EXCLUDED : TF_STATUS_SKIPPED;
}

tf_err tf_store_status(tf_store *s, int stage, int64_t first, int64_t count, uint8_t *status, tf_error *error) {
    herr_t result = store_read_rows(&s->stage[stage].task[TASK_STATUS], first, count, status);
    return result >= 0 ? TF_OK : store_error(s, error, "can't read statuses");
}
