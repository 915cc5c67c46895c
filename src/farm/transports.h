/* The transports of a run. */
#ifndef TF_FARM_TRANSPORTS_H
#define TF_FARM_TRANSPORTS_H

#include <mpi.h>

#include "farm/transport.h"

/* Of a rank that has no others: a loop in memory. */
const transport *transport_alone_open(void);

/* Collective. MPI, with a doorbell where ranks can hear each other's. */
const transport *transport_mpi_open(MPI_Comm comm);

#endif
