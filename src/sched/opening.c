/* Which stages are open, and which may be opened next. Nothing here looks at all stages, but when the scheduler is
 * made: there may be 10^5 of them. */
#include "sched/state.h"

#include <stdlib.h>
#include <string.h>

bool opening_is_before(const void *a, const void *b) {
    return *(const int *)a < *(const int *)b;
}

static bool may_be_opened(const stage *st) {
    return st->missing == 0 && !st->laid_out && !st->closed;
}

static bool has_work(const stage *st) {
    return st->ready > 0 || st->spec.awaits_cut;
}

/* ---- Stages that can be opened ---- */

static void add_openable(tf_sched *s, int stage_id) {
    tf_heap_add(&s->openable, &stage_id);
    if (has_work(&s->stage[stage_id]))
        opening_has_work(s, stage_id);
}

void opening_has_work(tf_sched *s, int stage_id) {
    const stage *st = &s->stage[stage_id];
    if (may_be_opened(st))
        tf_heap_add(&s->class[st->class_id].openable, &stage_id);
}

/* The first of a heap; those that have been opened since are dropped. -1: there is none. */
static int first_openable(const tf_sched *s, tf_heap *heap) {
    while (heap->count > 0) {
        int stage_id = *(const int *)(const void *)heap->items;
        if (may_be_opened(&s->stage[stage_id]))
            return stage_id;
        tf_heap_pop(heap, &stage_id);
    }
    return -1;
}

/* Do the open stages have less work of the class than workers could run at once? */
static bool is_short_of_work(const tf_sched *s, int class_id) {
    int64_t ready = 0;
    for (int n = 0; n < s->opens && ready < s->class[class_id].capacity; n++)
        if (s->stage[s->open[n]].class_id == class_id)
            ready += s->stage[s->open[n]].ready;
    return ready < s->class[class_id].capacity;
}

int opening_next(tf_sched *s) {
    if (s->opens < MOST_OPEN)
        return first_openable(s, &s->openable);
    int first = -1;
    for (int c = 0; c < s->classes; c++) {
        const int stage_id = first_openable(s, &s->class[c].openable);
        if (stage_id >= 0 && (first < 0 || stage_id < first) && is_short_of_work(s, c))
            first = stage_id;
    }
    return first;
}

/* ---- Stages that are open ---- */

/* The place of the first open stage whose number is not lower. */
static int place_of(const tf_sched *s, int stage_id) {
    int low = 0, high = s->opens;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (s->open[middle] < stage_id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void opening_open(tf_sched *s, int stage_id) {
    const int at = place_of(s, stage_id);
    memmove(s->open + at + 1, s->open + at, (size_t)(s->opens - at) * sizeof *s->open);
    s->open[at] = stage_id;
    s->opens++;
    s->waiting_stages--;
    s->stage[stage_id].laid_out = true;
}

/* Closes a stage that waits, and those that come after it. */
static void give_up(tf_sched *s, int stage_id) {
    int *list = tf_alloc_array((size_t)s->stages, sizeof *list), count = 0;
    list[count++] = stage_id;
    while (count > 0) {
        const int id = list[--count];
        for (int n = s->first_later[id]; n < s->first_later[id + 1]; n++) {
            stage *later = &s->stage[s->later[n]];
            if (later->laid_out || later->closed)
                continue;
            later->closed = true;
            s->waiting_stages--;
            s->closed_stages++;
            list[count++] = s->later[n];
        }
    }
    free(list);
}

static void let_later_begin(tf_sched *s, int stage_id) {
    for (int n = s->first_later[stage_id]; n < s->first_later[stage_id + 1]; n++)
        if (--s->stage[s->later[n]].missing == 0 && may_be_opened(&s->stage[s->later[n]]))
            add_openable(s, s->later[n]);
}

void opening_close(tf_sched *s, int stage_id, bool finished) {
    stage *st = &s->stage[stage_id];
    const int at = place_of(s, stage_id);
    memmove(s->open + at, s->open + at + 1, (size_t)(s->opens - at - 1) * sizeof *s->open);
    s->opens--;
    st->finished = finished;
    st->closed = !finished;
    s->closed_stages += !finished;
    free(st->pace);
    st->pace = NULL;
    st->paces = 0; /* nothing more comes */
    s->speculative -= st->watch != NULL;
    watch_free(st->watch);
    st->watch = NULL;
    if (finished)
        let_later_begin(s, stage_id);
    else
        give_up(s, stage_id);
}

/* ---- The beginning and the end ---- */

/* Which stages come after each. While the lists are filled, first_later[i + 1] is where the next of i goes. */
static void list_later(tf_sched *s) {
    s->first_later = tf_alloc_array((size_t)s->stages + 2, sizeof *s->first_later);
    int total = 0;
    for (int i = 0; i < s->stages; i++)
        for (int a = 0; a < s->stage[i].spec.afters; a++, total++)
            s->first_later[s->stage[i].spec.after[a] + 2]++;
    for (int i = 2; i <= s->stages; i++)
        s->first_later[i] += s->first_later[i - 1];
    s->later = tf_alloc_array((size_t)total, sizeof *s->later);
    for (int i = 0; i < s->stages; i++)
        for (int a = 0; a < s->stage[i].spec.afters; a++)
            s->later[s->first_later[s->stage[i].spec.after[a] + 1]++] = i;
}

void opening_begin(tf_sched *s) {
    list_later(s);
    s->open = tf_alloc_array((size_t)s->stages, sizeof *s->open);
    s->openable = (tf_heap){.size = sizeof(int), .before = opening_is_before};
    for (int i = 0; i < s->stages; i++) {
        stage *st = &s->stage[i];
        for (int a = 0; a < st->spec.afters; a++)
            st->missing += !s->stage[st->spec.after[a]].finished;
        s->waiting_stages += !st->finished;
    }
    for (int i = 0; i < s->stages; i++) {
        stage *st = &s->stage[i];
        const bool has_nothing =
            st->spec.withheld > 0 && st->ready + st->retrying + st->blocked + st->spec.adopted == 0;
        if (!st->finished && !st->closed && has_nothing) {
            st->closed = true;
            s->waiting_stages--;
            s->closed_stages++;
            give_up(s, i);
        }
    }
    for (int i = 0; i < s->stages; i++)
        if (may_be_opened(&s->stage[i]))
            add_openable(s, i);
}

void opening_end(tf_sched *s) {
    tf_heap_free(&s->openable);
    for (int c = 0; c < s->classes; c++)
        tf_heap_free(&s->class[c].openable);
    free(s->open);
    free(s->first_later);
    free(s->later);
}
