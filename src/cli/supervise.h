/* A process that outlives nobody. */
#ifndef TF_CLI_SUPERVISE_H
#define TF_CLI_SUPERVISE_H

/* Forks, and returns in the child. This process waits for it and exits as it does. If it is asked to end, or who has
 * started it is gone, it first kills all that the child has started. Before there are threads. */
void cli_supervise(void);

#endif
