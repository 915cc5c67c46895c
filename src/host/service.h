/* The process of a service. */
#ifndef TF_HOST_SERVICE_H
#define TF_HOST_SERVICE_H

#include "host/process.h"

struct service {
    const tf_stage_spec *spec;
    process p;
    int in;         /* our end of its standard input; -1: it does not run */
    int64_t served; /* tasks that it has answered since it was started */
    bool has_read;  /* it has read something since it was started */
    tf_buf line;    /* what it has written so far of its answer */
    tf_buf request;
    size_t sent; /* bytes of the request that are in the pipe, or were */
};

/* Starts it, for the stage of the batch under way. `variable`: NAME=VALUE for its environment, or NULL. false after
 * host_fail. */
bool service_start(host *h, service *s, const char *variable);

/* Adds to its `line` what can be read now. false at the end of the stream. */
bool service_read(service *s);

/* Kills it and all that it has started. Returns its wait status. */
int service_kill(service *s, struct rusage *usage);

/* Closes its standard input, upon which it should end; kills it if it has not after a while. */
void service_close(service *s);

/* A runner's try_start (service_trial.c). */
void service_try_start(host *h, int stage, tf_diags *diags);

#endif
