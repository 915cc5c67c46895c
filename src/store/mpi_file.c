/* Open MPI's MPI-IO is silent about reads and writes that fail: MPI_File_write_at returns success and does not call the
 * file's error handler; only the count in the status is short. HDF5 looks at the count of what it writes, but goes on
 * with its collective calls, in which the ranks then wait for each other for ever; and what it could not read it takes
 * for zeros behind the end of the file. And where MPI does tell, it has often forgotten why. So the program takes the
 * place of the functions by which HDF5 reads and writes, as MPI provides for ("Profiling Interface"), and calls the
 * file's handler with the system's reason: see store/vigil.c.
 *
 * In a change of metadata, when the file has a handler, HDF5 could not call again: there a call that fails is made
 * again here, for as long as the run is patient. Other ranks wait in the change in any case. To bring a file to disk is
 * not tried again: what the system has lost then it has lost, whatever it says the second time.
 *
 * This is linked into the program, not into the library, which must not change the MPI of somebody else's program.
 */
#include "store/mpi_file.h"

#include <errno.h>
#include <mpi.h>
#include <string.h>

#include "base/storage.h"

/* MPI's functions are given nothing of ours. */
static double patience;

void mpi_file_be_patient(double seconds) {
    patience = seconds;
}

/* The handler is to be called once, by us. */
static MPI_Errhandler silence(MPI_File file) {
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    if (MPI_File_get_errhandler(file, &handler) == MPI_SUCCESS)
        MPI_File_set_errhandler(file, MPI_ERRORS_RETURN);
    return handler;
}

static void restore_handler(MPI_File file, MPI_Errhandler handler) {
    if (handler == MPI_ERRHANDLER_NULL)
        return;
    MPI_File_set_errhandler(file, handler);
    if (handler != MPI_ERRORS_RETURN)
        MPI_Errhandler_free(&handler);
}

/* Returns an error whose text is the reason: a class of its own, since MPICH 4.0 finds no text for other codes. */
static int report_failure(MPI_File file, int result, int failure) {
    int code = result == MPI_SUCCESS ? MPI_ERR_IO : result;
    if (failure && MPI_Add_error_class(&code) == MPI_SUCCESS)
        MPI_Add_error_string(code, strerror(failure));
    MPI_File_call_errhandler(file, code);
    return code;
}

static bool is_whole(const MPI_Status *status, MPI_Datatype type, int count) {
    int moved = count;
    return MPI_Get_count(status, type, &moved) != MPI_SUCCESS || moved == count;
}

/* A read or a write. */
typedef struct transfer {
    MPI_File file;
    MPI_Offset offset;
    void *in;        /* what is read goes there; NULL: it is a write */
    const void *out; /* of a write */
    int count;
    MPI_Datatype type;
    MPI_Status *status;
} transfer;

/* false: it has failed. A read that is short without a reason has come to the end of the file. */
static bool move(const transfer *t, int *result, int *failure) {
    errno = 0;
    *result = t->in ? PMPI_File_read_at(t->file, t->offset, t->in, t->count, t->type, t->status)
                    : PMPI_File_write_at(t->file, t->offset, t->out, t->count, t->type, t->status);
    *failure = errno;
    if (*result != MPI_SUCCESS)
        return false;
    return is_whole(t->status, t->type, t->count) || (t->in && !tf_storage_may_recover(*failure));
}

/* Is less than all moved, though nothing is wrong? Then the next time it may be all. */
static bool move_again(const transfer *t, int *result, int *failure) {
    enum { TIMES = 3 };
    bool good = move(t, result, failure);
    for (int n = 1; n < TIMES && *result == MPI_SUCCESS && *failure == 0 && !is_whole(t->status, t->type, t->count);
         n++)
        good = move(t, result, failure);
    return good;
}

static bool is_waited_for(tf_patience *waits, int failure) {
    tf_error error;
    tf_error_set(&error, tf_err_of_storage(failure), "the output: %s", strerror(failure));
    return tf_patience_wait(waits, &error);
}

static int transfer_patiently(const transfer *t) {
    int result, failure;
    MPI_Errhandler handler = silence(t->file);
    tf_patience waits = {.limit = handler == MPI_ERRORS_RETURN ? 0 : patience};
    bool good = move_again(t, &result, &failure);
    while (!good && is_waited_for(&waits, failure))
        good = move_again(t, &result, &failure);
    tf_patience_end(&waits, good ? TF_OK : TF_ERR_RUN, "the output");
    restore_handler(t->file, handler);
    return good ? result : report_failure(t->file, result, failure);
}

int MPI_File_write_at(MPI_File file, MPI_Offset offset, const void *data, int count, MPI_Datatype type,
                      MPI_Status *status) {
    MPI_Status own = {0};
    return transfer_patiently(&(transfer){.file = file,
                                          .offset = offset,
                                          .out = data,
                                          .count = count,
                                          .type = type,
                                          .status = status == MPI_STATUS_IGNORE ? &own : status});
}

int MPI_File_read_at(MPI_File file, MPI_Offset offset, void *data, int count, MPI_Datatype type, MPI_Status *status) {
    MPI_Status own = {0};
    return transfer_patiently(&(transfer){.file = file,
                                          .offset = offset,
                                          .in = data,
                                          .count = count,
                                          .type = type,
                                          .status = status == MPI_STATUS_IGNORE ? &own : status});
}

/* Of a call that is not made again. */
static int end_call(MPI_File file, MPI_Errhandler handler, int result) {
    const int failure = errno;
    restore_handler(file, handler);
    return result == MPI_SUCCESS ? result : report_failure(file, result, failure);
}

int MPI_File_sync(MPI_File file) {
    MPI_Errhandler handler = silence(file);
    errno = 0;
    return end_call(file, handler, PMPI_File_sync(file));
}

int MPI_File_set_size(MPI_File file, MPI_Offset size) {
    MPI_Errhandler handler = silence(file);
    errno = 0;
    return end_call(file, handler, PMPI_File_set_size(file, size));
}
