/* Signals that ask a rank to end, and the end that comes by itself: when the rank does not end, or is stuck. */
#ifndef TF_FARM_WATCHMAN_H
#define TF_FARM_WATCHMAN_H

#include <stdbool.h>

#include "spawner/client.h"

typedef struct watchman watchman;

/* From here on SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 are only counted, and SIGPIPE and SIGXFSZ fail calls instead of
 * ending the process. A while after the first signal, or after tf_now() has passed `end` (0: never), a second after a
 * second signal, the process ends with TF_ERR_STOPPED, whatever it is at. `grace`: s from the first signal for which
 * that may take longer. Each byte that can be read from `stop_with` counts as a signal, and so does its end if there
 * was no byte (NULL: there is no such descriptor). An exit status is written to `exit_to`, too (NULL: it is not). To be
 * called before MPI has threads. */
watchman *watchman_begin(double end, double grace, const int *stop_with, const int *exit_to, tf_spawner *spawner);

typedef struct signal_seen {
    int number; /* or TF_FARM_CALLER; 0: there is none */
    int count;  /* of all that have come, with this one */
} signal_seen;

/* The next signal that has come. */
signal_seen watchman_next_signal(watchman *w);

/* The rank waits for no other: as long as it runs, it lives. */
void watchman_know_alone(watchman *w);

/* From here on the rank is at this (a literal, a noun), and says so again, or what comes next, within `limit` seconds
 * in which its process was not stopped (INFINITY: something else has a limit). If it does not, the process ends as
 * above, and says why. */
void watchman_expect(watchman *w, const char *what, double limit);

/* If this process is stopped, or held by the kernel, for longer than that, s, what it has started is killed: others
 * have its tasks then. */
void watchman_guard_tasks(const watchman *w, double patience);

/* What the rank is at is going on. From any thread. */
void watchman_live(watchman *w);

/* What is known of the other ranks, to be added to the last words: behind a comma; "": nothing is. From one thread at a
 * time. */
void watchman_know(watchman *w, const char *words);

/* Ends the process with the status that it is to have now, in silence, from any thread; or after so many seconds,
 * whatever it is at, if it has not ended by then. */
_Noreturn void watchman_leave(const watchman *w);
void watchman_leave_within(watchman *w, double seconds);

/* The run is over: where the process is ended now it is with this exit status, and after these words, which are the
 * caller's (NULL: none). */
void watchman_conclude(watchman *w, int status, const char *words);

/* The end has begun, in order: it may take a while longer. */
void watchman_let_end(watchman *w);

/* Nothing ends this process any more. `restore`: signals are taken as they were before. */
void watchman_end(watchman *w, bool restore);

#endif
