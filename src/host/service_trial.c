/* Before anything runs, if that is wanted: does a service start? It has to wait for a task, without a word. One that is
 * served by the package taskfarm is asked by a variable to say instead whether its function takes the stage's
 * parameters. */
#include "host/preflight.h"
#include "host/service.h"
#include "host/unstarted.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#define LONGEST 20.0 /* s that are waited for a word, or for that it reads; one that takes longer is given up */

/* Is the process, or one that it has started, about to read its standard input? false if that can't be seen. */
static bool is_reading(pid_t pid, int depth) {
    enum { DEEPEST = 4 };
    char path[80];
    tf_buf text = {0};
    long call = -1;
    unsigned long descriptor = 1;
    snprintf(path, sizeof path, "/proc/%d/syscall", (int)pid);
    bool reads = tf_read_file(path, &text) == 0 && sscanf(tf_buf_text(&text), "%ld 0x%lx", &call, &descriptor) == 2 &&
                 call == SYS_read && descriptor == 0;
    tf_buf_clear(&text);
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
    if (!reads && depth < DEEPEST && tf_read_file(path, &text) == 0) {
        char *at = text.data, *child;
        while (!reads && (child = strsep(&at, " ")) && *child)
            reads = is_reading((pid_t)strtol(child, NULL, 10), depth + 1);
    }
    tf_buf_free(&text);
    return reads;
}

/* TASKFARM_HELLO=["spectrum","window"] */
static void add_variable(const tf_space *space, tf_buf *out) {
    tf_buf_adds(out, "TASKFARM_HELLO=[");
    for (int p = 0; p < tf_space_params(space); p++) {
        const char *name = tf_space_param(space, p)->name;
        tf_buf_adds(out, p ? "," : "");
        tf_buf_add_json(out, name, strlen(name));
    }
    tf_buf_addc(out, ']');
}

static void judge_end(const host *h, int status, tf_buf *wrong) {
    char text[64];
    if (WIFSIGNALED(status))
        tf_buf_addf(wrong, "the service was killed by %s before it had a task",
                    tf_format_signal(WTERMSIG(status), text));
    else if (WEXITSTATUS(status) == 0)
        tf_buf_adds(wrong, "the service does not wait for a task, it ends; does its script call serve?");
    else
        tf_buf_addf(wrong, "the service ends before it has a task: exit status %d", WEXITSTATUS(status));
    unstarted_add_last_line(&h->err, wrong);
}

/* What is said before there is a task is an answer to what the package was asked, or a mistake. */
static void judge_line(const char *line, tf_buf *wrong) {
    enum { SHOWN = 80 };
    cJSON *json = cJSON_Parse(line);
    const cJSON *hello = cJSON_GetObjectItemCaseSensitive(json, "hello");
    const char *error = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "error"));
    if (error)
        tf_buf_addf(wrong, "the function can't be called with the stage's parameters: %s", error);
    else if (!hello)
        tf_buf_addf(wrong,
                    "the service writes \"%.*s\" to its standard output, and has no task yet: answers belong there",
                    (int)strnlen(line, SHOWN), line);
    cJSON_Delete(json);
}

static void warn_of_silence(const tf_stage_spec *stage, tf_diags *diags) {
    tf_buf pointer = {0};
    tf_buf_addf(&pointer, "%s/run/service", stage->pointer);
    tf_diags_warn(diags, tf_buf_text(&pointer), TF_DIAG_SERVICE_FAILS,
                  "the service did not ask for a task within %.0f s; does its script call serve?", LONGEST);
    tf_buf_free(&pointer);
}

/* Waits until it is known whether the service has started. false: that is still not known. */
static bool watch(host *h, service *s, tf_buf *wrong) {
    const double deadline = tf_now() + LONGEST;
    struct rusage usage;
    bool ended = false, has_started = false;
    while (!ended && !has_started && tf_now() < deadline && !tf_signals_wait()) {
        struct pollfd fds[] = {{s->p.out, POLLIN, 0}, {s->p.err, POLLIN, 0}, {s->p.pidfd, POLLIN, 0}};
        poll(fds, 3, 50);
        ended = process_has_ended(&s->p);
        service_read(s);
        process_drain(&s->p.err, -1, &h->err);
        char *line = s->line.data, *end = line ? memchr(line, '\n', s->line.length) : NULL;
        if (end) {
            *end = '\0';
            judge_line(line, wrong);
        }
        has_started = end || (!ended && is_reading(s->p.pid, 0));
    }
    const int status = service_kill(s, &usage);
    if (ended && s->line.length == 0)
        judge_end(h, status, wrong);
    return has_started || ended;
}

void service_try_start(host *h, int stage, tf_diags *diags) {
    enum { KEPT = 4096 }; /* bytes of its standard error */
    service s = {.p = PROCESS_NONE, .in = -1};
    tf_buf variable = {0}, wrong = {0};
    h->spec = &h->campaign->stage[stage];
    capture_start(&h->err, KEPT);
    add_variable(h->spec->space, &variable);
    const bool runs = service_start(h, &s, variable.data), is_known = !runs || watch(h, &s, &wrong);
    if (!runs)
        tf_buf_adds(&wrong, tf_buf_text(&h->outcome.message));
    if (wrong.length)
        preflight_diagnose(diags, h->spec, "service", TF_DIAG_SERVICE_FAILS, wrong.data);
    if (!is_known)
        warn_of_silence(h->spec, diags);
    tf_buf_free(&variable);
    tf_buf_free(&wrong);
    tf_buf_free(&s.line);
}
