/* What MPI and HDF5 cost with nothing in between. Prints seconds, but for hello, which is timed from outside.
 *
 *     bare_mpi hello FILE       every rank starts, opens and closes an HDF5 file together with the others, and ends
 *     bare_mpi dispatch TASKS   rank 0 sends each task in a message of its own, to whoever has sent the last one back
 */
#include <hdf5.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAG_TASK = 1, TAG_DONE, TAG_END };

static int hello(const char *path) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_mpio(access, MPI_COMM_WORLD, MPI_INFO_NULL);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    return file < 0 || H5Fclose(file) < 0;
}

static void hand_out(int64_t tasks, int workers) {
    int64_t begun = 0, task;
    MPI_Status from;
    for (int w = 1; w <= workers; w++, begun++)
        MPI_Send(&begun, 1, MPI_INT64_T, w, begun < tasks ? TAG_TASK : TAG_END, MPI_COMM_WORLD);
    for (int64_t ended = 0; ended < tasks; ended++, begun++) {
        MPI_Recv(&task, 1, MPI_INT64_T, MPI_ANY_SOURCE, TAG_DONE, MPI_COMM_WORLD, &from);
        MPI_Send(&begun, 1, MPI_INT64_T, from.MPI_SOURCE, begun < tasks ? TAG_TASK : TAG_END, MPI_COMM_WORLD);
    }
}

static void work(void) {
    int64_t task;
    MPI_Status status;
    for (;;) {
        MPI_Recv(&task, 1, MPI_INT64_T, 0, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
        if (status.MPI_TAG == TAG_END)
            return;
        MPI_Send(&task, 1, MPI_INT64_T, 0, TAG_DONE, MPI_COMM_WORLD);
    }
}

static void dispatch(int64_t tasks) {
    int rank, ranks;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    MPI_Barrier(MPI_COMM_WORLD);
    double started = MPI_Wtime();
    if (rank == 0)
        hand_out(tasks, ranks - 1);
    else
        work();
    if (rank == 0)
        printf("%.6f\n", MPI_Wtime() - started);
}

int main(int argc, char **argv) {
    int status = 2;
    MPI_Init(&argc, &argv);
    if (argc == 3 && strcmp(argv[1], "hello") == 0) {
        status = hello(argv[2]);
    } else if (argc == 3 && strcmp(argv[1], "dispatch") == 0) {
        dispatch(atoll(argv[2]));
        status = 0;
    }
    MPI_Finalize();
    return status;
}
