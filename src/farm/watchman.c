/* Signals are blocked and read from a descriptor, so that they interrupt nothing. The rank's loop reads them; but it
 * may be in a call that does not return, of MPI, of HDF5 or of a file system that is gone. So a thread of its own, the
 * watchman, reads them as well, and ends the process when its time is over, or when the rank has been at the same thing
 * for too long: what is in the file is as safe then as after kill -9, and the exit status says that the run is to be
 * gone on with. The watchman calls neither MPI nor HDF5, and takes no lock that the rank may hold. */
#include "farm/watchman.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/stillness.h"
#include "farm/blocked.h"
#include "farm/farm.h"

/* How long a rank may take, in seconds, before its process is ended. */
#define PATIENCE 10.0 /* until an end in order begins, beyond the grace */
#define AT_ONCE  1.0  /* until it begins, after a second signal */
#define OVERTIME 3.0  /* until it begins, after the time of the whole run */
#define ENDING   5.0  /* from its beginning until all is over */

static const int asking[] = {SIGTERM, SIGINT, SIGUSR1, SIGUSR2};
static const int failing[] = {SIGPIPE, SIGXFSZ};
enum { ASKING = sizeof asking / sizeof *asking, FAILING = sizeof failing / sizeof *failing };

struct watchman {
    int fd;        /* signals are read from it */
    int stop;      /* who started the run asks by it; -1: nobody does, or does any more */
    bool is_asked; /* a byte has come there */
    int exit_to;   /* an exit status is written there; -1: it is not */
    int wake;      /* wakes the watchman */
    bool watched;
    pthread_t thread;
    tf_spawner *spawner;
    int rank;            /* as the launcher has it */
    int own;             /* the rank's thread: gettid */
    tf_thread_life life; /* of that thread */
    tf_stillness still;
    bool is_alone; /* atomic: no other rank is waited for */
    double grace, end;
    int passed_on; /* signals that watchman_next_signal has given out */
    /* Atomic. */
    int count, last; /* signals so far, and the last one's number */
    bool ending, over;
    int status;         /* of the process, if it is ended; -1: the run is to be gone on with */
    const char *words;  /* once there is a status; NULL: none */
    const char *what;   /* the rank is at */
    char known[2][300]; /* of the other ranks: the last words that were known, and those before */
    int newest;         /* which of the two are the last */
    double limit;       /* s that it may take */
    double rest;        /* tf_now() by which the process is to have ended; INFINITY: it is not to end */
    unsigned beats;     /* how often it has said so */
    /* As they were before. */
    sigset_t mask;
    struct sigaction action[ASKING], failed[FAILING];
};

/* ---- The watchman ---- */

static void count_one(watchman *w, int number) {
    __atomic_store_n(&w->last, number, __ATOMIC_RELAXED);
    __atomic_add_fetch(&w->count, 1, __ATOMIC_RELEASE);
}

/* There is something to be read, or the end, which asks for no more than was asked for before. To be called by the
 * watchman alone. */
static void hear_caller(watchman *w) {
    char byte;
    const ssize_t got = read(w->stop, &byte, 1);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got > 0 || !w->is_asked)
        count_one(w, TF_FARM_CALLER);
    w->is_asked = true;
    if (got <= 0)
        w->stop = -1;
}

static void read_signals(watchman *w) {
    struct signalfd_siginfo info;
    while (read(w->fd, &info, sizeof info) == (ssize_t)sizeof info) {
        count_one(w, (int)info.ssi_signo);
    }
}

/* Else the rank may be stuck since nobody reads what it says. */
static bool is_read(void) {
    const int patience = 1000; /* ms */
    struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&err, 1, patience) > 0 && (err.revents & POLLOUT);
}

/* The last words. `what`: the rank is stuck at it; NULL: it was asked to end. */
static void say_why(const watchman *w, const char *what, int status) {
    char why[800], host[64] = "", call[BLOCKED_TEXT];
    gethostname(host, sizeof host - 1);
    const char *known = w->known[__atomic_load_n(&w->newest, __ATOMIC_ACQUIRE)];
    if (what) {
        const bool is_alone = __atomic_load_n(&w->is_alone, __ATOMIC_RELAXED);
        const int length = is_alone ? 0 : snprintf(why, sizeof why, "rank %d on %s: ", w->rank, host);
        blocked_find(w->own, call);
        snprintf(why + length, sizeof why - (size_t)length,
                 "%s takes longer than %g s without a sign of life%s%s%s%s, and is not waited for any longer "
                 "(--patience makes that longer)",
                 what, w->limit, *call ? " (it is in " : "", call, *call ? ")" : "", known);
    } else {
        snprintf(why, sizeof why, "ended without waiting any longer%s", known);
    }
    if (status >= 0 && w->words)
        tf_say("%s", w->words);
    tf_say("%s%s", why, status >= 0 ? "" : "; what is in the output is safe, and the same command line goes on");
}

static void end_children(const watchman *w) {
    tf_spawner_part(w->spawner); /* a call that does not return may keep the process, and its sockets, for long */
    tf_spawner_wake(w->spawner);
}

void watchman_leave(const watchman *w) {
    const int status = __atomic_load_n(&w->status, __ATOMIC_ACQUIRE);
    const int last = status >= 0 ? status : TF_ERR_STOPPED;
    end_children(w);
    tf_note_exit(w->exit_to, last);
    _exit(last);
}

static void end_process(const watchman *w, const char *what) {
    end_children(w);
    if (is_read())
        say_why(w, what, __atomic_load_n(&w->status, __ATOMIC_ACQUIRE));
    watchman_leave(w);
}

/* Seconds between two looks at the rank. */
static double interval_of(const watchman *w, double limit) {
    const double shortest = 0.05;
    return fmax(shortest, tf_stillness_interval(limit, tf_spawner_beats(w->spawner)));
}

/* A large row may be a single call, whose bytes the system counts while it goes on. And who works something out is
 * alive; but MPI turns round and round where it waits for other ranks. */
static void look_at_rank(watchman *w) {
    double limit;
    __atomic_load(&w->limit, &limit, __ATOMIC_RELAXED);
    const uint64_t signs = tf_thread_signs(&w->life, __atomic_load_n(&w->beats, __ATOMIC_ACQUIRE),
                                           __atomic_load_n(&w->is_alone, __ATOMIC_RELAXED));
    if (tf_stillness_look(&w->still, signs, interval_of(w, limit)) > limit)
        end_process(w, __atomic_load_n(&w->what, __ATOMIC_RELAXED));
}

/* Seconds until the process is ended, whatever it is at. `asked`: when an end in order must have begun, since signals
 * ask for it. The time of the whole run is meant for all of it: who has given it ends what is late. */
static double time_left(const watchman *w, double asked, double now) {
    const bool ending = __atomic_load_n(&w->ending, __ATOMIC_ACQUIRE);
    const double by_time = w->end > 0 ? w->end + (ending ? PATIENCE + ENDING : OVERTIME) : INFINITY;
    double rest;
    __atomic_load(&w->rest, &rest, __ATOMIC_ACQUIRE);
    return fmin(fmin(by_time, asked + (ending ? ENDING : 0)), rest) - now;
}

static void *keep_watch(void *context) {
    watchman *w = context;
    double asked = INFINITY;
    int seen = 0;
    while (!__atomic_load_n(&w->over, __ATOMIC_ACQUIRE)) {
        read_signals(w);
        const int count = __atomic_load_n(&w->count, __ATOMIC_ACQUIRE);
        const double now = tf_now();
        if (count > seen)
            asked = fmin(asked, now + (count > 1 ? AT_ONCE : w->grace + PATIENCE));
        seen = count;
        const double left = time_left(w, asked, now);
        if (left <= 0)
            end_process(w, NULL);
        look_at_rank(w);
        tf_spawner_beat(w->spawner);
        struct pollfd heard[] = {{w->fd, POLLIN, 0}, {w->wake, POLLIN, 0}, {w->stop, POLLIN, 0}};
        double limit;
        __atomic_load(&w->limit, &limit, __ATOMIC_RELAXED);
        poll(heard, 3, (int)ceil(1e3 * fmin(left, interval_of(w, limit))));
        if (heard[2].revents)
            hear_caller(w);
        uint64_t ignored;
        if (heard[1].revents && read(w->wake, &ignored, sizeof ignored) < 0)
            continue;
    }
    return NULL;
}

static void wake(const watchman *w) {
    const uint64_t one = 1;
    while (write(w->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* ---- The rank's side ---- */

/* Threads that MPI had before do not block these signals: one that gets such a signal passes it on to the main thread,
 * whose number is the process's. */
static void pass_to_main(int number) {
    const int error = errno;
    if (gettid() != getpid())
        syscall(SYS_tgkill, getpid(), getpid(), number);
    errno = error;
}

watchman *watchman_begin(double end, double grace, const int *stop_with, const int *exit_to, tf_spawner *spawner) {
    watchman *w = tf_alloc(sizeof *w);
    *w = (watchman){.stop = stop_with ? *stop_with : -1,
                    .exit_to = exit_to ? *exit_to : -1,
                    .end = end,
                    .grace = grace,
                    .spawner = spawner,
                    .rank = tf_launch_rank(),
                    .own = gettid(),
                    .life = tf_thread_life_of_this(),
                    .status = -1,
                    .what = "the start",
                    .limit = INFINITY,
                    .rest = INFINITY};
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < ASKING; i++) {
        struct sigaction passing = {.sa_handler = pass_to_main, .sa_flags = SA_RESTART};
        sigaddset(&set, asking[i]);
        sigaction(asking[i], &passing, &w->action[i]);
    }
    for (int i = 0; i < FAILING; i++)
        sigaction(failing[i], &(struct sigaction){.sa_handler = SIG_IGN}, &w->failed[i]);
    sigprocmask(SIG_BLOCK, &set, &w->mask);
    w->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    w->watched = w->fd >= 0 && w->wake >= 0 && pthread_create(&w->thread, NULL, keep_watch, w) == 0;
    return w;
}

signal_seen watchman_next_signal(watchman *w) {
    read_signals(w); /* those that were passed on come to this thread alone */
    if (w->passed_on == __atomic_load_n(&w->count, __ATOMIC_ACQUIRE))
        return (signal_seen){0};
    const signal_seen next = {.number = __atomic_load_n(&w->last, __ATOMIC_RELAXED), .count = ++w->passed_on};
    wake(w);
    return next;
}

void watchman_know_alone(watchman *w) {
    __atomic_store_n(&w->is_alone, true, __ATOMIC_RELAXED);
}

void watchman_expect(watchman *w, const char *what, double limit) {
    if (!w)
        return;
    __atomic_store_n(&w->what, what, __ATOMIC_RELAXED);
    __atomic_store(&w->limit, &limit, __ATOMIC_RELAXED);
    watchman_live(w);
}

void watchman_guard_tasks(const watchman *w, double patience) {
    if (w->watched)
        tf_spawner_watch(w->spawner, patience);
}

void watchman_live(watchman *w) {
    __atomic_add_fetch(&w->beats, 1, __ATOMIC_RELEASE);
}

/* The watchman may be reading what was known before. */
void watchman_know(watchman *w, const char *words) {
    if (strcmp(words, w->known[w->newest]) == 0)
        return;
    snprintf(w->known[!w->newest], sizeof *w->known, "%s", words);
    __atomic_store_n(&w->newest, !w->newest, __ATOMIC_RELEASE);
}

void watchman_leave_within(watchman *w, double seconds) {
    double rest = tf_now() + seconds;
    __atomic_store(&w->rest, &rest, __ATOMIC_RELEASE);
    wake(w);
}

void watchman_conclude(watchman *w, int status, const char *words) {
    w->words = words;
    __atomic_store_n(&w->status, status, __ATOMIC_RELEASE);
}

void watchman_let_end(watchman *w) {
    __atomic_store_n(&w->ending, true, __ATOMIC_RELEASE);
}

void watchman_end(watchman *w, bool restore) {
    __atomic_store_n(&w->over, true, __ATOMIC_RELEASE);
    wake(w);
    watchman_guard_tasks(w, 0);
    if (w->watched)
        pthread_join(w->thread, NULL);
    close(w->fd);
    close(w->wake);
    for (int i = 0; i < FAILING && restore; i++)
        sigaction(failing[i], &w->failed[i], NULL);
    for (int i = 0; i < ASKING && restore; i++)
        sigaction(asking[i], &w->action[i], NULL);
    if (restore)
        sigprocmask(SIG_SETMASK, &w->mask, NULL);
    free(w);
}
