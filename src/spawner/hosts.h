/* The spawner, as slots use it: hosts are started and killed, and their ends are told.
 *
 * Process: the rank. Must survive the end of any host. */
#ifndef TF_SPAWNER_HOSTS_H
#define TF_SPAWNER_HOSTS_H

#include "spawner/client.h"
#include "spawner/message.h"

/* Readable when the spawner says something. */
int tf_spawner_socket(const tf_spawner *spawner);

/* Gives the spawner what its hosts need: the campaign as a bundle, if it has not got it, and the rank's lock on the
 * output, which they hold with it. Bundle and lock stay the caller's. */
tf_err tf_spawner_send_campaign(tf_spawner *spawner, const tf_buf *bundle, tf_error *error);
tf_err tf_spawner_send_lock(tf_spawner *spawner, int lock, tf_error *error);

/* Starts a host for a slot, the slot's `life`-th; `fds` are its socket and buffers, which stay the caller's. */
tf_err tf_spawner_start_host(tf_spawner *spawner, int rank, int slot, int life, const int fds[SPAWNER_FDS],
                             tf_error *error);

/* Kills the host of a slot. Its end is told as any other. */
tf_err tf_spawner_kill_host(tf_spawner *spawner, int slot, tf_error *error);

/* The run is over: idle hosts leave by themselves, busy ones are killed. */
tf_err tf_spawner_end_run(tf_spawner *spawner, tf_error *error);

/* Has it stood still for longer than was expected? Then it is killed, and its guard kills what it has started: the
 * spawner is gone. Returns for how many seconds it has; 0: it has not. `*pid` is its process. */
double tf_spawner_still(tf_spawner *spawner, pid_t *pid);

/* 1 with the slot, life and wait status of a host of this campaign that has ended; -1 if none has just now; 0 if the
 * spawner itself is gone. */
int tf_spawner_next_ended(tf_spawner *spawner, spawner_message *ended);

#endif
