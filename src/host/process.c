/* Starting processes and reading what they write (see process.h). */
#include "host/process.h"
#include "host/threads.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Arguments and environment ---- */

static void add_word(tf_buf *words, const char *text) {
    tf_buf_add(words, text, strlen(text) + 1);
}

/* Is it a variable that mpirun sets for its ranks? With it a task that uses MPI would take itself for a rank. */
static bool is_launcher_variable(const char *entry) {
    static const char *const prefixes[] = {"OMPI_", "PMIX_", "PMI_",     "ORTE_",
                                           "PRTE_", "HYDI_", "MPIEXEC_", "MPI_LOCAL"};
    if (strncmp(entry, "OMPI_ALLOW_", 11) == 0)
        return false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(entry, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* Is the variable one of the words NAME=VALUE? */
static bool is_among(const tf_buf *words, const char *entry) {
    const size_t name = strcspn(entry, "=");
    for (size_t at = 0; at < words->length; at += strlen(words->data + at) + 1)
        if (strncmp(words->data + at, entry, name + 1) == 0)
            return true;
    return false;
}

static bool is_overridden(const tf_run_spec *run, const tf_buf *extra, const char *entry) {
    for (int e = 0; e < run->envc; e++) {
        size_t length = strlen(run->env[e].name);
        if (strncmp(entry, run->env[e].name, length) == 0 && entry[length] == '=')
            return true;
    }
    return strncmp(entry, "TASKFARM_", 9) == 0 || is_among(extra, entry);
}

/* A vector of the words from byte `from` to `to`, ended by NULL. The words must not move afterwards. */
static char **split_words(tf_buf *words, size_t from, size_t to, int count) {
    char **vector = tf_alloc_array((size_t)count + 1, sizeof *vector);
    int n = 0;
    for (size_t at = from; at < to; at += strlen(words->data + at) + 1)
        vector[n++] = words->data + at;
    return vector;
}

/* Adds the program and its arguments. Returns their number. */
static int add_arguments(const tf_run_spec *run, process *p, const tf_point *point) {
    int argc = run->argc;
    if (run->is_shell) {
        add_word(&p->words, "/bin/sh");
        add_word(&p->words, "-c");
        argc += 2;
    }
    for (int i = 0; i < run->argc; i++) {
        if (!run->is_shell && tf_template_is_list(run->argv[i])) { /* an argument a path */
            argc += tf_template_expand_list(run->argv[i], point, &p->words) - 1;
            continue;
        }
        tf_template_expand(run->argv[i], point, &p->words);
        tf_buf_addc(&p->words, '\0');
    }
    return argc;
}

/* Adds the environment: what this process has, what the manifest says, `extra`. Returns the number of its words. */
static int add_environment(const host *h, process *p, const tf_point *point, const tf_buf *extra) {
    const tf_run_spec *run = &h->spec->run;
    int envc = 0;
    for (char **entry = environ; *entry; entry++) {
        if (is_launcher_variable(*entry) || is_overridden(run, extra, *entry))
            continue;
        add_word(&p->words, *entry);
        envc++;
    }
    for (int e = 0; e < run->envc; e++, envc++) {
        tf_buf_addf(&p->words, "%s=", run->env[e].name);
        tf_template_expand(run->env[e].value, point, &p->words);
        tf_buf_addc(&p->words, '\0');
    }
    char text[160];
    snprintf(text, sizeof text, "TASKFARM_STAGE=%.120s", h->spec->name);
    add_word(&p->words, text);
    snprintf(text, sizeof text, "TASKFARM_SLOT=%d", h->slot);
    add_word(&p->words, text);
    snprintf(text, sizeof text, "TASKFARM_SLOTS=%d", (int)tf_resources_slots(&h->spec->need));
    add_word(&p->words, text);
    envc += 3 + threads_add_variables(h->spec, &p->words);
    tf_buf_add(&p->words, tf_buf_text(extra), extra->length);
    return envc;
}

/* The arguments are there. */
static void end_words(const host *h, process *p, int argc, const tf_point *point, const tf_buf *extra, int count) {
    const size_t env_from = p->words.length;
    const int envc = add_environment(h, p, point, extra) + count;
    p->argv = split_words(&p->words, 0, env_from, argc);
    p->envp = split_words(&p->words, env_from, p->words.length, envc);
}

void process_set_words(host *h, process *p, const tf_point *point, const tf_buf *extra, int count) {
    end_words(h, p, add_arguments(&h->spec->run, p, point), point, extra, count);
}

void process_set_arguments(host *h, process *p, const tf_buf *arguments, int argc, const tf_buf *extra, int count) {
    const tf_point nowhere = {.folder = h->spec->run.cwd ? h->campaign->workdir : NULL};
    const int program = add_arguments(&h->spec->run, p, &nowhere);
    tf_buf_add(&p->words, tf_buf_text(arguments), arguments->length);
    end_words(h, p, program + argc, &nowhere, extra, count);
}

/* ---- Starting ---- */

void process_close_fd(int *fd) {
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Tells the spawner which group it is to kill if this host is killed. */
static void note_group(const process *p, pid_t group) {
    if (p->noted)
        __atomic_store_n(&p->noted->group, (int32_t)group, __ATOMIC_RELEASE);
}

static const char *path_of(char *const *environment) {
    for (; *environment; environment++)
        if (strncmp(*environment, "PATH=", 5) == 0)
            return *environment + 5;
    return NULL;
}

int process_find_program(const process *p, tf_buf *out) {
    return program_find(p->argv[0], path_of(p->envp), tf_buf_text(&p->cwd), out);
}

/* Not by posix_spawnp, which would search this process's PATH. */
static int spawn(process *p, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes) {
    tf_buf program = {0};
    int status = process_find_program(p, &program);
    if (status == 0)
        status = posix_spawn(&p->pid, tf_buf_text(&program), actions, attributes, p->argv, p->envp);
    tf_buf_free(&program);
    return status;
}

/* Starts it with these as stdout and stderr. Returns 0, or an errno after host_fail. */
static int start_with(host *h, process *p, int out, int err) {
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
    if (p->in >= 0)
        posix_spawn_file_actions_adddup2(&actions, p->in, 0);
    else
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    if (p->channel >= 0)
        posix_spawn_file_actions_adddup2(&actions, p->channel, PROCESS_CHANNEL);
    if (p->cwd.length)
        posix_spawn_file_actions_addchdir_np(&actions, p->cwd.data);
    if (h->spec->need.memory)
        memory_limit_next_child(h->spec->need.memory);
    if (h->state)
        p->noted = &h->state->child[h->spec->number];
    note_group(p, -1);
    int status = spawn(p, &actions, &attributes);
    note_group(p, status ? 0 : p->pid);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (h->spec->need.memory) {
        h->limited = NULL;
        memory_limit_next_child(0);
        if (!status)
            memory_limit_child(p->pid, h->spec->need.memory);
    }
    if (status) {
        host_fail(h, "can't start %s%s%s: %s", p->argv[0], p->cwd.length ? " in " : "", tf_buf_text(&p->cwd),
                  strerror(status));
        host_blame_machine(h, status);
    }
    return status;
}

static void fail_by_pipe(host *h, int failure) {
    host_fail(h, "can't make a pipe: %s", strerror(failure));
    host_blame_machine(h, failure);
}

bool process_start(host *h, process *p) {
    int out[2], err[2] = {-1, -1};
    if (pipe2(out, O_CLOEXEC) != 0) {
        fail_by_pipe(h, errno);
        return false;
    }
    p->out = out[0];
    if (pipe2(err, O_CLOEXEC) != 0)
        fail_by_pipe(h, errno);
    p->err = err[0];
    bool started = err[0] >= 0 && start_with(h, p, out[1], err[1]) == 0;
    process_close_fd(&out[1]);
    process_close_fd(&err[1]);
    if (!started)
        return false;
    p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    fcntl(p->out, F_SETFL, O_NONBLOCK);
    fcntl(p->err, F_SETFL, O_NONBLOCK);
    return true;
}

bool process_adopt(host *h, process *p, pid_t pid) {
    p->noted = &h->state->child[h->spec->number];
    __atomic_store_n(&p->noted->status, -1, __ATOMIC_RELEASE);
    note_group(p, pid); /* before it is known that it lives: its status is noted from then on */
    p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (p->pidfd < 0) {
        note_group(p, 0);
        return false;
    }
    p->pid = pid;
    p->is_adopted = true;
    return true;
}

/* ---- Reading ---- */

static void add_log(int log, const char *bytes, size_t size) {
    while (log >= 0 && size > 0) {
        ssize_t put = write(log, bytes, size);
        if (put < 0 && errno != EINTR)
            return; /* the task is worth more than its log */
        bytes += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
}

void process_drain(int *fd, int log, capture *to) {
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
            process_close_fd(fd);
        } else if (errno == EAGAIN) {
            return;
        }
    }
}

/* What the spawner has noted of one that was adopted; -1: nothing yet. */
static int noted_status(const process *p) {
    return __atomic_load_n(&p->noted->status, __ATOMIC_ACQUIRE);
}

/* It has ended, or is killed. The spawner reaps it within a moment. */
static int wait_for_note(const process *p) {
    enum { PATIENCE = 10 /* s */ };
    struct pollfd end = {p->pidfd, POLLIN, 0};
    while (poll(&end, 1, -1) < 0 && errno == EINTR)
        ;
    for (const double deadline = tf_now() + PATIENCE; noted_status(p) < 0 && tf_now() < deadline;)
        poll(NULL, 0, 1);
    return noted_status(p) >= 0 ? noted_status(p) : W_EXITCODE(0, SIGKILL);
}

/* Once the spawner has waited for it, its number may be another's. */
void process_kill(const process *p) {
    if (!p->is_adopted || noted_status(p) < 0)
        kill(-p->pid, SIGKILL);
}

bool process_has_ended(const process *p) {
    struct pollfd end = {p->pidfd, POLLIN, 0};
    if (p->is_adopted)
        return poll(&end, 1, 0) > 0;
    siginfo_t ended = {0};
    return waitid(P_PID, (id_t)p->pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid;
}

int process_peek(const process *p) {
    if (p->is_adopted)
        return wait_for_note(p);
    siginfo_t ended = {0};
    while (waitid(P_PID, (id_t)p->pid, &ended, WEXITED | WNOWAIT) != 0 && errno == EINTR)
        ;
    return ended.si_code == CLD_EXITED ? W_EXITCODE(ended.si_status, 0) : W_EXITCODE(0, ended.si_status);
}

int process_wait(const process *p, struct rusage *usage) {
    int status = 0;
    if (p->is_adopted)
        status = wait_for_note(p);
    while (!p->is_adopted && wait4(p->pid, &status, 0, usage) < 0 && errno == EINTR)
        ;
    note_group(p, 0);
    return status;
}

void process_free(process *p) {
    process_close_fd(&p->out);
    process_close_fd(&p->err);
    process_close_fd(&p->pidfd);
    free(p->argv);
    free(p->envp);
    tf_buf_free(&p->words);
    tf_buf_free(&p->cwd);
    *p = (process)PROCESS_NONE;
}
