/* A service: a long-lived process of the slot that gets tasks as JSON lines on its standard input and answers each with
 * one on its standard output. It is started when the stage's first task comes, and anew when it has ended, hung, said
 * what is no answer, or had its "max_tasks". One task at a time, so that what comes on standard error is the task's.
 *
 * A task that was not read is not to blame for the end of its service: the rank hears of the service, and gives the
 * task to another. */
#include "host/preflight.h"
#include "host/row.h"
#include "host/runner.h"
#include "host/service.h"
#include "host/unstarted.h"
#include "manifest/json_read.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST_LINE = 256 << 20 }; /* bytes; more is no answer */

/* ---- Starts that fail ---- */

/* The service has not started, or has ended before it read a task. */
static void fail_start(host *h) {
    if (h->outcome.is_late)
        tf_buf_adds(&h->outcome.message, ", and the service has not read a task");
    unstarted_tell(h, BATCH_SERVICE_FAILS);
}

/* ---- Asking ---- */

typedef enum reply {
    ANSWERED,
    UNSEEN, /* it ended before it read anything of the task */
    ENDED,
    DEAF, /* it has closed its standard input */
    LATE, /* the timeout has passed */
    LEFT, /* the rank has said stop */
    TOO_LONG
} reply;

/* Sends as much of the request as the pipe takes. false when nobody will read it. */
static bool send_rest(service *s) {
    const struct sigaction ignored = {.sa_handler = SIG_IGN};
    struct sigaction before;
    bool heard = true;
    if (s->sent == s->request.length)
        return true;
    sigaction(SIGPIPE, &ignored, &before); /* functions of the same host have it as they expect it */
    while (s->sent < s->request.length) {
        ssize_t put = write(s->in, s->request.data + s->sent, s->request.length - s->sent);
        heard = put >= 0 || errno != EPIPE;
        if (put < 0 && errno != EINTR)
            break;
        s->sent += put > 0 ? (size_t)put : 0;
    }
    sigaction(SIGPIPE, &before, NULL);
    return heard;
}

/* Bytes of the request that it has not read yet. */
static size_t unread(const service *s) {
    int count = 0;
    return ioctl(s->in, FIONREAD, &count) == 0 && count > 0 ? (size_t)count : 0;
}

/* Is all that was sent still in the pipe? Then it has not begun the task, and another process can be asked. */
static bool is_unseen(const service *s) {
    return s->served > 0 && unread(s) == s->sent;
}

/* Sends the request and reads until s->line has a whole line; or returns why there is none. The process itself is
 * watched, and not its output alone, which something that it has started may hold open. */
static reply converse(host *h, service *s) {
    const double timeout = h->spec->timeout, deadline = timeout > 0 ? tf_now() + timeout : INFINITY;
    size_t searched = 0;
    s->sent = 0;
    bool heard = send_rest(s);
    bool closed = false; /* it has closed its standard input */
    for (;;) {
        const bool sending = heard && s->sent < s->request.length;
        struct pollfd fds[] = {{s->p.out, POLLIN, 0},
                               {s->p.err, POLLIN, 0},
                               {closed ? -1 : s->in, sending ? POLLOUT : 0, 0},
                               {s->p.pidfd, POLLIN, 0}};
        const double left = timeout > 0 ? deadline - tf_now() : 1;
        if (heard)
            poll(fds, 4, (int)ceil(1000 * (left < 0 ? 0 : left < 0.1 ? left : 0.1)));
        if (fds[1].revents)
            process_drain(&s->p.err, -1, &h->err);
        closed = closed || (fds[2].revents & POLLERR);
        if (fds[2].revents)
            heard = closed ? s->sent == s->request.length && unread(s) == 0 : send_rest(s);
        const bool ended = (fds[3].revents || s->p.pidfd < 0) && process_has_ended(&s->p);
        const bool open = !(fds[0].revents || ended || !heard) || service_read(s);
        if (memchr(tf_buf_text(&s->line) + searched, '\n', s->line.length - searched)) {
            process_drain(&s->p.err, -1, &h->err); /* what it said before it answered */
            return ANSWERED;
        }
        searched = s->line.length;
        if (!open || ended || !heard)
            return is_unseen(s) ? UNSEEN : heard ? ENDED : DEAF;
        if (s->line.length > LONGEST_LINE)
            return TOO_LONG;
        h->stopped = h->stopped || host_is_to_stop(h);
        if (h->stopped)
            return LEFT;
        if (timeout > 0 && tf_now() >= deadline)
            return LATE;
    }
}

/* ---- The answer ---- */

static void fail_nonsense(host *h, const char *line, size_t length) {
    enum { SHOWN = 80 };
    while (length && strchr("\r\n", line[length - 1]))
        length--;
    const bool is_long = length > SHOWN;
    length = is_long ? SHOWN : length;
    const int64_t bad = tf_utf8_invalid(line, length);
    host_fail(h, "the service's answer is not one to this task: \"%.*s%s\"", (int)(bad < 0 ? (int64_t)length : bad),
              line, is_long ? "..." : "");
}

/* Fails the task with what the service says, of which the middle is left out if it is very long. */
static void fail_with(host *h, const char *error) {
    enum { HEAD = 8192, TAIL = 8192 };
    const size_t length = strlen(error);
    if (length <= HEAD + TAIL) {
        host_fail(h, "%s", error);
        return;
    }
    const int64_t bad = tf_utf8_invalid(error, HEAD); /* a character that is cut off */
    const size_t head = bad < 0 ? HEAD : (size_t)bad;
    size_t tail = length - TAIL;
    while (((unsigned char)error[tail] & 0xc0) == 0x80)
        tail++;
    host_fail(h, "%.*s\n[... %zu bytes left out ...]\n%s", (int)head, error, tail - head, error + tail);
}

/* Parses {"index": 7, "results": {...}} or {"index": 7, "error": "why"}. false: it is neither. */
static bool parse_answer(host *h, int64_t row, const char *line, size_t length) {
    json_error wrong;
    cJSON *json = json_read(line, length, JSON_ANSWER, &wrong);
    int64_t said = -1;
    const cJSON *index = cJSON_GetObjectItemCaseSensitive(json, "index");
    const cJSON *results = cJSON_GetObjectItemCaseSensitive(json, "results");
    const char *error = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "error"));
    const bool ours = json_int(index, &said) && said == h->header->first + row && (error || cJSON_IsObject(results));
    if (ours && error)
        fail_with(h, error);
    else if (ours)
        extract_members(h, row, results);
    else if (!json && !wrong.is_syntax)
        host_fail(h, "the service's answer is not valid JSON: %s", wrong.text);
    cJSON_Delete(json);
    return ours;
}

/* Fails the task with a message that says how the service ended. */
static void judge_end(host *h, const service *s, int status, reply why) {
    const char *when = s->has_read ? "" : " before it read a task";
    char text[64];
    if (why == LATE) {
        host_fail_late(h);
    } else if (why == TOO_LONG) {
        host_fail(h, "the service's answer is too long: more than 256 MB without an end of line");
    } else if (WIFSIGNALED(status)) {
        host_fail(h, "the service was killed by %s%s", tf_format_signal(WTERMSIG(status), text), when);
        batch_add_limit(h->spec, &h->outcome.message);
    } else {
        const bool is_unasked = !s->has_read && WEXITSTATUS(status) == 0;
        host_fail(h, "the service ended%s: exit status %d%s", when, WEXITSTATUS(status),
                  is_unasked ? "; does its script call serve?" : "");
        batch_add_limit(h->spec, &h->outcome.message);
    }
}

/* There is no answer: kills the process, if it still runs. One that has closed its output gets a second to end. */
static void give_up(host *h, service *s, int64_t row, reply why) {
    struct rusage usage = {0};
    struct pollfd end = {s->p.pidfd, POLLIN, 0};
    if ((why == ENDED || why == DEAF) && !process_has_ended(&s->p))
        poll(&end, s->p.pidfd >= 0, 1000);
    process_drain(&s->p.err, -1, &h->err);
    const bool by_itself = process_has_ended(&s->p);
    const int status = service_kill(s, &usage);
    if (why != LEFT)
        row_note_end(h, row, status);
    if (why == ENDED && !by_itself)
        host_fail(h, "the service has closed its standard output");
    else if (why == DEAF && !by_itself)
        host_fail(h, "the service has closed its standard input, and not read the task");
    else if (why != LEFT)
        judge_end(h, s, status, why);
}

static void note_reading(host *h, service *s, reply what) {
    s->has_read = s->has_read || what == ANSWERED || unread(s) < s->sent;
    if (s->has_read)
        h->header->service |= BATCH_SERVICE_READS;
}

static void run_row(host *h, int64_t row) {
    service **place = &h->service[h->spec->number];
    if (!*place) {
        *place = tf_alloc(sizeof **place);
        **place = (service){.spec = h->spec, .p = PROCESS_NONE, .in = -1};
    }
    service *s = *place;
    struct rusage usage;
    const int64_t most = h->spec->run.max_tasks;
    const double began = tf_now();
    const tf_point point = host_point(h, row);
    tf_buf_clear(&s->request);
    tf_host_task_json(h->spec, &point, h->columns.attempts[row], &s->request);
    tf_buf_addc(&s->request, '\n');
    reply what;
    do {
        if (s->in >= 0 && process_has_ended(&s->p)) /* after its last answer: nobody's fault */
            service_kill(s, &usage);
        if (s->in < 0 && !service_start(h, s, NULL)) {
            fail_start(h);
            return;
        }
        what = converse(h, s);
        note_reading(h, s, what);
        if (what == UNSEEN)
            service_kill(s, &usage);
    } while (what == UNSEEN); /* once: the new one has answered nothing yet */
    if (what != ANSWERED) {
        give_up(h, s, row, what);
        if (what != LEFT && !s->has_read)
            fail_start(h);
        return;
    }
    host_watch(h, began);
    const size_t length = (size_t)((const char *)memchr(s->line.data, '\n', s->line.length) - s->line.data) + 1;
    const bool answered = parse_answer(h, row, s->line.data, length);
    const bool sound = answered && length == s->line.length;
    if (!sound) { /* what it says next would be taken for another task's answer */
        const char *wrong = s->line.data + (answered ? length : 0);
        fail_nonsense(h, wrong, (size_t)(strchrnul(wrong, '\n') - wrong));
        row_note_end(h, row, service_kill(s, &usage));
    }
    host_watch(h, 0);
    tf_buf_clear(&s->line);
    s->served += sound;
    if (sound && most > 0 && s->served >= most)
        service_close(s);
}

static void close_service(host *h, int stage) {
    service *s = h->service[stage];
    if (!s)
        return;
    service_close(s);
    tf_buf_free(&s->line);
    tf_buf_free(&s->request);
    free(s);
}

static void preflight_service(const tf_stage_spec *stage, const tf_function *program, tf_diags *diags) {
    (void)program;
    preflight_program(stage, "service/0", diags);
    preflight_scripts(stage, diags);
}

const runner runner_service = {.key = "service",
                               .preflight = preflight_service,
                               .try_start = service_try_start,
                               .run_row = run_row,
                               .close = close_service};
