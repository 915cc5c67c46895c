/* The process that a batch runs in: its cores, its GPUs, its signals. */
#include "host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A batch that asked for no GPUs gets those that the run itself was given. */
void process_adopt_place(host *h) {
    const batch_header *head = h->header;
    if (CPU_COUNT(&head->cores) > 0 && !CPU_EQUAL(&head->cores, &h->cores)) {
        sched_setaffinity(0, sizeof head->cores, &head->cores);
        h->cores = head->cores;
    }
    if (strcmp(head->gpus, h->gpus) == 0)
        return;
    const char *own = getenv(head->gpu_variable);
    if (!h->gpus[0] && !h->own_gpus && own)
        h->own_gpus = strdup(own);
    snprintf(h->gpus, sizeof h->gpus, "%s", head->gpus);
    if (h->gpus[0] || h->own_gpus)
        setenv(head->gpu_variable, h->gpus[0] ? h->gpus : h->own_gpus, 1);
    else
        unsetenv(head->gpu_variable);
    h->knows_before = false;
}

/* What this process itself writes (logs, requests, copies) may fail without ending it. Functions have signals as any
 * new process has them. */
void process_let_writes_fail(host *h, bool fail) {
    static const int number[] = {SIGPIPE, SIGXFSZ};
    if (!h->state || h->lets_writes_fail == fail) /* a process that is no host has set its own */
        return;
    h->lets_writes_fail = fail;
    for (int i = 0; i < 2; i++)
        if (fail)
            sigaction(number[i], &(struct sigaction){.sa_handler = SIG_IGN}, &h->function_signal[i]);
        else
            sigaction(number[i], &h->function_signal[i], NULL);
}
