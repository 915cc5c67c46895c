/* The farm: the ranks, and the loop that joins scheduler, slots and output. Rank 0 is the master; with more than one
 * rank the others are its workers, with one it is both.
 *
 * Process: the ranks; finisher.c is a child of the first one without MPI. Under mpirun --enable-recovery the farm must
 * survive the end of any worker's rank. */
#ifndef TF_FARM_H
#define TF_FARM_H

#include <mpi.h>

#include "farm/finisher.h"
#include "graph/graph.h"
#include "slots/slots.h"
#include "store/resume/resume.h"

/* A stage that was stopped, since no worker could run it. */
typedef struct tf_farm_stop {
    int stage;
    char why[1000]; /* a line, and behind it the last lines of what was said on standard error; NUL-terminated */
} tf_farm_stop;

/* How far a run is. */
typedef struct tf_farm_progress {
    int64_t tasks, done, failed, running;
    int64_t skipped;             /* tasks that depend on others that have failed */
    int64_t withheld;            /* tasks that are not run this time */
    int64_t reused;              /* tasks among the done that earlier runs did */
    int64_t excluded;            /* tasks among the done that are left out */
    tf_left_out left_out_before; /* tasks among these that were left out by earlier runs */
    int stages, finished;        /* number of stages, and of those that are finished */
    double elapsed;              /* s since the first task could start */
    int stopping;                /* the signal that asked for an end, or a TF_FARM_ reason below; 0: nothing has */
    int ranks;
    int64_t slots;
    const tf_tally *failures;  /* so far, by message; owners are stages. Valid during the call */
    const tf_noticed *noticed; /* so far, of stages. Valid during the call */
    int notices;
} tf_farm_progress;

/* Other reasons to end: the time is over; a rank is lost that others can't stand in for; who started the run has asked
 * for it, or is gone; workers are sick; a rank is silent, and the launcher would end all. */
enum { TF_FARM_WALLTIME = -1, TF_FARM_LOSS = -2, TF_FARM_CALLER = -3, TF_FARM_SICK = -4, TF_FARM_SILENCE = -5 };

typedef struct tf_farm_result {
    tf_farm_progress progress; /* at the end */
    tf_tally failures;         /* by message; owners are stages */
    tf_noticed *noticed;       /* what was noticed of stages: as many as in `progress` */
    char *incidents;           /* what has befallen workers, as the output's history has it: a JSON list */
    tf_farm_stop *stop;        /* stages that were stopped */
    int stops;
    char away[200]; /* the other nodes of ranks that are lost, "node2 and 3 others", which a launcher may wait for */
    bool parted;    /* on all ranks: a rank has died, and MPI is not to be ended in order: leave by _exit */
} tf_farm_result;

void tf_farm_result_free(tf_farm_result *result);

/* Are tasks kept to cores of their own? */
typedef enum tf_bind {
    TF_BIND_AUTO, /* if some stage's tasks need several slots */
    TF_BIND_CORES,
    TF_BIND_NONE
} tf_bind;

typedef struct tf_farm_options {
    /* The ranks, of a program that has begun MPI and will end it. NULL: all that were launched, and MPI begins and ends
     * with the run; or without MPI this process alone. */
    const MPI_Comm *comm;
    bool with_mpi; /* has no meaning with ranks of a program */
    /* on rank 0 */
    const tf_campaign *campaign;
    const tf_buf *bundle; /* the campaign's, for the other ranks; NULL: the run is called off */
    tf_store_plan *plan;  /* of the output; stays the caller's */
    tf_graph *graph;      /* says what is to be run; stays the caller's */
    /* Called on rank 0 every now and then (at most 20 times a second) and once at the end. May be NULL. */
    void (*on_progress)(void *context, const tf_farm_progress *progress);
    /* Called on rank 0 with what the user should know; `id`: the name of a kind of notices (rows/notices.h), NULL of
     * anything else. May be NULL. */
    void (*on_warning)(void *context, const char *id, const char *text);
    void *context;
    tf_finisher *finisher; /* NULL: a run in which a rank dies does not end well */
    /* How long the run may take, s since `started` (tf_now()); 0: as long as it likes. Nothing is handed out in the
     * last `grace` seconds of it, nor in its second half if that is shorter. */
    double walltime, started;
    /* A descriptor of rank 0: each byte that comes there asks for an end as a signal does, and so does its end if there
     * was no byte. It is how who has started the run stops it through a launcher, or by being killed. NULL: there is
     * none. */
    const int *stop_with;
    /* A descriptor of rank 0: its exit status is written there if its process is ended here. NULL: there is none. */
    const int *exit_to;
    double patience; /* s for which a rank may be silent; 0: TASKFARM_PATIENCE, else 60 */
    double grace;    /* s from the first signal, or from the end of granting, for which running tasks are waited for */
    /* on every rank */
    tf_spawner *spawner;    /* forked before; stays the caller's. NULL: it could not be, and the run breaks */
    const char *no_spawner; /* why it could not be */
    int slots; /* of this rank; 0: a slot for each core that it may use, if it alone works on its node, else one */
    void (*be_patient)(double seconds); /* how long MPI-IO tries again in the program; NULL: it does not */
    tf_bind bind;
    double sync; /* s between times that results are brought to disk; 0: as the system sees fit */
} tf_farm_options;

/* Is there room for the files that MPI makes when it begins? Without room MPI_Init ends the process with an exit status
 * of its own, or waits for ever. */
tf_err tf_farm_check_room(tf_error *error);

/* Of a run of this process alone that will run all tasks: is there enough of the machine for each stage? A run asks
 * that itself, when it has the output; this is for who has something to lose before. Stages with files count as if they
 * had enough: they may have been made. */
tf_err tf_farm_check_share(const tf_campaign *campaign, int slots, tf_error *error);

/* Rank 0 tells the ranks that wait for it in tf_farm_run that there is nothing to run: not all launchers end ranks that
 * wait in MPI_Init for one that has left. */
void tf_farm_call_off(void);

/* Tells people that a run is over of which these nodes are lost: mpirun may wait for them. */
void tf_farm_tell_nodes(const char *nodes);

/* Collective over all ranks: the whole run. Returns TF_OK; TF_ERR_TASKS if tasks failed or stages were stopped;
 * TF_ERR_STOPPED if a signal (SIGTERM, SIGINT, SIGUSR1, SIGUSR2) or the wall time ended it early; TF_ERR_RUN with
 * `error` if the run broke: the same on all ranks; TF_ERR_USAGE if rank 0 has called it off. `result` is filled in on
 * rank 0; to be freed by the caller. */
tf_err tf_farm_run(const tf_farm_options *options, tf_farm_result *result, tf_error *error);

#endif
