/* For how long something shows no sign of life: a process that may be stopped, a thread that may be in a call that does
 * not return, of a file system that is gone. */
#ifndef TF_BASE_STILLNESS_H
#define TF_BASE_STILLNESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

typedef struct tf_stillness {
    uint64_t signs; /* of life, as they were seen last */
    double looked;  /* when that was, by tf_now; 0: never */
    double seconds; /* for which they have not changed, without those in which nobody looked */
} tf_stillness;

/* Seconds between two looks, so that there are several within `limit` seconds; `longest` at most. */
double tf_stillness_interval(double limit, double longest);

/* Signs that have not changed are none of life. Looks are to come every `interval` seconds: after a longer pause it
 * can't be said that there could have been any, since all may have been stopped. Returns s->seconds. */
double tf_stillness_look(tf_stillness *s, uint64_t signs, double interval);

/* Where a thread's signs of life are seen. */
typedef struct tf_thread_life {
    char io[48];   /* the system counts there what it reads and writes */
    clockid_t cpu; /* its time at work */
} tf_thread_life;

/* Of the calling thread. */
tf_thread_life tf_thread_life_of_this(void);

/* What the thread reads and writes; `said`, which it counts up itself; and what it works out, if `counts_work`: not
 * where it may turn round and round to wait for others. Another thread may call this. It takes no lock and no memory.
 */
uint64_t tf_thread_signs(const tf_thread_life *life, uint64_t said, bool counts_work);

#endif
