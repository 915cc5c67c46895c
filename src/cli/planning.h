/* What comes before a run has a limit, too: a file system that is gone holds up who reads the manifest, and files, and
 * the old output. A thread keeps watch, and ends the process when the one that plans shows no sign of life any more.
 * What may have been written by then is as safe as after kill -9. */
#ifndef TF_CLI_PLANNING_H
#define TF_CLI_PLANNING_H

typedef struct planning planning;

/* The calling thread plans, and may stand still for `limit` seconds. The exit status is written to `exit_to`, too, if
 * the process is ended (NULL: it is not). */
planning *planning_begin(double limit, const int *exit_to);

/* To be called before the process forks what outlives the planning. */
void planning_end(planning *p);

#endif
