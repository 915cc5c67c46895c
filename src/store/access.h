/* How HDF5 is to open files: through MPI-IO or alone, without locks of its own. */
#ifndef TF_STORE_ACCESS_H
#define TF_STORE_ACCESS_H

#include <hdf5.h>
#include <mpi.h>

#include "manifest/manifest.h"

/* A file is not to be locked by HDF5. */
void store_lock_nothing(hid_t access);

/* The property list by which a file is made or opened. `writer`: the campaign that it is written for; NULL: it is only
 * read. MPI_COMM_NULL: for this process alone. To be closed. */
hid_t store_file_access(const char *path, MPI_Comm comm, const tf_campaign *writer);

/* Opens an HDF5 file likewise. Negative on failure. */
hid_t store_open_file(const char *path, MPI_Comm comm, const tf_campaign *writer);

#endif
