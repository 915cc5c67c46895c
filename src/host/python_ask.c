/* Questions to the interpreter of a stage (see python_ask.h). The question is its standard input, the answer comes by a
 * pipe of its own: modules that are imported print what they like. */
#include "host/python_ask.h"
#include "host/python_words.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Starts it. Returns the end of the pipe that its answer is read from; -1 after host_fail. */
static int start(host *h, process *p, const python_question *q) {
    tf_buf text = {0};
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC) != 0) {
        host_fail(h, "can't make a pipe: %s", strerror(errno));
        return -1;
    }
    python_words_set(h, p, q->verb);
    if (!q->in_cwd)
        tf_buf_clear(&p->cwd);
    tf_buf_adds(&text, q->text);
    p->in = tf_memory_file("taskfarm-question", &text);
    p->channel = pipe[1];
    const bool started = process_start(h, p);
    process_close_fd(&p->in);
    process_close_fd(&p->channel);
    if (!started)
        process_close_fd(&pipe[0]);
    tf_buf_free(&text);
    return pipe[0];
}

/* Reads what is there. false at the end of the stream, or where there is more than any answer has. */
static bool read_some(int fd, tf_buf *answer) {
    enum { MOST = 64 << 20 }; /* bytes */
    char chunk[65536];
    ssize_t got = 1;
    while (got > 0 && answer->length < MOST) {
        got = read(fd, chunk, sizeof chunk);
        if (got > 0)
            tf_buf_add(answer, chunk, (size_t)got);
    }
    return got < 0 && (errno == EINTR || errno == EAGAIN);
}

/* Listens until the answer is there: at the end of the pipe, or of the process, since something that it has started may
 * hold the pipe open. */
static python_answer listen_to(host *h, process *p, int fd, double seconds, tf_buf *answer) {
    enum { PAUSE = 50 /* ms between looks for a signal */ };
    const double deadline = tf_now() + seconds;
    capture unwanted = {0};
    capture_start(&unwanted, 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    bool is_open = true, is_left = false;
    while (is_open && !is_left && tf_now() < deadline) {
        struct pollfd fds[] = {{fd, POLLIN, 0}, {p->out, POLLIN, 0}, {p->err, POLLIN, 0}, {p->pidfd, POLLIN, 0}};
        poll(fds, 4, PAUSE);
        const bool has_ended = process_has_ended(p);
        is_open = read_some(fd, answer) && !has_ended;
        process_drain(&p->out, -1, &unwanted);
        process_drain(&p->err, -1, &h->err);
        is_left = tf_signals_wait();
    }
    capture_free(&unwanted);
    return is_left ? PYTHON_LEFT : is_open ? PYTHON_LATE : answer->length ? PYTHON_ANSWERED : PYTHON_SILENT;
}

python_answer python_ask(host *h, const python_question *question, tf_buf *answer, int *status) {
    process p = PROCESS_NONE;
    struct rusage usage;
    const int fd = start(h, &p, question);
    if (fd < 0) {
        process_free(&p);
        return PYTHON_NOT_STARTED;
    }
    const python_answer what = listen_to(h, &p, fd, question->seconds, answer);
    struct pollfd end = {p.pidfd, POLLIN, 0};
    if (what == PYTHON_SILENT && !process_has_ended(&p)) /* it has closed the pipe, and is about to end */
        poll(&end, p.pidfd >= 0, 1000);
    process_drain(&p.err, -1, &h->err);
    kill(-p.pid, SIGKILL);
    *status = process_wait(&p, &usage);
    close(fd);
    process_free(&p);
    return what;
}
