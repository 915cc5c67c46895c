/* What of a machine a process may use, as control groups and batch systems say. */
#ifndef TF_SLOTS_LIMITS_H
#define TF_SLOTS_LIMITS_H

#include <stdint.h>

/* CPUs' worth of time that the control groups of this process allow, and bytes of memory; INFINITY and INT64_MAX
 * without a limit. Both versions of control groups, below `root`, which is "" but in tests. */
double limits_of_cpus(const char *root);
int64_t limits_of_memory(const char *root);

/* CPUs of this node that the job was given, by Slurm's, PBS's or LSF's variables; 0 if they don't say. `host` is this
 * node's name. */
int64_t limits_job_cpus(const char *host);

/* Bytes of this node's memory that the job was given, by Slurm's variables; 0 if they don't say. */
int64_t limits_job_memory(void);

#endif
