/* A service's process: how it is started, and how it ends (see service.h). */
#include "host/service.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/python_folder.h"

/* Adds a PYTHONPATH with which a service in Python finds the package taskfarm. */
static void add_module_path(tf_buf *extra) {
    const char *old = getenv("PYTHONPATH");
    tf_buf_adds(extra, "PYTHONPATH=");
    python_folder_add(extra);
    if (old && *old)
        tf_buf_addf(extra, ":%s", old);
    tf_buf_addc(extra, '\0');
}

bool service_start(host *h, service *s, const char *variable) {
    const tf_point nowhere = {.folder = h->spec->run.cwd ? h->campaign->workdir : NULL};
    tf_buf extra = {0};
    int in[2];
    if (pipe2(in, O_CLOEXEC) != 0) {
        host_fail(h, "can't make a pipe: %s", strerror(errno));
        return false;
    }
    if (h->err.limit < BATCH_WHY) /* what it says then is wanted whatever is kept of tasks */
        capture_start(&h->err, BATCH_WHY);
    add_module_path(&extra);
    if (variable) {
        tf_buf_adds(&extra, variable);
        tf_buf_addc(&extra, '\0');
    }
    process_set_words(h, &s->p, &nowhere, &extra, variable ? 2 : 1);
    tf_buf_free(&extra);
    if (h->spec->run.cwd)
        tf_template_expand(h->spec->run.cwd, &nowhere, &s->p.cwd);
    s->p.in = in[0];
    const bool started = process_start(h, &s->p);
    process_close_fd(&in[0]);
    s->p.in = -1;
    s->in = in[1];
    s->served = 0;
    s->has_read = false;
    tf_buf_clear(&s->line);
    if (started) {
        fcntl(s->in, F_SETFL, O_NONBLOCK);
        return true;
    }
    process_close_fd(&s->in);
    process_free(&s->p);
    return false;
}

static int reap(service *s, struct rusage *usage) {
    const int status = s->p.pid > 0 ? process_wait(&s->p, usage) : 0;
    process_close_fd(&s->in);
    process_free(&s->p);
    return status;
}

int service_kill(service *s, struct rusage *usage) {
    kill(-s->p.pid, SIGKILL);
    return reap(s, usage);
}

void service_close(service *s) {
    enum { PATIENCE = 5000 }; /* ms */
    struct rusage usage;
    if (s->in < 0)
        return;
    process_close_fd(&s->in);
    struct pollfd end = {s->p.pidfd, POLLIN, 0};
    capture rest = {0};
    const double deadline = tf_now() + PATIENCE / 1e3;
    capture_start(&rest, 0);
    while (!process_has_ended(&s->p) && tf_now() < deadline) { /* it may have something to say, which nobody wants */
        process_drain(&s->p.out, -1, &rest);
        process_drain(&s->p.err, -1, &rest);
        poll(&end, s->p.pidfd >= 0, 20);
    }
    capture_free(&rest);
    service_kill(s, &usage);
}

bool service_read(service *s) {
    char chunk[65536];
    for (;;) {
        ssize_t got = read(s->p.out, chunk, sizeof chunk);
        if (got > 0)
            tf_buf_add(&s->line, chunk, (size_t)got);
        else if (got == 0 || (errno != EINTR && errno != EAGAIN))
            return false;
        if (got < (ssize_t)sizeof chunk && !(got < 0 && errno == EINTR))
            return true;
    }
}
