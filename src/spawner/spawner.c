/* The spawner: forked before MPI_Init, it forks hosts on demand and says how they ended. It is a child of the rank that
 * has never seen MPI, so that fork in a process with MPI's threads and memory registrations never happens.
 *
 * It lives in a process group of its own, out of reach of the terminal's signals, and is the subreaper of all that
 * tasks leave behind. When a host has ended, what it ran is killed; when the rank is gone, all that is under way is, at
 * once, and when it has stood still for so long that others may have its tasks (pulse.h). Guard, spawner and hosts hold
 * the rank's lock on the output: the next run begins when the last of them is gone.
 * If the spawner itself is killed its guard does what is left to do (guard.c). */
#include "spawner/spawner.h"

#include "base/children.h"
#include "host/host.h"
#include "spawner/guard.h"
#include "spawner/message.h"
#include "spawner/pulse.h"
#include "spawner/warm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct child {
    pid_t pid;
    int slot, life;
    int stages;        /* of its campaign */
    bool is_innocent;  /* it is ended since the rank stands still */
    host_state *state; /* shared with it: what it runs */
} child;

enum { SOCKET, SIGNALS, GUARD, FIRST_WARM }; /* places in what is polled */

typedef struct parent {
    int socket;   /* to the rank */
    int guard;    /* to the guard */
    int signals;  /* a signalfd for SIGCHLD */
    pulse *pulse; /* shared with the rank */
    tf_stillness rank;
    int lock;      /* the rank's, on the output; -1: none */
    int32_t epoch; /* of the campaign */
    bool over;     /* the campaign is over: the rank is told of no further ends */
    tf_campaign *campaign;
    host_setting setting; /* of the hosts */
    warm_parents warm;
    struct pollfd *polled; /* socket, signals and guard; then the warm parents */
    child *child;
    int children;
} parent;

static void open_campaign(parent *s, int fd, size_t size) {
    void *bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED)
        _exit(TF_ERR_RUN);
    const char *workdir = tf_bundle_workdir(bytes, size);
    if (!workdir || chdir(workdir) != 0)
        _exit(TF_ERR_RUN);
    s->campaign = tf_campaign_unbundle(bytes, size);
    munmap(bytes, size);
    if (!s->campaign)
        _exit(TF_ERR_RUN);
    s->setting.campaign = s->campaign;
    scratch_open(s->campaign, &s->setting.scratch);
    guard_give(s->guard, SPAWNER_SCRATCH, s->setting.scratch.fd);
    staging_open(s->campaign, &s->setting.staging);
    warm_open(&s->warm, &s->setting);
    s->polled = tf_realloc_array(s->polled, FIRST_WARM + (size_t)s->warm.count, sizeof *s->polled);
}

static void add_library(host_setting *setting, int stage, int fd) {
    setting->library = tf_realloc_array(setting->library, (size_t)setting->libraries + 1, sizeof *setting->library);
    setting->library[setting->libraries++] = (memory_library){.stage = stage, .fd = fd};
}

static void replace_lock(parent *s, int fd) {
    if (s->lock >= 0)
        close(s->lock);
    s->lock = fd;
    guard_give(s->guard, SPAWNER_LOCK, fd);
}

static void become_host(parent *s, host_state *state, const spawner_message *m, const int fds[SPAWNER_FDS]) {
    tf_signals_default();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0); /* what its tasks start is found by it */
    close(s->socket);
    close(s->guard);
    close(s->signals);
    warm_leave(&s->warm);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null, 0);
    dup2(2, 1); /* what a plugin prints must not get between the results on stdout */
    host_main(&s->setting, state, m->rank, m->slot, fds[0], &fds[1]);
}

static void start_host(parent *s, const spawner_message *m, const int fds[SPAWNER_FDS]) {
    const int stages = s->campaign->stages;
    const size_t size = host_state_size(stages);
    host_state *state = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t pid = state != MAP_FAILED ? fork() : -1;
    const int failure = errno;
    if (pid == 0)
        become_host(s, state, m, fds);
    for (int i = 0; i < SPAWNER_FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (pid < 0) {
        tf_error ignored;
        if (state != MAP_FAILED)
            munmap(state, size);
        spawner_message ended = {.kind = SPAWNER_ENDED,
                                 .epoch = s->epoch,
                                 .slot = m->slot,
                                 .life = m->life,
                                 .status = 127 << 8,
                                 .failure = failure};
        spawner_send(s->socket, &ended, NULL, 0, &ignored);
        return;
    }
    s->child = tf_realloc_array(s->child, (size_t)s->children + 1, sizeof *s->child);
    s->child[s->children++] = (child){.pid = pid, .slot = m->slot, .life = m->life, .stages = stages, .state = state};
}

/* A host, and what its tasks have started in its group. */
static void kill_group(pid_t leader) {
    kill(-leader, SIGKILL);
    kill(leader, SIGKILL);
}

static bool is_host(const void *of, pid_t pid) {
    const parent *s = of;
    for (int i = 0; i < s->children; i++)
        if (s->child[i].pid == pid)
            return true;
    return false;
}

/* The state of the host that has noted this group, and of which stage; NULL: none has. What Python processes are forked
 * for hosts are this process's children; of all others that is no matter. */
static host_child *find_noted(const parent *s, pid_t group) {
    for (int i = 0; i < s->children && s->warm.count > 0; i++)
        for (int stage = 0; stage < s->child[i].stages; stage++)
            if (s->setting.warm[stage] >= 0 &&
                __atomic_load_n(&s->child[i].state->child[stage].group, __ATOMIC_ACQUIRE) == group)
                return &s->child[i].state->child[stage];
    return NULL;
}

/* Is it none that tasks have left behind? */
static bool is_known(const void *of, pid_t pid) {
    const parent *s = of;
    return is_host(s, pid) || warm_has(&s->warm, pid) || find_noted(s, pid);
}

static void kill_host(const parent *s, int slot) {
    for (int i = 0; i < s->children; i++)
        if (s->child[i].slot == slot)
            kill_group(s->child[i].pid);
}

/* The commands and services of a host that has ended are this process's children by now. What else the host's memory
 * may say is nobody's to kill. It may have been about to start one: then all that tasks have left behind is killed. */
static void kill_left(const parent *s, const child *of) {
    for (int stage = 0; stage < of->stages; stage++) {
        const pid_t group = __atomic_load_n(&of->state->child[stage].group, __ATOMIC_ACQUIRE);
        siginfo_t info;
        if (group < 0)
            tf_children_kill(is_known, s);
        if (group > 1 && !is_host(s, group) && !warm_has(&s->warm, group) &&
            waitid(P_PID, (id_t)group, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
            kill(-group, SIGKILL);
    }
}

/* Waits for a child that is no host. What its host has to know of it, it finds in its state. */
static void reap_other(parent *s, pid_t pid) {
    host_child *noted = find_noted(s, pid);
    const bool is_warm = warm_has(&s->warm, pid);
    if (noted || is_warm)
        kill(-pid, SIGKILL);
    const int status = tf_child_wait(pid);
    if (noted)
        __atomic_store_n(&noted->status, status, __ATOMIC_RELEASE);
    if (is_warm)
        warm_ended(&s->warm, pid);
}

/* Reaps children that have ended: a host's end is told to the rank, an orphan of a task's is not. false when there are
 * no children left. */
static bool reap_children(parent *s) {
    int status = 0;
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
            return false;
        const pid_t pid = info.si_pid;
        if (pid == 0)
            return true;
        if (!is_host(s, pid)) {
            reap_other(s, pid);
            continue;
        }
        kill(-pid, SIGKILL); /* before it is waited for: until then the number is its own */
        waitpid(pid, &status, 0);
        for (int i = 0; i < s->children; i++) {
            if (s->child[i].pid != pid)
                continue;
            kill_left(s, &s->child[i]);
            munmap(s->child[i].state, host_state_size(s->child[i].stages));
            tf_error ignored;
            spawner_message ended = {.kind = SPAWNER_ENDED,
                                     .epoch = s->epoch,
                                     .slot = s->child[i].slot,
                                     .life = s->child[i].life,
                                     .status = status,
                                     .is_innocent = s->child[i].is_innocent};
            if (!s->over)
                spawner_send(s->socket, &ended, NULL, 0, &ignored);
            s->child[i] = s->child[--s->children];
            break;
        }
    }
}

/* Idle hosts leave by themselves. What the others are at would be done again, beside the next attempt at it. */
static void dismiss_hosts(const parent *s) {
    for (int i = 0; i < s->children; i++) {
        host_state *state = s->child[i].state;
        __atomic_store_n(&state->leaving, 1, __ATOMIC_SEQ_CST);
        if (__atomic_load_n(&state->busy, __ATOMIC_SEQ_CST))
            kill_group(s->child[i].pid);
    }
}

/* Others may be given its tasks from now on: what it has started must not write beside theirs. It may go on later: then
 * it finds its hosts gone, and none of its tasks is to blame. */
static void let_hosts_go(parent *s) {
    for (int i = 0; i < s->children; i++)
        s->child[i].is_innocent = true;
    dismiss_hosts(s);
    tf_children_kill(is_known, s);
}

/* Idle hosts get a moment for their teardown hooks; the lock on the output goes when nothing works on it any more. */
static void end_campaign(parent *s) {
    double deadline = tf_now() + 2;
    s->over = true;
    dismiss_hosts(s);
    while (s->children > 0 && tf_now() < deadline && reap_children(s)) {
        tf_children_kill(is_known, s);
        poll(NULL, 0, 1);
    }
    while (reap_children(s)) {
        tf_children_kill(NULL, NULL);
        poll(NULL, 0, 1);
    }
    warm_close(&s->warm, &s->setting);
    scratch_close(&s->setting.scratch);
    guard_give(s->guard, SPAWNER_SCRATCH, -1);
    replace_lock(s, -1);
    staging_close(&s->setting.staging);
    for (int i = 0; i < s->setting.libraries; i++)
        close(s->setting.library[i].fd);
    free(s->setting.library);
    s->setting.library = NULL;
    s->setting.libraries = 0;
    tf_campaign_free(s->campaign);
    s->campaign = NULL;
    s->setting.campaign = NULL;
}

/* The rank has closed its end, or the guard has. */
static void end_spawner(parent *s) {
    end_campaign(s);
    free(s->child);
    free(s->polled);
    fflush(NULL);
    _exit(0);
}

/* s between two looks at the rank. */
static double interval_of(const parent *s) {
    double patience;
    __atomic_load(&s->pulse->patience, &patience, __ATOMIC_ACQUIRE);
    return pulse_interval(patience);
}

static void watch_rank(parent *s) {
    double patience;
    __atomic_load(&s->pulse->patience, &patience, __ATOMIC_ACQUIRE);
    const double still = pulse_feel(&s->rank, &s->pulse->rank, pulse_interval(patience));
    if (__atomic_load_n(&s->pulse->ended, __ATOMIC_ACQUIRE))
        end_spawner(s);
    if (patience > 0 && still > patience)
        let_hosts_go(s);
}

static void obey_message(parent *s, const spawner_message *m, const int fds[SPAWNER_FDS]) {
    if (m->epoch != s->epoch) {
        end_campaign(s);
        s->epoch = m->epoch;
        s->over = false;
    }
    switch ((spawner_kind)m->kind) {
    case SPAWNER_CAMPAIGN: open_campaign(s, fds[0], (size_t)m->size); break;
    case SPAWNER_LOCK: replace_lock(s, fds[0]); break;
    case SPAWNER_LIBRARY: add_library(&s->setting, m->stage, fds[0]); break;
    case SPAWNER_WARM: warm_prepare(&s->setting, m->stage); break;
    case SPAWNER_START:
        if (s->campaign)
            start_host(s, m, fds);
        break;
    case SPAWNER_KILL: kill_host(s, m->slot); break;
    case SPAWNER_OVER: end_campaign(s); break;
    case SPAWNER_ENDED:
    case SPAWNER_SCRATCH: break;
    }
}

static void hear_rank(parent *s) {
    spawner_message m;
    int passed[SPAWNER_FDS];
    const int got = spawner_receive(s->socket, &m, passed, 0);
    if (got == 0)
        end_spawner(s);
    if (got > 0)
        obey_message(s, &m, passed);
}

_Noreturn void spawner_main(int socket, int guard, pulse *shared, const tf_function *program) {
    parent s = {.socket = socket,
                .guard = guard,
                .pulse = shared,
                .lock = -1,
                .setting = {.program = program, .scratch = {.fd = -1}, .staging = {.folder = -1}}};
    close_range(3, ~0U,
                CLOSE_RANGE_CLOEXEC); /* what launchers leave open is not for commands: they might wait for it */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    __atomic_store_n(&shared->pid, getpid(), __ATOMIC_RELEASE);
    sigset_t chld;
    sigemptyset(&chld);
    sigaddset(&chld, SIGCHLD);
    sigprocmask(SIG_BLOCK, &chld, NULL);
    s.signals = signalfd(-1, &chld, SFD_CLOEXEC | SFD_NONBLOCK);
    s.polled = tf_alloc_array(FIRST_WARM, sizeof *s.polled);
    for (;;) {
        const struct pollfd own[] = {{s.socket, POLLIN, 0}, {s.signals, POLLIN, 0}, {s.guard, POLLIN, 0}};
        memcpy(s.polled, own, sizeof own);
        warm_watch(&s.warm, &s.polled[FIRST_WARM]);
        const int timeout = s.campaign ? (int)(1e3 * interval_of(&s)) : -1;
        const int ready = poll(s.polled, FIRST_WARM + (nfds_t)s.warm.count, timeout);
        pulse_beat(&s.pulse->spawner);
        watch_rank(&s);
        if (ready <= 0)
            continue;
        struct signalfd_siginfo info;
        while (read(s.signals, &info, sizeof info) > 0)
            ;
        reap_children(&s);
        if (s.polled[GUARD].revents) /* the guard says nothing: it is gone */
            end_spawner(&s);
        warm_start(&s.warm, &s.polled[FIRST_WARM], &s.setting);
        if (s.polled[SOCKET].revents)
            hear_rank(&s);
    }
}
