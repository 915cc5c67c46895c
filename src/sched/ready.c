/* The tasks of a stage that can be handed out: a priority queue of levels, each a set of intervals. */
#include "sched/state.h"

#include <stdlib.h>
#include <string.h>

static level_queue *insert_level(stage *st, int at, int level) {
    if (st->queues == st->capacity) {
        st->capacity = st->capacity ? 2 * st->capacity : 4;
        st->queue = tf_realloc_array(st->queue, (size_t)st->capacity, sizeof *st->queue);
    }
    memmove(st->queue + at + 1, st->queue + at, (size_t)(st->queues - at) * sizeof *st->queue);
    st->queue[at] = (level_queue){.level = level};
    st->queues++;
    return &st->queue[at];
}

static level_queue *find_level(stage *st, int level) {
    int at = st->queues;
    while (at > 0 && st->queue[at - 1].level > level)
        at--;
    if (at > 0 && st->queue[at - 1].level == level)
        return &st->queue[at - 1];
    return insert_level(st, at, level);
}

void ready_add(stage *st, int level, int64_t first, int64_t end) {
    tf_intervals_add(&find_level(st, level)->tasks, first, end);
    st->ready += end - first;
}

tf_interval ready_pop(stage *st, int64_t most) {
    level_queue *top = &st->queue[st->queues - 1];
    const int64_t first = top->tasks.items[0].first;
    tf_interval run = tf_intervals_pop(&top->tasks, stage_round_up(st, first + most) - first);
    st->ready -= run.end - run.first;
    if (top->tasks.total == 0) {
        tf_intervals_free(&top->tasks);
        st->queues--;
    }
    return run;
}

int64_t ready_first(const stage *st) {
    return st->queue[st->queues - 1].tasks.items[0].first;
}

int ready_level(const stage *st) {
    return st->queue[st->queues - 1].level;
}

void ready_free(stage *st) {
    for (int q = 0; q < st->queues; q++)
        tf_intervals_free(&st->queue[q].tasks);
    free(st->queue);
}
