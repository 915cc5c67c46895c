/* The output: one HDF5 file, written by all ranks through MPI-IO, and side files for text while a run goes on.
 *
 * Collective calls are for metadata alone (create, flush, close), are made by all ranks of the communicator in the same
 * order, and return the same error everywhere. Rows are raw data, written independently into datasets that were laid
 * out and flushed before. All calls are for the thread that called MPI_Init. */
#ifndef TF_STORE_H
#define TF_STORE_H

#include <mpi.h>

#include "exec/exec.h"

typedef struct tf_store tf_store;

/* To be called before MPI_Init: makes HDF5 leave alone MPI_Finalize and exit(), so that a run that broke can end
 * without collective calls. Ends of files are ours alone. */
void tf_store_init(void);

/* Collective: the same error on all ranks, that of the lowest that has one. */
tf_err tf_store_agree(MPI_Comm comm, tf_err err, tf_error *error);

/* Makes sure, on one rank and before MPI_Init, that the campaign's output can be made: its folder is there and writable
 * and nothing that matters has its name. With `fresh` an old output, with its side files, is renamed to OUTPUT.1 or
 * the next free number, and `aside` gets that name; else it is an error. Creates the file, empty. */
tf_err tf_store_prepare(const tf_campaign *campaign, bool fresh, tf_buf *aside, tf_error *error);

/* Collective. Makes the file and its attributes; `slots` is the number of all ranks together. NULL on failure. The
 * campaign must outlive the store. */
tf_store *tf_store_create(const tf_campaign *campaign, MPI_Comm comm, int64_t slots, tf_error *error);

/* Collective. Creates the stage's datasets and flushes them to disk: rows may be written on return. */
tf_err tf_store_layout(tf_store *store, int stage, tf_error *error);

/* Independent. Writes rows where they belong: data, then texts into this rank's side file, then status. */
tf_err tf_store_write(tf_store *store, const tf_rows *rows, tf_error *error);

/* Collective. Moves the stage's texts from the side files into the file, and closes its datasets. */
tf_err tf_store_finish(tf_store *store, int stage, tf_error *error);

/* Collective. Sets the attributes "state" and "elapsed" (s), closes the file, removes the side files and
 * frees the store. */
tf_err tf_store_close(tf_store *store, const char *state, double elapsed, tf_error *error);

/* Independent. Frees the memory and leaves the files as they are, for a run that broke. */
void tf_store_abandon(tf_store *store);

#endif
