/* A child process with its output in pipes: what commands and services have in common. It leads a process group of its
 * own, so that all it starts can be killed with it. */
#ifndef TF_HOST_PROCESS_H
#define TF_HOST_PROCESS_H

#include <sys/resource.h>

#include "host/host.h"

/* Descriptors are -1 when closed. */
typedef struct process {
    pid_t pid; /* 0: it was not started, or has been waited for */
    int pidfd, out, err;
    int in;       /* what it is to have as its standard input: -1: nothing. The caller's */
    tf_buf words; /* arguments and environment, NUL after NUL */
    char **argv, **envp;
    tf_buf cwd;     /* empty: the work folder */
    int32_t *noted; /* where the spawner finds its group; NULL: nowhere */
} process;

#define PROCESS_NONE                                                                                                   \
    { .pidfd = -1, .out = -1, .err = -1, .in = -1 }

/* Its arguments and environment, from the run of the batch's stage. `extra`: count of words NAME=VALUE that the caller
 * adds to the environment, each ended by a NUL. */
void process_set_words(host *h, process *p, const tf_point *point, const tf_buf *extra, int count);

/* Starts it. false after host_fail. */
bool process_start(host *h, process *p);

/* Reads what is there, as much as a pipe holds, into `to` (and a log; -1: none); closes at the end of the stream. */
void process_drain(int *fd, int log, capture *to);

bool process_has_ended(const process *p); /* to be waited for still */

/* Waits for its end: its wait status. What is left of its group is the caller's to kill, before. */
int process_wait(const process *p, struct rusage *usage);

/* Closes and frees what it has. */
void process_free(process *p);

void process_close_fd(int *fd);

/* Finds a program as execvp does, by `path` (what PATH is; NULL: not set) from a folder on ("": this one). `out` is how
 * it is to be named there; a name with a slash is that itself. Returns 0 or an errno. */
int program_find(const char *name, const char *path, const char *folder, tf_buf *out);

/* 0 if it is a file that can be run, else an errno. */
int program_check(const char *path);

#endif
