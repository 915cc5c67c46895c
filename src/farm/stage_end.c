/* The end of a stage, one thing after the other: what is reduced may be a text, and what is finished is reduced. */
#include "farm/stage_end.h"

#include "reduce/reduce.h"

tf_err stage_end(tf_store *store, const tf_campaign *campaign, int stage, int64_t enough, tf_error *error) {
    const int64_t tasks = enough ? enough : tf_stage_final(&campaign->stage[stage]);
    tf_err err = tf_store_blobs(store, stage, error);
    if (err == TF_OK)
        err = tf_reduce_stage(store, stage, tasks, error);
    if (err == TF_OK)
        err = tf_store_finish(store, stage, enough, error);
    tf_store_close_stage(store, stage);
    return err;
}
