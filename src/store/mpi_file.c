/* Open MPI's MPI-IO is silent about writes that fail: MPI_File_write_at returns success and does not call the file's
 * error handler; only the count in the status is short. HDF5 looks at the count, but goes on with its collective calls,
 * in which the ranks then wait for each other for ever. And where MPI does tell, it has often forgotten why. So the
 * program takes the place of the two functions by which HDF5 writes, as MPI provides for ("Profiling Interface"), and
 * calls the file's handler with the system's reason: see store/vigil.c.
 * This is linked into the program, not into the library, which must not change the MPI of somebody else's program.
 */
#include <errno.h>
#include <mpi.h>
#include <string.h>

/* The handler is to be called once, by us. */
static MPI_Errhandler silence(MPI_File file) {
    MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
    if (MPI_File_get_errhandler(file, &handler) == MPI_SUCCESS)
        MPI_File_set_errhandler(file, MPI_ERRORS_RETURN);
    errno = 0;
    return handler;
}

static void restore_handler(MPI_File file, MPI_Errhandler handler) {
    if (handler == MPI_ERRHANDLER_NULL)
        return;
    MPI_File_set_errhandler(file, handler);
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

int MPI_File_write_at(MPI_File file, MPI_Offset offset, const void *data, int count, MPI_Datatype type,
                      MPI_Status *status) {
    MPI_Status own;
    int written = count;
    if (status == MPI_STATUS_IGNORE)
        status = &own;
    MPI_Errhandler handler = silence(file);
    const int result = PMPI_File_write_at(file, offset, data, count, type, status);
    const int failure = errno;
    restore_handler(file, handler);
    if (result == MPI_SUCCESS && (MPI_Get_count(status, type, &written) != MPI_SUCCESS || written == count))
        return result;
    return report_failure(file, result, failure);
}

int MPI_File_sync(MPI_File file) {
    MPI_Errhandler handler = silence(file);
    const int result = PMPI_File_sync(file);
    const int failure = errno;
    restore_handler(file, handler);
    return result == MPI_SUCCESS ? result : report_failure(file, result, failure);
}
