/* A worker's tasks that wait for a slot: pieces, in the order in which they are to be begun. */
#ifndef TF_FARM_TASK_QUEUE_H
#define TF_FARM_TASK_QUEUE_H

#include "base/base.h"

/* Consecutive tasks of a grant that have not been begun. */
typedef struct piece {
    int stage;
    int attempt;
    tf_interval tasks;
} piece;

/* All zeros is empty. */
typedef struct task_queue {
    piece *piece; /* in reverse: the next one is the last */
    size_t count, capacity;
    int64_t tasks; /* in all of them */
} task_queue;

/* Adds a piece behind all others; or before them. */
void task_queue_add(task_queue *q, piece added);
void task_queue_add_next(task_queue *q, piece added);

/* What is to be a batch of at most so many tasks: a part of the piece at `place`, and of those behind it what the same
 * calls run, of `call` tasks each. To be freed. */
tf_intervals task_queue_gather(const task_queue *q, size_t place, int64_t most, int64_t call);

/* Takes out those tasks that come before `end`, of the piece and of those that go along with it. */
void task_queue_take(task_queue *q, size_t place, int64_t end);

/* Takes out the task, if it is there, and says which attempt it was to have. */
bool task_queue_remove(task_queue *q, int stage, int64_t task, int *attempt);

void task_queue_drop(task_queue *q, size_t place);
void task_queue_clear(task_queue *q);
void task_queue_free(task_queue *q);

#endif
