/* A command: started with posix_spawn in a process group of its own, its output read until it ends, its columns taken
 * from what it left. */
#include "exec/host.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* All that one attempt owns. Descriptors are -1 when closed. */
typedef struct attempt {
    pid_t pid;
    int pidfd, out, err, in;
    int log;      /* a file that gets both */
    tf_buf words; /* arguments and environment, NUL after NUL */
    char **argv, **envp;
    tf_buf cwd;
    tf_buf scratch; /* empty if the command uses none */
} attempt;

/* ---- Arguments and environment ---- */

static void add_word(tf_buf *words, const char *text) {
    tf_buf_add(words, text, strlen(text) + 1);
}

/* What mpirun tells its ranks is not for tasks: a task that uses MPI itself would take itself for a rank. */
static bool is_launcher_variable(const char *entry) {
    static const char *const prefixes[] = {"OMPI_", "PMIX_", "PMI_", "ORTE_", "PRTE_", "HYDI_", "MPIEXEC_"};
    if (strncmp(entry, "OMPI_ALLOW_", 11) == 0)
        return false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(entry, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static bool is_overridden(const tf_run_spec *run, const char *entry) {
    for (int e = 0; e < run->envc; e++) {
        size_t length = strlen(run->env[e].name);
        if (strncmp(entry, run->env[e].name, length) == 0 && entry[length] == '=')
            return true;
    }
    return strncmp(entry, "TASKFARM_", 9) == 0;
}

/* Turns words[from..] into a NULL-ended vector behind `vector`. Words must not move any more. */
static char **split_words(tf_buf *words, size_t from, size_t to, int count) {
    char **vector = tf_alloc_array((size_t)count + 1, sizeof *vector);
    int n = 0;
    for (size_t at = from; at < to; at += strlen(words->data + at) + 1)
        vector[n++] = words->data + at;
    return vector;
}

static void build_words(host *h, attempt *a, const tf_point *point) {
    const tf_run_spec *run = &h->spec->run;
    int argc = run->argc, envc = 0;
    if (run->kind == TF_RUN_SHELL) {
        add_word(&a->words, "/bin/sh");
        add_word(&a->words, "-c");
        argc += 2;
    }
    for (int i = 0; i < run->argc; i++) {
        if (run->kind == TF_RUN_ARGV && tf_template_is_list(run->argv[i])) { /* an argument a path */
            argc += tf_template_expand_list(run->argv[i], point, &a->words) - 1;
            continue;
        }
        tf_template_expand(run->argv[i], point, &a->words);
        tf_buf_addc(&a->words, '\0');
    }
    size_t env_from = a->words.length;
    for (char **entry = environ; *entry; entry++) {
        if (is_launcher_variable(*entry) || is_overridden(run, *entry))
            continue;
        add_word(&a->words, *entry);
        envc++;
    }
    for (int e = 0; e < run->envc; e++, envc++) {
        tf_buf_addf(&a->words, "%s=", run->env[e].name);
        tf_template_expand(run->env[e].value, point, &a->words);
        tf_buf_addc(&a->words, '\0');
    }
    char text[160];
    snprintf(text, sizeof text, "TASKFARM_STAGE=%.120s", h->spec->name);
    add_word(&a->words, text);
    snprintf(text, sizeof text, "TASKFARM_INDEX=%lld", (long long)point->index);
    add_word(&a->words, text);
    snprintf(text, sizeof text, "TASKFARM_ATTEMPT=%d", h->columns.attempts[point->index - h->header->first]);
    add_word(&a->words, text);
    snprintf(text, sizeof text, "TASKFARM_SEED=%llu", (unsigned long long)point->seed);
    add_word(&a->words, text);
    snprintf(text, sizeof text, "TASKFARM_SLOT=%d", h->slot);
    add_word(&a->words, text);
    envc += 5;
    a->argv = split_words(&a->words, 0, env_from, argc);
    a->envp = split_words(&a->words, env_from, a->words.length, envc);
}

/* ---- Starting ---- */

static void close_fd(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int start(host *h, attempt *a, int out, int err) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    sigdelset(&all, SIGKILL);
    sigdelset(&all, SIGSTOP);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawn_file_actions_init(&actions);
    if (a->in >= 0)
        posix_spawn_file_actions_adddup2(&actions, a->in, 0);
    else
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    if (a->cwd.length)
        posix_spawn_file_actions_addchdir_np(&actions, a->cwd.data);
    if (h->spec->memory)
        memory_limit_next_child(h->spec->memory);
    int status = posix_spawnp(&a->pid, a->argv[0], &actions, &attributes, a->argv, a->envp);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (h->spec->memory) {
        h->limited = NULL;
        memory_limit_next_child(0);
        if (!status)
            memory_limit_child(a->pid, h->spec->memory);
    }
    if (status)
        host_fail(h, "can't start %s%s%s: %s", a->argv[0], a->cwd.length ? " in " : "", tf_buf_text(&a->cwd),
                  strerror(status));
    return status;
}

/* The first attempt starts the log anew. */
static bool open_log(host *h, attempt *a, const tf_point *point) {
    tf_buf path = {0};
    tf_template_expand(h->spec->log, point, &path);
    if (files_make_parents(h, tf_buf_text(&path))) {
        int how = h->header->attempt > 1 ? O_APPEND : O_TRUNC;
        a->log = open(tf_buf_text(&path), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0666);
        if (a->log < 0)
            host_fail(h, "can't write the log %s: %s", tf_buf_text(&path), strerror(errno));
    }
    tf_buf_free(&path);
    return a->log >= 0;
}

/* Starts the command; its output comes from a->out and a->err. */
static bool launch(host *h, attempt *a) {
    int out[2], err[2] = {-1, -1};
    if (pipe2(out, O_CLOEXEC) != 0) {
        host_fail(h, "can't make a pipe: %s", strerror(errno));
        return false;
    }
    a->out = out[0];
    if (pipe2(err, O_CLOEXEC) != 0)
        host_fail(h, "can't make a pipe: %s", strerror(errno));
    a->err = err[0];
    bool started = err[0] >= 0 && start(h, a, out[1], err[1]) == 0;
    close_fd(&out[1]);
    close_fd(&err[1]);
    if (!started)
        return false;
    a->pidfd = (int)syscall(SYS_pidfd_open, a->pid, 0);
    fcntl(a->out, F_SETFL, O_NONBLOCK);
    fcntl(a->err, F_SETFL, O_NONBLOCK);
    return true;
}

/* ---- Running ---- */

static void add_log(int log, const char *bytes, size_t size) {
    while (log >= 0 && size > 0) {
        ssize_t put = write(log, bytes, size);
        if (put < 0 && errno != EINTR)
            return; /* the task is worth more than its log */
        bytes += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
}

/* Reads what is there, as much as a pipe holds; closes at the end of the stream. */
static void drain(int *fd, int log, capture *to) {
    enum { CHUNKS = 16 };
    char chunk[65536];
    for (int n = 0; n < CHUNKS && *fd >= 0; n++) {
        ssize_t got = read(*fd, chunk, sizeof chunk);
        if (got > 0) {
            capture_add(to, chunk, (size_t)got);
            add_log(log, chunk, (size_t)got);
            if (got < (ssize_t)sizeof chunk)
                return;
        } else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
            close_fd(fd);
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

static bool has_ended(const attempt *a) {
    siginfo_t ended = {0};
    return waitid(P_PID, (id_t)a->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid;
}

/* Until the command itself ends (children that it leaves behind may hold the pipes open, and are not waited for), for
 * `most` seconds (0: for ever), or until it is to be left. true if it has ended. */
static bool follow(host *h, attempt *a, double most) {
    const double deadline = most > 0 ? tf_now() + most : INFINITY;
    const double longest = a->pidfd >= 0 ? 0.1 : 0.01; /* without a pidfd nothing tells of the end */
    for (;;) {
        double left = deadline - tf_now();
        struct pollfd fds[] = {{a->out, POLLIN, 0}, {a->err, POLLIN, 0}, {a->pidfd, POLLIN, 0}};
        poll(fds, 3, (int)ceil(1000 * (left < longest ? left > 0 ? left : 0 : longest)));
        drain(&a->out, a->log, &h->out);
        drain(&a->err, a->log, &h->err);
        if (has_ended(a))
            return true;
        h->stopped = h->stopped || host_is_to_stop(h);
        if (left <= 0 || h->stopped)
            return false;
    }
}

/* Until `deadline`, or until all that the command has started have closed its output: what got SIGTERM with it may end
 * by itself. */
static void linger(host *h, attempt *a, double deadline) {
    double left;
    while ((a->out >= 0 || a->err >= 0) && (left = deadline - tf_now()) > 0) {
        struct pollfd fds[] = {{a->out, POLLIN, 0}, {a->err, POLLIN, 0}};
        poll(fds, 2, (int)ceil(1000 * left));
        drain(&a->out, a->log, &h->out);
        drain(&a->err, a->log, &h->err);
    }
}

/* Follows the command to its end, by force if need be. true if its time ran out. */
static bool attend(host *h, attempt *a) {
    enum { GRACE = 5 }; /* s, from SIGTERM to SIGKILL */
    bool overdue = !follow(h, a, h->spec->timeout) && !h->stopped;
    if (overdue) {
        double deadline = tf_now() + GRACE;
        kill(-a->pid, SIGTERM);
        if (follow(h, a, GRACE)) {
            linger(h, a, deadline);
        } else {
            kill(-a->pid, SIGKILL);
            follow(h, a, 0);
        }
    }
    kill(-a->pid, SIGKILL); /* what it left behind in its group */
    drain(&a->out, a->log, &h->out);
    drain(&a->err, a->log, &h->err);
    return overdue;
}

/* The last line of what a command wrote to stderr, to go with its exit status. */
static void add_last_line(tf_buf *message, const capture *err) {
    tf_buf tail = {0};
    capture_tail(err, 300, &tail);
    while (tail.length && strchr(" \t\r\n", tail.data[tail.length - 1]))
        tail.data[--tail.length] = '\0';
    const char *line = tail.length ? strrchr(tail.data, '\n') : NULL;
    line = line ? line + 1 : tf_buf_text(&tail);
    if (*line && tf_utf8_invalid(line, strlen(line)) < 0)
        tf_buf_addf(message, ": %s", line);
    tf_buf_free(&tail);
}

static void judge(host *h, int64_t row, int status, bool overdue, const struct rusage *usage) {
    int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    if (h->spec->record_full) {
        h->columns.exit_code[row] = exit_code;
        h->columns.signal[row] = signal;
        h->columns.cpu[row] = (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
                              1e-6 * (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
        h->columns.max_rss[row] = (int64_t)usage->ru_maxrss * 1024;
    }
    char text[64];
    if (overdue) {
        h->columns.status[row] = TF_STATUS_TIMEOUT;
        host_fail(h, "timeout after %s", tf_format_duration(h->spec->timeout, text));
        return;
    }
    if (signal)
        host_fail(h, "killed by %s", tf_format_signal(signal, text));
    else if (exit_code != 0)
        host_fail(h, "exit status %d", exit_code);
    else
        return;
    batch_add_limit(h->spec, &h->message);
    add_last_line(&h->message, &h->err);
}

void command_run(host *h, int64_t row) {
    enum { SEARCHED = 4 << 20 }; /* of the output, for columns: its first and last 2 MiB */
    attempt a = {.pidfd = -1, .out = -1, .err = -1, .in = -1, .log = -1};
    int64_t keep = h->spec->capture_stdout;
    capture_start(&h->out, h->spec->columns && keep < SEARCHED ? SEARCHED : keep);
    tf_point point = host_point(h, row);
    bool ready = scratch_make(h, point.index, &a.scratch);
    point.scratch = tf_buf_text(&a.scratch);
    if (ready) {
        build_words(h, &a, &point);
        if (h->spec->run.cwd)
            tf_template_expand(h->spec->run.cwd, &point, &a.cwd);
        if (h->spec->run.stdin_text) {
            tf_buf text = {0};
            tf_template_expand(h->spec->run.stdin_text, &point, &text);
            a.in = tf_memory_file("taskfarm-stdin", &text); /* not a pipe: unread input must not block us */
            tf_buf_free(&text);
        }
        ready = (!h->spec->log || open_log(h, &a, &point)) && launch(h, &a);
    }
    if (ready) {
        int status = 0;
        struct rusage usage = {0};
        bool overdue = attend(h, &a);
        while (wait4(a.pid, &status, 0, &usage) < 0 && errno == EINTR)
            ;
        if (!h->stopped)
            judge(h, row, status, overdue, &usage);
        if (h->message.length == 0 && h->spec->columns && !h->stopped)
            extract_columns(h, row, tf_buf_text(&a.scratch));
    } else if (h->spec->record_full) {
        h->columns.exit_code[row] = -1;
    }
    close_fd(&a.out);
    close_fd(&a.err);
    close_fd(&a.in);
    close_fd(&a.log);
    close_fd(&a.pidfd);
    scratch_remove(&a.scratch);
    free(a.argv);
    free(a.envp);
    tf_buf_free(&a.words);
    tf_buf_free(&a.cwd);
    tf_buf_free(&a.scratch);
}
