/* Batch systems, whose scripts are a part of the program. */
#ifndef TF_CLI_JOB_H
#define TF_CLI_JOB_H

typedef enum batch_time { HOURS_MINUTES_SECONDS, HOURS_MINUTES, MINUTES } batch_time;

/* A batch system, and what is filled in in its script. */
typedef struct batch_system {
    const char *name;
    const char *script;
    const char *nodes; /* what stands before the number of nodes, in a line of its own */
    const char *time;  /* what stands before the time limit, likewise */
    batch_time how;    /* how the time limit is written */
} batch_system;

/* The table; its end has no name. */
const batch_system *batch_systems(void);

#endif
