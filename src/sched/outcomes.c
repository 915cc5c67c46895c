/* What workers say of tasks that have ended: that they did well, that they are to have another attempt, or that they
 * have had their last. */
#include "sched/state.h"

static void notice_pace(tf_sched *s, int worker_id, int stage_id, int64_t count, double seconds) {
    const double times = pace_add(s, worker_id, stage_id, count, seconds);
    if (times > 0)
        health_tell(s, (tf_action){.kind = TF_ACTION_SLOW, .worker = worker_id, .stage = stage_id, .times = times});
}

static bool release(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count, double seconds) {
    if (!worker_release(s, worker_id, stage_id, first, count, seconds))
        return false;
    if (s->twins > 0)
        twins_end(s, worker_id, stage_id, (tf_interval){first, first + count});
    return true;
}

bool tf_sched_report(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count, int64_t failed,
                     double seconds) {
    if (failed < 0 || failed > count || !release(s, worker_id, stage_id, first, count, seconds))
        return false;
    stage *st = &s->stage[stage_id];
    st->done += count - failed;
    if (failed > 0) {
        retry_none(s, st, failed);
        health_has_failed(s, worker_id, stage_id, first, count);
    } else {
        health_did_well(s, worker_id, stage_id, first, count);
        notice_pace(s, worker_id, stage_id, count, seconds);
        if (st->watch)
            watch_note(s, stage_id, worker_id, count, seconds);
    }
    return true;
}

bool tf_sched_retry(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count, int attempt, double seconds,
                    double now) {
    if (!release(s, worker_id, stage_id, first, count, seconds))
        return false;
    s->now = now;
    health_failed(s, worker_id, &(doubt){.stage_id = stage_id, .attempt = attempt, .tasks = {first, first + count}});
    return true;
}

bool tf_sched_fail(tf_sched *s, int worker_id, int stage_id, int64_t first, int64_t count, int attempt, double seconds,
                   double now) {
    if (!release(s, worker_id, stage_id, first, count, seconds))
        return false;
    s->now = now;
    health_failed(
        s, worker_id,
        &(doubt){.stage_id = stage_id, .attempt = attempt, .is_final = true, .tasks = {first, first + count}});
    return true;
}
