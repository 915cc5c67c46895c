/* People are told of the first second start of a stage, and in the end how many there were, and how many of them were
 * first. */
#include "farm/speculation.h"

#include <stdio.h>

static void send_double(const speculation *s, const tf_action *a, bool is_second) {
    const double_message message = {.stage = a->stage, .is_second = is_second, .task = a->first, .number = a->number};
    transport_send(s->transport, a->worker, TAG_DOUBLE, &message, sizeof message);
}

void speculation_ask(const speculation *s, const tf_action *a) {
    send_double(s, a, false);
}

/* The worker that has the task as well; -1: there is none. */
static int find_first(const speculation *s, const tf_action *a) {
    for (int rank = 0; rank < s->transport->ranks; rank++)
        if (rank != a->worker && tf_intervals_contain(tf_sched_holds(s->sched, rank, a->stage), a->first, a->first + 1))
            return rank;
    return -1;
}

void speculation_begin(const speculation *s, const tf_action *a, tf_buf *warning) {
    const int first = find_first(s, a);
    tf_notice notice = {.stage = a->stage, .kind = TF_NOTICE_SECOND, .parts = 1};
    tf_buf text = {0};
    send_double(s, a, true);
    tf_task_name(s->campaign, a->stage, a->first, &text);
    if (first >= 0)
        tf_buf_addf(&text, " of rank %d on %s", first, s->peers->peer[first].host);
    snprintf(notice.text, sizeof notice.text, "%s", tf_buf_text(&text));
    tf_buf_free(&text);
    notices_hear(s->notices, &notice, warning);
    notices_add(s->notices, a->stage, TF_NOTICE_SECOND, 0, 1);
}

void speculation_rule(const speculation *s, const tf_action *a) {
    const rule_message message = {.stage = a->stage, .may_write = a->may_write, .task = a->first};
    if (a->may_write && a->is_second)
        notices_add(s->notices, a->stage, TF_NOTICE_SECOND, 1, 0);
    if (!s->peers->peer[a->worker].is_lost)
        transport_send(s->transport, a->worker, TAG_RULE, &message, sizeof message);
}

void speculation_hear_answer(const speculation *s, int from, const doubled_message *m, double now) {
    const tf_doubled_answer answer = {
        .how = (tf_doubled)m->answer, .attempt = m->attempt, .seconds = m->seconds, .number = m->number};
    tf_sched_doubled(s->sched, from, m->stage, m->task, &answer, now);
}

void speculation_hear_claim(const speculation *s, int from, const claim_message *m) {
    tf_sched_claim(s->sched, from, m->stage, m->task, m->has_failed);
}
