/* Resource classes: stages whose tasks need the same are one class, until some worker can't run those of one of them.
 */
#include "sched/state.h"

#include <stdlib.h>

/* Adds a class, which is to stand in `by_need` in its place. */
static int add_class(tf_sched *s, const tf_resources *need) {
    const int made = s->classes++;
    s->class = tf_realloc_array(s->class, (size_t)s->classes, sizeof *s->class);
    s->by_need = tf_realloc_array(s->by_need, (size_t)s->classes, sizeof *s->by_need);
    s->head = tf_realloc_array(s->head, (size_t)s->classes, sizeof *s->head);
    resource_class *class = &s->class[made];
    *class = (resource_class){.need = *need,
                              .retries = {.size = sizeof(retry), .before = retry_is_before},
                              .openable = {.size = sizeof(int), .before = opening_is_before}};
    class->need.slots = tf_resources_slots(need);
    int at = made;
    for (; at > 0 && stage_needs_more(&class->need, &s->class[s->by_need[at - 1]].need); at--)
        s->by_need[at] = s->by_need[at - 1];
    s->by_need[at] = made;
    return made;
}

int class_find(tf_sched *s, const tf_resources *need) {
    for (int c = 0; c < s->classes; c++)
        if (tf_resources_equal(&s->class[c].need, need))
            return c;
    return add_class(s, need);
}

static bool is_shared(const tf_sched *s, int stage_id) {
    for (int i = 0; i < s->stages; i++)
        if (i != stage_id && s->stage[i].class_id == s->stage[stage_id].class_id)
            return true;
    return false;
}

/* What the stage's tasks are to workers goes from its old class to the new one. */
static void move_workers(tf_sched *s, int stage_id, int from, int to) {
    for (worker *w = s->worker; w < s->worker + s->workers; w++) {
        if (!w->holds)
            continue;
        w->held_of_class = tf_realloc_array(w->held_of_class, (size_t)s->classes, sizeof *w->held_of_class);
        w->capacity = tf_realloc_array(w->capacity, (size_t)s->classes, sizeof *w->capacity);
        w->capacity[to] = w->capacity[from];
        w->held_of_class[to] = w->holds[stage_id].total;
        w->held_of_class[from] -= w->holds[stage_id].total;
    }
    s->class[to].capacity = s->class[from].capacity;
}

static void move_retries(tf_sched *s, int stage_id, int from, int to) {
    tf_heap all = s->class[from].retries;
    retry next;
    s->class[from].retries = (tf_heap){.size = all.size, .before = all.before};
    while (all.count > 0) {
        tf_heap_pop(&all, &next);
        tf_heap_add(&s->class[next.stage_id == stage_id ? to : from].retries, &next);
    }
    tf_heap_free(&all);
}

void class_split(tf_sched *s, int stage_id) {
    const int from = s->stage[stage_id].class_id;
    if (!is_shared(s, stage_id))
        return;
    const tf_resources need = s->class[from].need;
    const int to = add_class(s, &need);
    s->stage[stage_id].class_id = to;
    move_workers(s, stage_id, from, to);
    move_retries(s, stage_id, from, to);
}
