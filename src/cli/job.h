/* Batch systems, whose scripts are a part of the program. */
#ifndef TF_CLI_JOB_H
#define TF_CLI_JOB_H

typedef enum batch_time { HOURS_MINUTES_SECONDS, HOURS_MINUTES, MINUTES } batch_time;

/* How a batch system's script says what is filled in. */
typedef struct batch_system {
    const char *name, *script;
    const char *nodes; /* how the line begins that has the number of nodes, */
    const char *time;  /* and that which has the time, */
    batch_time how;    /* which is written so */
} batch_system;

/* The table; its end has no name. */
const batch_system *batch_systems(void);

#endif
