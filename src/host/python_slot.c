/* The process that calls Python functions: its start, its end, and what it says (see python_slot.h). */
#include "host/python_slot.h"
#include "host/packet.h"
#include "host/python_folder.h"
#include "host/python_protocol.h"
#include "host/python_warm.h"
#include "host/python_words.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

double python_patience(void) {
    const double standard = 300;
#ifdef TASKFARM_CRASH_POINTS /* tests can't wait so long */
    double seconds;
    const char *wanted = getenv("TASKFARM_FIRST_ANSWER");
    if (wanted && tf_parse_duration(wanted, &seconds))
        return seconds;
#endif
    return standard;
}

double python_patience_within(double most) {
    const double patience = python_patience();
    return patience < most ? patience : most;
}

/* ---- Starting ---- */

/* A file in memory to which both append. -1 with errno. */
static int open_log(const char *name) {
    const int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd >= 0)
        fcntl(fd, F_SETFL, O_APPEND); /* of the open file, which the process shares */
    return fd;
}

/* false after host_fail. */
static bool make_files(host *h, python_slot *s) {
    s->out = open_log("taskfarm-stdout");
    s->err = open_log("taskfarm-stderr");
    s->texts = open_log("taskfarm-texts");
    if (h->memory.fd < 0)
        errno = h->memory.failure;
    else if (s->out >= 0 && s->err >= 0 && s->texts >= 0 && frame_memory_new(&s->frame))
        return true;
    host_fail(h, "no shared memory: %s", strerror(errno));
    return false;
}

/* Starts an interpreter of its own. false after host_fail. */
static bool start_cold(host *h, python_slot *s) {
    int pair[2];
    if (!packet_pair(pair)) {
        host_fail(h, "can't make a socket: %s", strerror(errno));
        return false;
    }
    s->socket = pair[0];
    s->p.channel = pair[1];
    python_words_set(h, &s->p, "slot");
    const bool started = process_start(h, &s->p);
    close(pair[1]);
    s->p.channel = -1;
    return started;
}

static void greet(const host *h, const python_slot *s) {
    const int files[] = {s->out, s->err, s->texts, s->frame.fd, h->memory.fd};
    tf_buf hello = {0}, engine = {0};
    python_engine_add(&engine);
    tf_buf_addf(&hello, "{\"hello\": {\"protocol\": %d", TF_PYTHON_PROTOCOL);
    packet_add_number(&hello, "slot", h->slot);
    packet_add_text(&hello, "engine", tf_buf_text(&engine));
    tf_buf_adds(&hello, "}}");
    packet_send(s->socket, &hello, files, sizeof files / sizeof *files);
    tf_buf_free(&engine);
    tf_buf_free(&hello);
}

/* Fails the task under way: the process has not come to where it answers. */
static void fail_start(host *h, const python_slot *s, python_reply what, int status) {
    const char *program = s->p.argv ? s->p.argv[0] : "the interpreter";
    char text[64];
    if (what == PYTHON_QUIET)
        host_fail(h, "%s has not started within %s", program, tf_format_duration(python_patience(), text));
    else if (what == PYTHON_LOST)
        host_fail(h, "%s does not start as Python: is it an interpreter?", program);
    else if (WIFSIGNALED(status))
        host_fail(h, "%s was killed by %s before it had a task", program, tf_format_signal(WTERMSIG(status), text));
    else
        host_fail(h, "%s ended before it had a task: exit status %d", program, WEXITSTATUS(status));
}

/* Is the answer to our greeting one? false after host_fail. */
static bool read_greeting(host *h, const python_slot *s) {
    cJSON *said = cJSON_ParseWithLength(tf_buf_text(&s->packet), s->packet.length);
    const cJSON *hello = cJSON_GetObjectItemCaseSensitive(said, "hello");
    const char *error = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(said, "error"));
    if (error)
        host_fail(h, "%s", error);
    else if (!hello)
        fail_start(h, s, PYTHON_LOST, 0);
    cJSON_Delete(said);
    return hello && !error;
}

/* Greets it, and waits for its greeting. false after host_fail. */
static bool exchange_greetings(host *h, python_slot *s, double patience) {
    greet(h, s); /* if nobody is there to hear it, waiting for an answer tells why */
    const python_reply what = python_slot_wait(h, s, patience);
    if (what == PYTHON_SAID)
        return read_greeting(h, s);
    process_drain(&s->p.err, -1, &h->err);
    const int status = what == PYTHON_ENDED ? process_peek(&s->p) : 0;
    fail_start(h, s, what, status);
    return false;
}

/* Has one forked that has imported the stage's module. false: it is to be started cold, and no task has failed. One
 * that ends before it has said a word has lost the warm parent, or is lost like any other: another is forked. */
static bool start_warm(host *h, python_slot *s) {
    enum { TRIES = 3 };
    bool ended = true;
    for (int tries = 0; tries < TRIES && ended && python_warm_start(h, s, python_patience()); tries++) {
        if (exchange_greetings(h, s, PYTHON_WARM_ANSWER))
            return true;
        ended = python_slot_has_ended(s);
        tf_buf_clear(&h->outcome.message);
        python_slot_kill(s);
        if (!ended || tries + 1 == TRIES)
            python_warm_refuse(h, ended ? "forks processes that end at once" : "forks processes that do not go on");
    }
    return false;
}

bool python_slot_start(host *h, python_slot *s) {
    if (h->err.limit < BATCH_WHY) /* what it says before it has a task is wanted whatever is kept of tasks */
        capture_start(&h->err, BATCH_WHY);
    s->of = h->spec;
    s->stage = s->files = -1;
    s->cores = h->cores;
    const bool started =
        make_files(h, s) && (start_warm(h, s) || (start_cold(h, s) && exchange_greetings(h, s, python_patience())));
    if (!started) {
        python_slot_kill(s);
        return false;
    }
    process_close_fd(&s->p.out); /* from now on tasks write to files */
    process_close_fd(&s->p.err);
    return true;
}

/* ---- What it says ---- */

python_reply python_slot_wait(host *h, python_slot *s, double seconds) {
    const double deadline = tf_now() + seconds;
    for (;;) {
        const double left = deadline - tf_now();
        struct pollfd fds[] = {{s->socket, POLLIN, 0}, {s->p.pidfd, POLLIN, 0}, {s->p.err, POLLIN, 0}};
        const double longest = s->p.pidfd >= 0 ? 1 : 0.01; /* without a pidfd nothing tells of the end */
        poll(fds, 3, (int)ceil(1000 * (left < 0 ? 0 : left < longest ? left : longest)));
        if (fds[2].revents)
            process_drain(&s->p.err, -1, &h->err);
        const bool ended = python_slot_has_ended(s);
        const packet_state state = packet_receive(s->socket, &s->packet);
        if (state == PACKET_GOT)
            return PYTHON_SAID;
        if (ended)
            return PYTHON_ENDED;
        if (state == PACKET_END) { /* its descriptors are closed before it can be waited for */
            struct pollfd end = {s->p.pidfd, POLLIN, 0};
            poll(&end, 1, 100);
            return python_slot_has_ended(s) ? PYTHON_ENDED : PYTHON_LOST;
        }
        if (left <= 0)
            return PYTHON_QUIET;
    }
}

/* ---- Its end ---- */

bool python_slot_has_ended(const python_slot *s) {
    return s->p.pid > 0 && process_has_ended(&s->p);
}

int python_slot_kill(python_slot *s) {
    struct rusage usage;
    int status = 0;
    if (s->p.pid > 0) {
        process_kill(&s->p);
        status = process_wait(&s->p, &usage);
    }
    process_close_fd(&s->socket);
    process_free(&s->p);
    return status;
}

void python_slot_close(python_slot *s) {
    enum { PATIENCE = 5000 }; /* ms */
    process_close_fd(&s->socket);
    if (s->p.pid > 0) {
        struct pollfd end = {s->p.pidfd, POLLIN, 0};
        const double deadline = tf_now() + PATIENCE / 1e3;
        while (!python_slot_has_ended(s) && tf_now() < deadline)
            poll(&end, s->p.pidfd >= 0, 20);
    }
    python_slot_kill(s);
    python_slot_free(s);
}

void python_slot_free(python_slot *s) {
    process_close_fd(&s->out);
    process_close_fd(&s->err);
    process_close_fd(&s->texts);
    frame_memory_free(&s->frame);
    tf_buf_free(&s->packet);
    tf_buf_free(&s->chunk);
    *s = (python_slot)PYTHON_SLOT_NONE;
}

/* ---- Its place ---- */

void python_slot_pin(const host *h, python_slot *s) {
    if (CPU_COUNT(&h->cores) == 0 || CPU_EQUAL(&h->cores, &s->cores))
        return;
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)s->p.pid);
    DIR *threads = opendir(path);
    for (const struct dirent *thread; threads && (thread = readdir(threads));)
        if (*thread->d_name != '.')
            sched_setaffinity((pid_t)strtol(thread->d_name, NULL, 10), sizeof h->cores, &h->cores);
    if (threads)
        closedir(threads);
    s->cores = h->cores;
}
