/* A new run's side file has what rows that are kept had in older ones (resume/carry_blobs.c): all is gone through once,
 * and not at the end of each stage. */
#include "store/side_index.h"

tf_err side_index_damaged(const tf_store *s, size_t at, tf_error *error) {
    return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED,
                           "%s: the side file of rank %d is damaged at byte %zu", s->campaign->output, s->team.rank,
                           at);
}

tf_err side_index_read(tf_store *s, tf_error *error) {
    const char *bytes;
    size_t size, length;
    tf_err err = side_map(s->side, &bytes, &size, error);
    for (size_t at = 0; at < size && err == TF_OK; at += length) {
        const tf_record *record = tf_record_at(bytes + at, size - at);
        if (!record) {
            err = side_index_damaged(s, at, error);
            break;
        }
        length = tf_record_size((size_t)record->length);
        if (record->kind >= 0 && record->stage >= 0 && record->stage < s->campaign->stages)
            side_index_note(s, record->stage, (int64_t)at, (int64_t)(at + length));
    }
    side_unmap(bytes, size);
    return err;
}
