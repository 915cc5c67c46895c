/* The transport of a run: MPI, with a doorbell where ranks can hear each other's. */
#ifndef TF_FARM_TRANSPORT_MPI_H
#define TF_FARM_TRANSPORT_MPI_H

#include <mpi.h>

#include "farm/transport.h"

typedef struct transport_mpi transport_mpi;

/* Collective. Never NULL. */
transport_mpi *transport_mpi_new(MPI_Comm comm);

/* Collective, unless dropped: takes what was sent, also to this rank. */
void transport_mpi_free(transport_mpi *mpi);

/* Forgets what has not left, and may never: for a rank that leaves without MPI_Finalize. */
void transport_mpi_drop(transport_mpi *mpi);

/* Valid until it is freed. */
const transport *transport_mpi_face(const transport_mpi *mpi);

#endif
