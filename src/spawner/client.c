/* The rank's side of the spawner. */
#include "spawner/guard.h"
#include "spawner/hosts.h"
#include "spawner/pulse.h"
#include "spawner/spawner.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE 10.0 /* s that a rank waits for its spawner to end: a process that can't be killed may keep it */
#define TIDYING  2.0  /* s that its guard then has */

struct tf_spawner {
    tf_child child; /* the guard; the socket is to the spawner */
    int32_t epoch;  /* of the campaign */
    int32_t given;  /* of that which the spawner has got last */
    pulse *pulse;
    tf_stillness still; /* the spawner's */
    double patience;    /* s for which it may be still; 0: it may be for ever */
};

tf_spawner *tf_spawner_fork(const tf_function *program, tf_error *error) {
    tf_child forked;
    pulse *shared = pulse_new();
    if (!shared)
        tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_SYSTEM_LIMIT, "no shared memory: %s", strerror(errno));
    const pid_t pid = shared ? tf_child_fork(&forked, error) : -1;
    if (pid == 0)
        spawner_main(forked.socket, guard_fork(forked.socket), shared, program);
    if (pid < 0) {
        pulse_free(shared);
        tf_error_context(error, "the spawner");
        return NULL;
    }
    tf_spawner *spawner = tf_alloc(sizeof *spawner);
    *spawner = (tf_spawner){.child = forked, .given = -1, .pulse = shared};
    return spawner;
}

/* It stands still, in a file system that is gone as a rule: its guard does what is left to do, unless it stands still,
 * too. While they are there a launcher waits for what they might print. */
static void end_both(const tf_spawner *spawner) {
    const pid_t pid = __atomic_load_n(&spawner->pulse->pid, __ATOMIC_ACQUIRE);
    tf_say("the spawner stands still, and is killed; it may have left folders in %s", tf_temporary_folder());
    if (pid > 0)
        kill(pid, SIGKILL);
    if (!tf_child_ends_within(&spawner->child, TIDYING))
        kill(spawner->child.pid, SIGKILL);
}

void tf_spawner_close(tf_spawner *spawner) {
    if (!spawner)
        return;
    tf_spawner_wake(spawner);
    if (!tf_child_close(&spawner->child, PATIENCE))
        end_both(spawner);
    pulse_free(spawner->pulse);
    free(spawner);
}

void tf_spawner_watch(const tf_spawner *spawner, double patience) {
    if (!spawner)
        return;
    pulse_beat(&spawner->pulse->rank);
    __atomic_store(&spawner->pulse->patience, &patience, __ATOMIC_RELEASE);
}

double tf_spawner_beats(const tf_spawner *spawner) {
    return pulse_interval(spawner ? spawner->pulse->patience : 0);
}

void tf_spawner_beat(const tf_spawner *spawner) {
    if (spawner)
        pulse_beat(&spawner->pulse->rank);
}

void tf_spawner_part(const tf_spawner *spawner) {
    if (spawner)
        __atomic_store_n(&spawner->pulse->ended, 1, __ATOMIC_RELEASE);
}

void tf_spawner_wake(const tf_spawner *spawner) {
    if (spawner)
        kill(-spawner->child.pid, SIGCONT); /* the guard and it are one group */
}

void tf_spawner_expect(tf_spawner *spawner, double patience) {
    spawner->still = (tf_stillness){0};
    spawner->patience = patience;
}

double tf_spawner_still(tf_spawner *spawner, pid_t *pid) {
    const double interval = pulse_interval(spawner->patience);
    *pid = __atomic_load_n(&spawner->pulse->pid, __ATOMIC_ACQUIRE);
    if (spawner->patience <= 0 || *pid == 0 || tf_now() < spawner->still.looked + interval)
        return 0;
    const double seconds = pulse_feel(&spawner->still, &spawner->pulse->spawner, interval);
    if (seconds <= spawner->patience)
        return 0;
    kill(*pid, SIGKILL);
    return seconds;
}

int tf_spawner_socket(const tf_spawner *spawner) {
    return spawner->child.socket;
}

void tf_spawner_begin(tf_spawner *spawner) {
    spawner->epoch++;
}

tf_err tf_spawner_send_campaign(tf_spawner *spawner, const tf_buf *bundle, tf_error *error) {
    if (spawner->given == spawner->epoch)
        return TF_OK;
    int fd = tf_memory_file("taskfarm-campaign", bundle);
    if (fd < 0)
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_SYSTEM_LIMIT, "no memory for the campaign: %s",
                               strerror(errno));
    spawner_message message = {.kind = SPAWNER_CAMPAIGN, .epoch = spawner->epoch, .size = (int64_t)bundle->length};
    tf_err err = spawner_send(spawner->child.socket, &message, &fd, 1, error);
    close(fd);
    if (err == TF_OK)
        spawner->given = spawner->epoch;
    return err;
}

tf_err tf_spawner_warm(tf_spawner *spawner, const tf_buf *bundle, int stage, tf_error *error) {
    spawner_message message = {.kind = SPAWNER_WARM, .epoch = spawner->epoch, .stage = stage};
    const tf_err err = tf_spawner_send_campaign(spawner, bundle, error);
    return err == TF_OK ? spawner_send(spawner->child.socket, &message, NULL, 0, error) : err;
}

tf_err tf_spawner_give_library(tf_spawner *spawner, int stage, int fd, tf_error *error) {
    spawner_message message = {.kind = SPAWNER_LIBRARY, .epoch = spawner->epoch, .stage = stage};
    return spawner_send(spawner->child.socket, &message, &fd, 1, error);
}

tf_err tf_spawner_send_lock(tf_spawner *spawner, int lock, tf_error *error) {
    spawner_message message = {.kind = SPAWNER_LOCK, .epoch = spawner->epoch};
    return spawner_send(spawner->child.socket, &message, &lock, 1, error);
}

tf_err tf_spawner_end_run(tf_spawner *spawner, tf_error *error) {
    spawner_message message = {.kind = SPAWNER_OVER, .epoch = spawner->epoch};
    return spawner_send(spawner->child.socket, &message, NULL, 0, error);
}

tf_err tf_spawner_start_host(tf_spawner *spawner, int rank, int slot, int life, const int fds[SPAWNER_FDS],
                             tf_error *error) {
    spawner_message message = {
        .kind = SPAWNER_START, .epoch = spawner->epoch, .rank = rank, .slot = slot, .life = life};
    return spawner_send(spawner->child.socket, &message, fds, SPAWNER_FDS, error);
}

tf_err tf_spawner_kill_host(tf_spawner *spawner, int slot, tf_error *error) {
    spawner_message message = {.kind = SPAWNER_KILL, .epoch = spawner->epoch, .slot = slot};
    return spawner_send(spawner->child.socket, &message, NULL, 0, error);
}

int tf_spawner_next_ended(tf_spawner *spawner, spawner_message *ended) {
    int fds[SPAWNER_FDS], got;
    do
        got = spawner_receive(spawner->child.socket, ended, fds, MSG_DONTWAIT);
    while (got > 0 && ended->epoch != spawner->epoch);
    return got;
}
