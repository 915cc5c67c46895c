/* Open MPI's MPI-IO is silent about writes that fail: MPI_File_write_at returns success and does not call the file's
 * error handler; only the count in the status is short. HDF5 looks at the count, but goes on with its collective calls,
 * in which the ranks then wait for each other for ever. And where a sync fails MPI has forgotten why. So the program
 * takes the place of these two functions, as MPI provides for ("Profiling Interface"), and calls the file's handler
 * with the system's reason: see store/vigil.c. What MPI's write itself takes for an error its handler has been told.
 * This is linked into the program, not into the library, which must not change the MPI of somebody else's program.
 */
#include <errno.h>
#include <mpi.h>
#include <string.h>

/* Returns the error code, whose text is the reason. */
static int report_failure(MPI_File file, const char *reason) {
    int code = MPI_ERR_IO;
    if (MPI_Add_error_code(MPI_ERR_IO, &code) == MPI_SUCCESS)
        MPI_Add_error_string(code, reason);
    MPI_File_call_errhandler(file, code);
    return code;
}

int MPI_File_write_at(MPI_File file, MPI_Offset offset, const void *data, int count, MPI_Datatype type,
                      MPI_Status *status) {
    MPI_Status own;
    int written = count;
    if (status == MPI_STATUS_IGNORE)
        status = &own;
    errno = 0;
    const int result = PMPI_File_write_at(file, offset, data, count, type, status);
    const int failure = errno;
    if (result != MPI_SUCCESS || MPI_Get_count(status, type, &written) != MPI_SUCCESS || written == count)
        return result;
    return report_failure(file, failure ? strerror(failure) : "less was written than was to be");
}

/* The handler is to be called once, by us. */
int MPI_File_sync(MPI_File file) {
    MPI_Errhandler handler;
    if (MPI_File_get_errhandler(file, &handler) != MPI_SUCCESS)
        return PMPI_File_sync(file);
    MPI_File_set_errhandler(file, MPI_ERRORS_RETURN);
    errno = 0;
    const int result = PMPI_File_sync(file);
    const int failure = errno;
    MPI_File_set_errhandler(file, handler);
    MPI_Errhandler_free(&handler);
    if (result == MPI_SUCCESS)
        return result;
    return report_failure(file, failure ? strerror(failure) : "it can't be synced to disk");
}
