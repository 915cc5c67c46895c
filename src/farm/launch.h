/* The beginning of MPI. */
#ifndef TF_FARM_LAUNCH_H
#define TF_FARM_LAUNCH_H

#include "farm/farm.h"

/* MPI_Init, as a program of taskfarm's own needs it. */
tf_err launch_begin_mpi(tf_error *error);

/* Collective. Do all ranks go on from here? Rank 0 decides by `run`. */
bool launch_agree(MPI_Comm comm, bool run);

#endif
