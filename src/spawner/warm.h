/* Warm parents: interpreters that import what Python stages need, once a rank, and fork the processes of its slots.
 * Stages with the same interpreter, environment and folder share one.
 *
 * Each has a socket, on which hosts ask for processes. It is started when the first request waits there, or it is
 * to prepare itself; when it has
 * ended, another is as soon as a request waits again. What it forks are the spawner's children: they live on.
 *
 * Process: the spawner. */
#ifndef TF_WARM_H
#define TF_WARM_H

#include <poll.h>

#include "host/host.h"

typedef struct warm_parent {
    int stage;   /* the first of those that share it */
    int near;    /* where hosts ask */
    int far;     /* where it reads; -1: it is given up */
    pid_t pid;   /* 0: none runs */
    int in_vain; /* how many in a row have ended before they had forked a process */
} warm_parent;

typedef struct warm_parents {
    warm_parent *parent;
    int count;
} warm_parents;

/* Makes the sockets for the stages of a campaign, and tells hosts of them by the setting. */
void warm_open(warm_parents *w, host_setting *setting);

/* Has the parent of a stage started, and the stage's module imported, though no request waits. */
void warm_prepare(const host_setting *setting, int stage);

/* Frees all of it: parents that run still are the caller's to kill. */
void warm_close(warm_parents *w, host_setting *setting);

/* Closes what a host has no use for. */
void warm_leave(const warm_parents *w);

/* Fills one element a parent in: what to wait for. */
void warm_watch(const warm_parents *w, struct pollfd *fds);

/* Starts those for which, by these, a request waits. */
void warm_start(warm_parents *w, const struct pollfd *fds, const host_setting *setting);

/* Is the process one of them? */
bool warm_has(const warm_parents *w, pid_t pid);

/* It was one of them, and has ended. */
void warm_ended(warm_parents *w, pid_t pid);

#endif
