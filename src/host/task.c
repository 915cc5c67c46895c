/* What all that runs a task shares: failing it, adding blobs to its row, what its placeholders stand for, and whether
 * it is to end. */
#include "host/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void host_watch(host *h, double start) {
    if (h->spec->timeout > 0)
        h->header->row_started = start;
}

bool host_is_to_stop(const host *h) {
    return batch_is_to_stop(h->header);
}

void host_add_blob(host *h, int64_t row, int32_t kind, const void *data, size_t size) {
    size_t record = tf_record_size(size);
    if (!batch_map_blobs(h->map, h->blobs_used + record, true)) {
        host_fail(h, "no memory for %zu bytes of text: %s", size, strerror(errno));
        return;
    }
    tf_record_write(h->map->blobs + h->blobs_used, h->spec->number, h->header->first + row, kind, h->header->attempt,
                    data, size);
    h->blobs_used += record;
}

void host_drop_columns(host *h, uint64_t from) {
    uint64_t kept = from, size;
    for (uint64_t at = from; at < h->blobs_used; at += size) {
        char *bytes = h->map->blobs + at;
        const tf_record *record = tf_record_at(bytes, h->blobs_used - at);
        const int64_t row = record ? record->index - h->header->first : -1;
        if (row < 0 || row >= h->header->count) /* the function has written over them, which the rank sees, too */
            return;
        size = tf_record_size((size_t)record->length);
        if (record->kind >= TF_RECORD_COLUMN && tf_status_has_failed(h->columns.status[row]))
            continue;
        memmove(h->map->blobs + kept, bytes, size);
        kept += size;
    }
    h->blobs_used = kept;
}

void host_fail(host *h, const char *format, ...) {
    if (h->outcome.message.length)
        return;
    va_list args;
    va_start(args, format);
    tf_buf_addv(&h->outcome.message, format, args);
    va_end(args);
    if (h->outcome.message.length == 0)
        tf_buf_adds(&h->outcome.message, "failed without saying why");
}

void host_notice(const host *h, tf_notice_kind kind, const char *text) {
    batch_header *head = h->header;
    snprintf(head->notice[kind], sizeof head->notice[kind], "%.*s", (int)strcspn(text, "\r\n"), text);
    __atomic_fetch_or(&head->noticed, 1u << kind, __ATOMIC_RELEASE);
}

/* Of memory a task may have less than there is. */
static bool is_of_machine(const host *h, int failure) {
    static const int failures[] = {EAGAIN, EMFILE, ENFILE, ENOSPC, EDQUOT, EROFS, EIO, ENODEV};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++)
        if (failures[i] == failure)
            return true;
    return failure == ENOMEM && !h->spec->need.memory;
}

void host_blame_machine(host *h, int failure) {
    h->outcome.is_unstarted = is_of_machine(h, failure);
}

void host_fail_late(host *h) {
    char text[64];
    h->outcome.is_late = h->outcome.message.length == 0;
    host_fail(h, "timeout after %s", tf_format_duration(h->spec->timeout, text));
}

tf_point host_point(host *h, int64_t row) {
    for (int p = 0; p < tf_space_params(h->spec->space); p++) {
        size_t size = tf_space_value_size(tf_space_param(h->spec->space, p)->type);
        h->point[p] = (const char *)h->values[p] + (size_t)row * size;
    }
    int64_t index = h->header->first + row;
    return (tf_point){.index = index,
                      .seed = tf_rng_task_seed(h->spec->streams->seed, h->spec->name, index),
                      .params = h->point,
                      .inputs = &h->inputs,
                      .outputs = &h->outputs,
                      .folder = h->spec->run.cwd ? h->campaign->workdir : NULL};
}
