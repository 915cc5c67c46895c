/* Signals that ask a rank to end, and the end that comes by itself when the rank does not. */
#ifndef TF_FARM_WATCHMAN_H
#define TF_FARM_WATCHMAN_H

#include <stdbool.h>

#include "spawner/client.h"

typedef struct watchman watchman;

/* From here on SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 are only counted, and SIGPIPE and SIGXFSZ fail calls instead of
 * ending the process. A while after the first signal, or after tf_now() has passed `end` (0: never), a second after a
 * second signal, the process ends with TF_ERR_STOPPED, whatever it is at. `grace`: s from the first signal for which
 * that may take longer. Each byte that can be read from `stop_with` counts as a signal, and so does its end if there
 * was no byte (NULL: there is no such descriptor). To be called before MPI has threads. */
watchman *watchman_begin(double end, double grace, const int *stop_with, tf_spawner *spawner);

typedef struct signal_seen {
    int number; /* or TF_FARM_CALLER; 0: there is none */
    int count;  /* of all that have come, with this one */
} signal_seen;

/* The next signal that has come. */
signal_seen watchman_next_signal(watchman *w);

/* The end has begun, in order: it may take a while longer. */
void watchman_let_end(watchman *w);

/* Nothing ends this process any more. `restore`: signals are taken as they were before. */
void watchman_end(watchman *w, bool restore);

#endif
