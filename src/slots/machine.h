/* What there is of the machine for tasks: cores, memory, GPUs. */
#ifndef TF_SLOTS_MACHINE_H
#define TF_SLOTS_MACHINE_H

#include <sched.h>

#include "base/base.h"

/* What may be used of a machine, or a rank's part of that. */
typedef struct tf_machine {
    int cores;
    cpu_set_t *core; /* per core: its processing units; NULL: it is not known which cores these are */
    int64_t memory;  /* bytes */
    int gpus;
    char (*gpu)[64];          /* their names, as `gpu_variable` lists them */
    const char *gpu_variable; /* the environment variable that tells a process which GPUs to use; NULL without GPUs */
} tf_machine;

/* What this process may use: its affinity mask, control groups and the batch system's variables count. There is at
 * least one core. GPUs are looked for only if `gpus`; that takes a while. */
tf_machine tf_machine_find(bool gpus);

/* A copy of some of its cores and GPUs. */
tf_machine tf_machine_part(const tf_machine *machine, int cores_from, int cores_end, int gpus_from, int gpus_end);
void tf_machine_free(tf_machine *machine);

#endif
