/* What does a message cost the scheduler when there is nothing for most workers?
 *
 *     idle WORKERS GPUS
 *
 * Each worker has a slot, GPUS of them a GPU too; tasks without a GPU are done soon, those with one are a thousand for
 * each GPU. Prints the messages, each a report and what is granted then, and the microseconds that one takes. */
#include <stdio.h>
#include <stdlib.h>

#include "sched/sched.h"

typedef struct grant {
    int worker, stage;
    int64_t first, count;
} grant;

/* Grants that were not answered, in a ring: a worker has two at most. */
typedef struct mail {
    grant *item;
    size_t first, count, capacity;
} mail;

static bool take_grants(tf_sched *s, mail *m) {
    bool ended = false;
    for (tf_action a; tf_sched_next(s, 0, &a); ended = ended || a.kind == TF_ACTION_END)
        if (a.kind == TF_ACTION_GRANT)
            m->item[(m->first + m->count++) % m->capacity] = (grant){a.worker, a.stage, a.first, a.count};
    return ended;
}

int main(int argc, char **argv) {
    const double task = 0.1; /* s */
    if (argc != 3) {
        fprintf(stderr, "usage: idle WORKERS GPUS\n");
        return 2;
    }
    const int workers = atoi(argv[1]), gpus = atoi(argv[2]);
    const tf_sched_stage stages[] = {{.tasks = workers}, {.tasks = INT64_C(1000) * gpus, .need = {.gpus = 1}}};
    mail m = {.capacity = 16 * (size_t)workers};
    m.item = tf_alloc_array(m.capacity, sizeof *m.item);
    tf_sched *s = tf_sched_new(stages, 2);
    for (int w = 0; w < workers; w++)
        tf_sched_worker_up(s, w, (tf_resources){.slots = 1, .gpus = w < gpus});
    int64_t messages = 0;
    const double begun = tf_now();
    while (!take_grants(s, &m) && m.count > 0) {
        const grant g = m.item[m.first];
        m.first = (m.first + 1) % m.capacity;
        m.count--;
        tf_sched_report(s, g.worker, g.stage, g.first, g.count, 0, task * (double)g.count);
        messages++;
    }
    printf("%lld messages, %.2f us each\n", (long long)messages, 1e6 * (tf_now() - begun) / (double)messages);
    tf_sched_free(s);
    free(m.item);
    return 0;
}
