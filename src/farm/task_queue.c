/* Grants come in at one end, slots take from the other. Tasks that one call runs together may stand in several pieces,
 * where some of the call are not to be run. */
#include "farm/task_queue.h"

#include <stdlib.h>
#include <string.h>

static int64_t count_tasks(const piece *p) {
    return p->tasks.end - p->tasks.first;
}

static void make_room(task_queue *q) {
    if (q->count < q->capacity)
        return;
    q->capacity = q->capacity ? 2 * q->capacity : 16;
    q->piece = tf_realloc_array(q->piece, q->capacity, sizeof *q->piece);
}

static void insert(task_queue *q, size_t place, piece added) {
    make_room(q);
    memmove(q->piece + place + 1, q->piece + place, (q->count - place) * sizeof *q->piece);
    q->piece[place] = added;
    q->count++;
    q->tasks += count_tasks(&added);
}

void task_queue_add(task_queue *q, piece added) {
    insert(q, 0, added);
}

void task_queue_add_next(task_queue *q, piece added) {
    insert(q, q->count, added);
}

/* Adds those of the piece's tasks that come before `end`. */
static void add_tasks(tf_intervals *tasks, const piece *p, int64_t end) {
    tf_intervals_add(tasks, p->tasks.first, p->tasks.end < end ? p->tasks.end : end);
}

/* Is the other piece run together with this one, if that is run up to `end`? */
static bool goes_along(const piece *p, const piece *other, int64_t end) {
    return other->stage == p->stage && other->attempt == 1 && p->attempt == 1 && other->tasks.first >= p->tasks.first &&
           other->tasks.first < end;
}

tf_intervals task_queue_gather(const task_queue *q, size_t place, int64_t most, int64_t call) {
    const piece *p = &q->piece[place];
    const int64_t first = p->tasks.first;
    const int64_t end = most < p->tasks.end - first ? first + most : p->tasks.end;
    const int64_t last = (end + call - 1) / call * call;
    tf_intervals tasks = {0};
    add_tasks(&tasks, p, last);
    for (size_t other = place; call > 1 && other-- > 0;)
        if (goes_along(p, &q->piece[other], last))
            add_tasks(&tasks, &q->piece[other], last);
    return tasks;
}

void task_queue_take(task_queue *q, size_t place, int64_t end) {
    const piece p = q->piece[place];
    size_t kept = 0;
    for (size_t at = 0; at < q->count; at++) {
        piece *other = &q->piece[at];
        const int64_t first = other->tasks.first;
        if (other->stage == p.stage && other->attempt == p.attempt && first >= p.tasks.first && first < end)
            other->tasks.first = other->tasks.end < end ? other->tasks.end : end;
        q->tasks -= other->tasks.first - first;
        if (other->tasks.first < other->tasks.end)
            q->piece[kept++] = *other;
    }
    q->count = kept;
}

void task_queue_drop(task_queue *q, size_t place) {
    q->tasks -= count_tasks(&q->piece[place]);
    memmove(&q->piece[place], &q->piece[place + 1], (--q->count - place) * sizeof *q->piece);
}

bool task_queue_remove(task_queue *q, int stage, int64_t task, int *attempt) {
    for (size_t place = q->count; place-- > 0;) {
        piece *p = &q->piece[place];
        if (p->stage != stage || task < p->tasks.first || task >= p->tasks.end)
            continue;
        const piece behind = {.stage = stage, .attempt = p->attempt, .tasks = {task + 1, p->tasks.end}};
        *attempt = p->attempt;
        q->tasks -= p->tasks.end - task;
        p->tasks.end = task;
        if (p->tasks.first == p->tasks.end)
            task_queue_drop(q, place);
        if (behind.tasks.first < behind.tasks.end)
            insert(q, place, behind);
        return true;
    }
    return false;
}

void task_queue_clear(task_queue *q) {
    q->count = 0;
    q->tasks = 0;
}

void task_queue_free(task_queue *q) {
    free(q->piece);
    *q = (task_queue){0};
}
