/* Preloaded into taskfarm by tests: counts the messages and bytes that each rank sends and receives point to point, and
 * the bytes that it gets by broadcast. At the end each rank appends a line to the file that COUNT_MESSAGES names: rank
 * sends bytes-sent receives bytes-received bytes-broadcast MPI-IO and other parts of the library talk below these
 * functions and are not counted. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

static long long sends, sent, receives, received, broadcast;

static long long bytes_of(int count, MPI_Datatype type) {
    int size;
    MPI_Type_size(type, &size);
    return (long long)count * size;
}

int MPI_Isend(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request) {
    sends++;
    sent += bytes_of(count, type);
    return PMPI_Isend(data, count, type, to, tag, comm, request);
}

int MPI_Send(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
    sends++;
    sent += bytes_of(count, type);
    return PMPI_Send(data, count, type, to, tag, comm);
}

int MPI_Mrecv(void *data, int count, MPI_Datatype type, MPI_Message *message, MPI_Status *status) {
    receives++;
    received += bytes_of(count, type);
    return PMPI_Mrecv(data, count, type, message, status);
}

int MPI_Recv(void *data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Status *status) {
    receives++;
    received += bytes_of(count, type);
    return PMPI_Recv(data, count, type, from, tag, comm, status);
}

int MPI_Bcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm) {
    broadcast += bytes_of(count, type);
    return PMPI_Bcast(data, count, type, root, comm);
}

int MPI_Finalize(void) {
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    FILE *file = fopen(getenv("COUNT_MESSAGES"), "a");
    if (file) {
        fprintf(file, "%d %lld %lld %lld %lld %lld\n", rank, sends, sent, receives, received, broadcast);
        fclose(file);
    }
    return PMPI_Finalize();
}
