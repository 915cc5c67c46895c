/* A command: started with posix_spawn in a process group of its own, its output read until it ends, its columns taken
 * from what it left. */
#include "host/preflight.h"
#include "host/process.h"
#include "host/row.h"
#include "host/runner.h"
#include "host/unstarted.h"

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

/* All that one attempt owns. */
typedef struct attempt {
    process p;
    int64_t index;  /* of its task */
    int log;        /* descriptor of a file that gets its output; -1: there is none */
    tf_buf scratch; /* empty if the command uses none */
} attempt;

/* ---- Starting ---- */

static void build_words(host *h, attempt *a, const tf_point *point) {
    tf_buf extra = {0};
    const int which = h->columns.attempts[point->index - h->header->first];
    tf_buf_addf(&extra, "TASKFARM_INDEX=%lld%cTASKFARM_ATTEMPT=%d%cTASKFARM_SEED=%llu%c", (long long)point->index, 0,
                which, 0, (unsigned long long)point->seed, 0);
    process_set_words(h, &a->p, point, &extra, 3);
    tf_buf_free(&extra);
}

/* Waits, or until the rank says stop. */
static void nap(const host *h, double seconds) {
    enum { LOOK = 50 /* ms */ };
    for (const double end = tf_now() + seconds; tf_now() < end && !host_is_to_stop(h);)
        poll(NULL, 0, LOOK);
}

/* Makes what the attempt needs; what a machine lacks it may have in a moment. false after host_fail. */
static bool try_patiently(host *h, attempt *a, bool (*make)(host *h, attempt *a)) {
    const double first = 0.1, longest = 1; /* s */
    for (double pause = first; !make(h, a); pause *= 2) {
        if (!h->outcome.is_unstarted || pause > longest || host_is_to_stop(h))
            return false;
        nap(h, pause);
        tf_buf_clear(&h->outcome.message);
        h->outcome.is_unstarted = false;
    }
    return true;
}

static bool make_scratch(host *h, attempt *a) {
    return scratch_make(h, a->index, &a->scratch);
}

static bool start(host *h, attempt *a) {
    const bool started = process_start(h, &a->p);
    if (!started) {
        process_close_fd(&a->p.out);
        process_close_fd(&a->p.err);
    }
    return started;
}

/* ---- Running ---- */

/* Reads output until the command itself ends, for at most `most` seconds (0: no limit), or until the rank says stop.
 * Children that it leaves behind may hold the pipes open, and are not waited for. true if it has ended. */
static bool follow(host *h, attempt *a, double most) {
    const double deadline = most > 0 ? tf_now() + most : INFINITY;
    const double longest = a->p.pidfd >= 0 ? 0.1 : 0.01; /* without a pidfd nothing tells of the end */
    for (;;) {
        double left = deadline - tf_now();
        struct pollfd fds[] = {{a->p.out, POLLIN, 0}, {a->p.err, POLLIN, 0}, {a->p.pidfd, POLLIN, 0}};
        poll(fds, 3, (int)ceil(1000 * (left < longest ? left > 0 ? left : 0 : longest)));
        process_drain(&a->p.out, a->log, &h->out);
        process_drain(&a->p.err, a->log, &h->err);
        if (process_has_ended(&a->p))
            return true;
        h->stopped = h->stopped || host_is_to_stop(h);
        if (left <= 0 || h->stopped)
            return false;
    }
}

/* Reads output until `deadline`, or until all that the command has started have closed it: those that got SIGTERM with
 * it may end by themselves. */
static void linger(host *h, attempt *a, double deadline) {
    double left;
    while ((a->p.out >= 0 || a->p.err >= 0) && (left = deadline - tf_now()) > 0) {
        struct pollfd fds[] = {{a->p.out, POLLIN, 0}, {a->p.err, POLLIN, 0}};
        poll(fds, 2, (int)ceil(1000 * left));
        process_drain(&a->p.out, a->log, &h->out);
        process_drain(&a->p.err, a->log, &h->err);
    }
}

/* Reads the command's output until it has ended, and kills it when its time is over. true if its time was over. */
static bool run_to_end(host *h, attempt *a) {
    enum { GRACE = 5 }; /* s, from SIGTERM to SIGKILL */
    bool overdue = !follow(h, a, h->spec->timeout) && !h->stopped;
    if (overdue) {
        double deadline = tf_now() + GRACE;
        kill(-a->p.pid, SIGTERM);
        if (follow(h, a, GRACE)) {
            linger(h, a, deadline);
        } else {
            kill(-a->p.pid, SIGKILL);
            follow(h, a, 0);
        }
    }
    kill(-a->p.pid, SIGKILL); /* what it left behind in its group */
    process_drain(&a->p.out, a->log, &h->out);
    process_drain(&a->p.err, a->log, &h->err);
    return overdue;
}

/* Adds the last line of stderr to a message that tells the exit status. */
static void add_last_line(tf_buf *message, const capture *err) {
    tf_buf tail = {0};
    capture_tail(err, 300, &tail);
    for (size_t i = 0; i < tail.length; i++)
        tail.data[i] = tail.data[i] ? tail.data[i] : '?'; /* a message ends at no NUL but its own */
    while (tail.length && strchr(" \t\r\n", tail.data[tail.length - 1]))
        tail.data[--tail.length] = '\0';
    const char *line = tail.length ? strrchr(tail.data, '\n') : NULL;
    line = line ? line + 1 : tf_buf_text(&tail);
    if (*line && tf_utf8_invalid(line, strlen(line)) < 0)
        tf_buf_addf(message, ": %s", line);
    tf_buf_free(&tail);
}

/* Stores how the command has ended, and fails the row if it did not end well. */
static void record_end(host *h, int64_t row, int status, bool overdue, const struct rusage *usage) {
    int exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    row_note_end(h, row, status);
    if (h->spec->record_full) {
        h->columns.cpu[row] = (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
                              1e-6 * (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
        h->columns.max_rss[row] = (int64_t)usage->ru_maxrss * 1024;
    }
    char text[64];
    if (overdue) {
        host_fail_late(h);
        return;
    }
    if (signal)
        host_fail(h, "killed by %s", tf_format_signal(signal, text));
    else if (exit_code != 0)
        host_fail(h, "exit status %d", exit_code);
    else
        return;
    batch_add_limit(h->spec, &h->outcome.message);
    add_last_line(&h->outcome.message, &h->err);
}

/* Reads the columns, within the attempt's timeout: a regular expression may take for ever, and so may reading a pipe
 * into which nobody writes. */
static void read_answer(host *h, int64_t row, const attempt *a, double began) {
    host_watch(h, began);
    extract_columns(h, row, tf_buf_text(&a->scratch));
    host_watch(h, 0);
}

static void run_row(host *h, int64_t row) {
    enum { SEARCHED = 4 << 20 }; /* of the output, for columns: its first and last 2 MiB */
    attempt a = {.p = PROCESS_NONE, .log = -1};
    int64_t keep = h->spec->capture_stdout;
    capture_start(&h->out, h->spec->columns && keep < SEARCHED ? SEARCHED : keep);
    tf_point point = host_point(h, row);
    a.index = point.index;
    bool ready = try_patiently(h, &a, make_scratch);
    point.scratch = tf_buf_text(&a.scratch);
    if (ready) {
        build_words(h, &a, &point);
        if (h->spec->run.cwd)
            tf_template_expand(h->spec->run.cwd, &point, &a.p.cwd);
        if (h->spec->run.stdin_text) {
            tf_buf text = {0};
            tf_template_expand(h->spec->run.stdin_text, &point, &text);
            a.p.in = tf_memory_file("taskfarm-stdin", &text); /* not a pipe: unread input must not block us */
            tf_buf_free(&text);
        }
        if (h->spec->log)
            a.log = files_open_log(h, &point, h->header->attempt > 1);
        answers_before(h, &point);
        ready = (!h->spec->log || a.log >= 0) && try_patiently(h, &a, start);
    }
    if (ready) {
        struct rusage usage = {0};
        const double began = tf_now();
        bool overdue = run_to_end(h, &a);
        int status = process_wait(&a.p, &usage);
        if (!h->stopped)
            record_end(h, row, status, overdue, &usage);
        if (h->outcome.message.length == 0 && h->spec->columns && !h->stopped)
            read_answer(h, row, &a, began);
    } else if (h->spec->record_full) {
        h->columns.exit_code[row] = -1;
    }
    if (h->outcome.is_unstarted)
        unstarted_tell(h, BATCH_SERVICE_FAILS | BATCH_UNSTARTED);
    process_close_fd(&a.p.in);
    process_close_fd(&a.log);
    process_free(&a.p);
    scratch_remove(h, &a.scratch);
    tf_buf_free(&a.scratch);
}

static void preflight_command(const tf_stage_spec *stage, const tf_function *program, tf_diags *diags) {
    (void)program;
    preflight_program(stage, "command/0", diags);
    preflight_scripts(stage, diags);
}

const runner runner_command = {
    .key = "command", .preflight = preflight_command, .run_row = run_row, .keeps_stdout = true};
