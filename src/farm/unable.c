/* A stage is stopped when the scheduler finds that no worker could run it. Of several reasons the last one is told. */
#include "farm/unable.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is known of a stage. */
typedef struct refusal {
    int workers;  /* that can't run it */
    bool is_sick; /* the last of them since its machine lacks what it takes */
    tf_farm_stop why;
} refusal;

struct unables {
    const tf_campaign *campaign;
    tf_sched *sched;
    const output *output;
    refusal **refusal; /* per stage; NULL: all workers run it, as far as is known */
    int refusals;      /* stages that have one */
    tf_farm_stop *stop;
    int stops;
};

unables *unables_new(const tf_campaign *campaign, tf_sched *sched, const output *o) {
    unables *u = tf_alloc(sizeof *u);
    *u = (unables){.campaign = campaign, .sched = sched, .output = o};
    u->refusal = tf_alloc_array((size_t)campaign->stages, sizeof *u->refusal);
    return u;
}

void unables_free(unables *u) {
    if (!u)
        return;
    for (int s = 0; s < u->campaign->stages; s++)
        free(u->refusal[s]);
    free(u->refusal);
    free(u->stop);
    free(u);
}

/* The first line of the reason, and the last, which of an interpreter's is the one that says it. */
static void add_short(const char *why, tf_buf *out) {
    const size_t first = strcspn(why, "\n");
    size_t end = strlen(why);
    while (end > first && why[end - 1] == '\n')
        end--;
    size_t last = end;
    while (last > first && why[last - 1] != '\n')
        last--;
    tf_buf_add(out, why, first);
    if (last > first)
        tf_buf_addf(out, "; %.*s", (int)(end - last), why + last);
}

void unables_hear(unables *u, int rank, const char *host, const unable_message *m, double now, tf_buf *warning) {
    enum { MOST_WARNINGS = 3 };
    if (!tf_sched_unable(u->sched, rank, m->stage, m->first, m->count, m->attempt, now) || !*m->why)
        return;
    refusal **place = &u->refusal[m->stage];
    if (!*place) {
        *place = tf_alloc(sizeof **place);
        **place = (refusal){.why.stage = m->stage};
        u->refusals++;
    }
    _Static_assert(sizeof(*place)->why.why == sizeof m->why, "a reason is as long as its message");
    memcpy((*place)->why.why, m->why, sizeof m->why);
    (*place)->is_sick = m->is_sick;
    if ((++(*place)->workers > MOST_WARNINGS || tf_sched_is_unable(u->sched, m->stage)) && !m->is_sick)
        return;
    tf_buf_addf(warning, "rank %d on %s gets no more tasks of stage \"%s\": ", rank, host,
                u->campaign->stage[m->stage].name);
    add_short(m->why, warning);
}

static void stop(unables *u, int stage) {
    const tf_farm_stop *why = &u->refusal[stage]->why;
    tf_sched_give_up(u->sched, stage);
    u->stop = tf_realloc_array(u->stop, (size_t)u->stops + 1, sizeof *u->stop);
    u->stop[u->stops++] = *why;
    u->output->note_stop(u->output->context, stage, why->why);
}

bool unables_stop(unables *u, bool *is_sick) {
    const int before = u->stops;
    *is_sick = false;
    for (int s = 0; s < u->campaign->stages && u->refusals > u->stops; s++) {
        if (!u->refusal[s] || !tf_sched_is_unable(u->sched, s) || tf_sched_stage_counts(u->sched, s).pending == 0)
            continue;
        if (u->refusal[s]->is_sick)
            *is_sick = true;
        else
            stop(u, s);
    }
    return u->stops > before;
}

const tf_farm_stop *unables_stopped(const unables *u, int *count) {
    *count = u->stops;
    return u->stop;
}
