/* The store as the farm's output. */
#include "farm/output.h"

#include "farm/stage_end.h"
#include "reduce/reduce.h"

static tf_store *store_of(const void *context) {
    return ((const store_output *)context)->store;
}

static bool is_finished(const void *context, int stage) {
    return tf_store_is_finished(((const store_output *)context)->plan, stage);
}

static tf_left_out left_out(const void *context, int stage) {
    return tf_store_left_out(((const store_output *)context)->plan, stage);
}

static tf_err write_rows(void *context, const tf_rows *rows, tf_error *error) {
    return tf_store_write(store_of(context), rows, error);
}

static tf_err sync_rows(void *context, double interval, tf_error *error) {
    return tf_store_sync(store_of(context), interval, error);
}

static bool is_locked(const void *context) {
    return tf_store_is_locked(store_of(context));
}

static bool has_ended(const void *context, int rank) {
    return tf_store_has_ended(store_of(context), rank);
}

static tf_err read_status(void *context, int stage, int64_t first, int64_t count, uint8_t *status, tf_error *error) {
    return tf_store_status(store_of(context), stage, first, count, status, error);
}

static void note_stop(void *context, int stage, const char *why) {
    tf_store_note_stop(store_of(context), stage, why);
}

static void note_incident(void *context, int number, const char *incident) {
    tf_store_note_incident(store_of(context), number, incident);
}

static void note_notices(void *context, const tf_noticed *noticed, int count) {
    tf_store_note_notices(store_of(context), noticed, count);
}

static tf_err is_enough(void *context, int stage, int64_t count, bool *enough, tf_error *error) {
    return tf_reduce_is_enough(store_of(context), stage, count, enough, error);
}

static void hold(void *context) {
    tf_store_hold(store_of(context));
}

static tf_err release(void *context, tf_error *error) {
    return tf_store_release(store_of(context), error);
}

static tf_err layout(void *context, int stage, tf_error *error) {
    return tf_store_layout(store_of(context), stage, error);
}

static tf_err finish(void *context, int stage, int64_t enough, tf_error *error) {
    return stage_end(store_of(context), ((const store_output *)context)->campaign, stage, enough, error);
}

static tf_err close_store(void *context, tf_run_state state, double elapsed, tf_error *error) {
    store_output *o = context;
    tf_store *store = o->store;
    o->store = NULL;
    return tf_store_close(store, state, elapsed, error);
}

output output_store(store_output *store) {
    return (output){.is_finished = is_finished,
                    .left_out = left_out,
                    .write = write_rows,
                    .sync = sync_rows,
                    .is_locked = is_locked,
                    .has_ended = has_ended,
                    .status = read_status,
                    .note_stop = note_stop,
                    .note_incident = note_incident,
                    .note_notices = note_notices,
                    .is_enough = is_enough,
                    .hold = hold,
                    .release = release,
                    .layout = layout,
                    .finish = finish,
                    .close = close_store,
                    .context = store};
}
