/* The records of the old run's side files, each with the stage of the campaign that it is of now. */
#include "store/resume/plan.h"

#include <string.h>

static int stage_now(const tf_store_plan *plan, const contents *old, int32_t stage) {
    if (stage < 0 || stage >= old->names)
        return -1;
    return tf_campaign_stage(plan->campaign, old->name[stage], strlen(old->name[stage]));
}

/* Up to where the rows that a side file vouches for are known to be on disk. */
static int64_t synced_size(const char *bytes, size_t size) {
    int64_t synced = 0;
    for (size_t at = 0; at < size;) {
        const tf_record *record = tf_record_at(bytes + at, size - at);
        if (!record)
            break;
        if (record->kind == SIDE_SYNCED && record->length == sizeof(side_synced))
            synced = ((const side_synced *)(const void *)(record + 1))->size;
        at += tf_record_size((size_t)record->length);
    }
    return synced;
}

typedef struct record_walk {
    const tf_store_plan *plan;
    const old_output *old;
    on_record *visit;
    void *context; /* its */
} record_walk;

static tf_err each_record_of(void *context, int fd, const char *path, tf_error *error) {
    const record_walk *walk = context;
    const char *bytes;
    size_t size;
    tf_err err = side_map_file(fd, path, &bytes, &size, error);
    int64_t synced = err == TF_OK ? synced_size(bytes, size) : 0;
    for (size_t at = 0; err == TF_OK && at < size;) {
        const tf_record *record = tf_record_at(bytes + at, size - at);
        if (!record)
            break;
        err = walk->visit(walk->context, record, stage_now(walk->plan, &walk->old->contents, record->stage),
                          (int64_t)at, synced, error);
        at += tf_record_size((size_t)record->length);
    }
    side_unmap(bytes, size);
    return err;
}

tf_err plan_each_record(const tf_store_plan *plan, const old_output *old, on_record *visit, void *context,
                        tf_error *error) {
    return old->fd < 0 ? TF_OK : old_each_side(old, each_record_of, &(record_walk){plan, old, visit, context}, error);
}
