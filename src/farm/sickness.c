/* A sick worker drains as in the last seconds of a run. Its rank stays, for what all ranks do together. */
#include "farm/sickness.h"

#include <stdlib.h>

struct sickness {
    const tf_campaign *campaign;
    const peers *peers;
    const transport *transport;
    incidents *incidents;
    int64_t *told; /* per rank: verdicts that it has not answered */
    int64_t all_told;
    int sick;
};

sickness *sickness_new(const tf_campaign *campaign, const peers *p, const transport *t, incidents *i) {
    sickness *s = tf_alloc(sizeof *s);
    *s = (sickness){.campaign = campaign, .peers = p, .transport = t, .incidents = i};
    s->told = tf_alloc_array((size_t)t->ranks, sizeof *s->told);
    return s;
}

void sickness_free(sickness *s) {
    if (!s)
        return;
    free(s->told);
    free(s);
}

void sickness_settle_rows(sickness *s, const tf_action *a) {
    const verdict_message verdict = {
        .stage = a->stage, .is_failure = a->kind == TF_ACTION_FAIL, .first = a->first, .count = a->count};
    if (s->peers->peer[a->worker].is_lost)
        return;
    s->told[a->worker]++;
    s->all_told++;
    transport_send(s->transport, a->worker, TAG_VERDICT, &verdict, sizeof verdict);
}

void sickness_hear_settled(sickness *s, int rank) {
    s->told[rank]--;
    s->all_told--;
}

void sickness_forget(sickness *s, int rank) {
    s->all_told -= s->told[rank];
    s->told[rank] = 0;
}

bool sickness_is_settled(const sickness *s) {
    return s->all_told == 0;
}

void sickness_begin(sickness *s, const tf_action *a) {
    const char *host = s->peers->peer[a->worker].host;
    tf_buf text = {0};
    tf_buf_addf(
        &text,
        "rank %d on %s is sick and gets no more tasks: %lld of its tasks failed in a row, and %lld of these did "
        "well elsewhere, as ",
        a->worker, host, (long long)a->count, (long long)a->well);
    tf_task_name(s->campaign, a->stage, a->first, &text);
    incidents_begin_now(s->incidents, INCIDENT_SICK, a->worker, host, text.data);
    tf_buf_free(&text);
    s->sick++;
    transport_send(s->transport, a->worker, TAG_DRAIN, &(drain_message){.how = DRAIN_SICK}, sizeof(drain_message));
}

void sickness_hear(sickness *s, int rank, const drained_message *message) {
    const char *host = s->peers->peer[rank].host;
    tf_buf text = {0};
    tf_buf_addf(&text, "rank %d on %s is sick and gets no more tasks: %s", rank, host, message->why);
    incidents_begin_now(s->incidents, INCIDENT_SICK, rank, host, text.data);
    tf_buf_free(&text);
    s->sick++;
}

void sickness_say_slow(const sickness *s, const tf_action *a) {
    const char *host = s->peers->peer[a->worker].host;
    tf_buf text = {0};
    tf_buf_addf(&text, "rank %d on %s is slow: tasks of stage \"%s\" take %.0f times as long there as elsewhere",
                a->worker, host, s->campaign->stage[a->stage].name, a->times);
    incidents_begin_now(s->incidents, INCIDENT_SLOW, a->worker, host, text.data);
    tf_buf_free(&text);
}

int sickness_count(const sickness *s) {
    return s->sick;
}
