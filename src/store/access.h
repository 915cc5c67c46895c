/* How HDF5 is to open files: without locks of its own, by this process alone or by several ranks through MPI-IO. */
#ifndef TF_STORE_ACCESS_H
#define TF_STORE_ACCESS_H

#include <hdf5.h>

#include "manifest/manifest.h"
#include "store/team.h"

/* HDF5 is not to lock the file. */
void store_lock_nothing(hid_t access);

/* The property list that all ways to open a file have in common. Large datasets begin at multiples of `alignment`
 * bytes; 0: the file is only read. To be closed. */
hid_t store_access(int64_t alignment);

/* The property list by which this process alone makes or opens a file. `writer`: the campaign that it is written for;
 * NULL: it is only read. To be closed. */
hid_t store_file_access(const char *path, const tf_campaign *writer);

/* Opens an HDF5 file likewise. Negative on failure. */
hid_t store_open_file(const char *path, const tf_campaign *writer);

/* How a run opens its output (open_run.c): a single rank through HDF5's serial driver; several, collectively, through
 * MPI-IO. Rows are in the file when the call that wrote them has returned. Negative on failure. */
hid_t store_open_alone(const char *path, const tf_campaign *writer);
hid_t store_open_together(const char *path, const tf_team *team, const tf_campaign *writer);

#endif
