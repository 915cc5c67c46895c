/* The loop never blocks: messages are polled, rows are polled, and only when neither had anything does it nap, longer
 * each time. Its descriptors are the doorbell, and the slots' own. */
#include "farm/loop.h"

#include <poll.h>
#include <time.h>

#define SHORTEST_NAP  10e-6 /* s */
#define PROGRESS_TICK 0.05  /* s */

static void send_signals(const rank *r) {
    for (signal_seen next; (next = watchman_next_signal(r->watchman)).number;) {
        const signal_message message = {.signal = next.number, .count = next.count};
        transport_send(r->transport, 0, TAG_SIGNAL, &message, sizeof message);
    }
}

/* `told`: when that was last done. Returns when it was done now. */
static double tell_progress(const rank *r, const tf_farm_options *options, double told) {
    const double now = tf_now();
    if (!r->master || !options->on_progress || (now - told < PROGRESS_TICK && !r->ended))
        return told;
    tf_farm_result result;
    master_result(r->master, &result);
    options->on_progress(options->context, &result.progress);
    return now;
}

/* What the last words are to say, should they be needed. `known`: when that was last told. Returns when it was now. */
static double tell_watchman(const rank *r, double known) {
    const double now = tf_now_coarse(), tick = 1; /* s */
    if (!r->master || now - known < tick)
        return known;
    tf_buf text = {0};
    master_name_quiet(r->master, &text);
    watchman_know(r->watchman, tf_buf_text(&text));
    tf_buf_free(&text);
    return now;
}

static void wait_for_doorbell(const rank *r, double seconds) {
    struct pollfd heard = {.fd = r->transport->doorbell, .events = POLLIN};
    ppoll(&heard, 1, &(struct timespec){.tv_nsec = (long)(seconds * 1e9)}, NULL);
}

/* A worker that is stuck is given up by the master. For rank 0 workers wait, and end by themselves. */
static double loop_patience(const rank *r) {
    return r->transport->rank > 0 ? r->terms->patience : TOGETHER * r->terms->patience;
}

void loop_run(rank *r, const tf_farm_options *options) {
    const double limit = loop_patience(r);
    double wait = 0, told = 0, known = 0;
    while (!r->ended) {
        const double longest = r->transport->listen(r->transport->context);
        watchman_expect(r->watchman, "one turn of its loop (messages, rows to be written)", limit);
        send_signals(r);
        const bool busy = rank_turn(r);
        if (r->ended)
            break;
        wait = busy ? 0 : wait < SHORTEST_NAP ? SHORTEST_NAP : 2 * wait < longest ? 2 * wait : longest;
        const bool works = r->worker && !r->is_unheard;
        if (works && worker_step(r->worker, wait))
            wait = 0;
        else if (!works && wait > 0)
            wait_for_doorbell(r, wait);
        told = tell_progress(r, options, told);
        known = tell_watchman(r, known);
    }
    tell_progress(r, options, told);
}
