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
    int in;            /* what it gets as its standard input, owned by the caller; -1: /dev/null */
    int channel;       /* what it gets as PROCESS_CHANNEL, owned by the caller; -1: nothing */
    tf_buf words;      /* arguments and environment, each ended by a NUL */
    char **argv;       /* into `words` */
    char **envp;       /* into `words` */
    tf_buf cwd;        /* empty: the work folder */
    host_child *noted; /* where the spawner finds its process group; NULL: nowhere */
    bool is_adopted;   /* it is the spawner's child, which waits for it and notes its status there */
} process;

#define PROCESS_NONE                                                                                                   \
    { .pidfd = -1, .out = -1, .err = -1, .in = -1, .channel = -1 }

enum { PROCESS_CHANNEL = 3 /* the number of a process's descriptor for what we tell it */ };

/* Sets its arguments and environment, from the run of the batch's stage. `extra` has `count` words NAME=VALUE, each
 * ended by a NUL, which are added to the environment. */
void process_set_words(host *h, process *p, const tf_point *point, const tf_buf *extra, int count);

/* The same with these words, `argc` of them, behind the program that the run names. */
void process_set_arguments(host *h, process *p, const tf_buf *arguments, int argc, const tf_buf *extra, int count);

/* Starts it. false after host_fail. */
bool process_start(host *h, process *p);

/* Takes over a process that was forked elsewhere, leads its group, and is the spawner's child: `p` has no process yet.
 * false if it has ended, or can't be watched. */
bool process_adopt(host *h, process *p, pid_t pid);

/* Kills it and its group. It is still to be waited for. */
void process_kill(const process *p);

/* Reads what a pipe holds into `to`, and into a log (-1: none); closes the pipe at the end of the stream. */
void process_drain(int *fd, int log, capture *to);

bool process_has_ended(const process *p); /* process_wait is still to be called */

/* The wait status of one that has ended, which is still to be waited for. */
int process_peek(const process *p);

/* Waits for its end and returns its wait status. Before that the caller kills what is left of its group. */
int process_wait(const process *p, struct rusage *usage);

/* Closes its descriptors and frees its memory. */
void process_free(process *p);

void process_close_fd(int *fd);

/* Finds a program as execvp does, by `path` (the value of PATH; NULL: it is not set), as seen from a folder ("": the
 * current one). `out` gets the path to run there: the name itself, if it has a slash. Returns 0 or an errno. */
int program_find(const char *name, const char *path, const char *folder, tf_buf *out);

/* Finds the program of a process, as its environment's PATH and its folder say. Returns 0 or an errno. */
int process_find_program(const process *p, tf_buf *out);

/* 0 if it is a file that can be run, else an errno. */
int program_check(const char *path);

#endif
