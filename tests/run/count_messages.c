/* Preloaded into taskfarm by tests and benchmarks: counts the messages and bytes that each rank sends and receives
 * point to point, and the bytes that it gets by broadcast. At the end each rank appends a line to the file that
 * COUNT_MESSAGES names:
 *
 *     rank sends bytes-sent receives bytes-received bytes-broadcast cpu-us reply-us
 *
 * cpu is the process's, from MPI_Init to MPI_Finalize; reply is the median time from a report of a worker to the grant
 * that answers it, 0 if there was none. MPI-IO and other parts of the library talk below these functions and are not
 * counted. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "farm/protocol.h"

enum { MOST_REPLIES = 1 << 16 };

static long long sends, sent, receives, received, broadcast;
static double cpu_at_start, reported, reply[MOST_REPLIES];
static size_t replies;

static long long bytes_of(int count, MPI_Datatype type) {
    int size;
    MPI_Type_size(type, &size);
    return (long long)count * size;
}

static void count_send(int tag, long long bytes) {
    sends++;
    sent += bytes;
    if (tag == TAG_REPORT)
        reported = MPI_Wtime();
}

static void count_receive(int tag, long long bytes) {
    receives++;
    received += bytes;
    if (tag == TAG_GRANT && reported > 0 && replies < MOST_REPLIES)
        reply[replies++] = MPI_Wtime() - reported;
    reported = 0;
}

int MPI_Isend(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm, MPI_Request *request) {
    count_send(tag, bytes_of(count, type));
    return PMPI_Isend(data, count, type, to, tag, comm, request);
}

int MPI_Send(const void *data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
    count_send(tag, bytes_of(count, type));
    return PMPI_Send(data, count, type, to, tag, comm);
}

int MPI_Mrecv(void *data, int count, MPI_Datatype type, MPI_Message *message, MPI_Status *status) {
    MPI_Status own;
    int result = PMPI_Mrecv(data, count, type, message, &own);
    count_receive(own.MPI_TAG, bytes_of(count, type));
    if (status != MPI_STATUS_IGNORE)
        *status = own;
    return result;
}

int MPI_Recv(void *data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm, MPI_Status *status) {
    count_receive(tag, bytes_of(count, type));
    return PMPI_Recv(data, count, type, from, tag, comm, status);
}

int MPI_Bcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm) {
    broadcast += bytes_of(count, type);
    return PMPI_Bcast(data, count, type, root, comm);
}

static double cpu_seconds(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
           1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

int MPI_Init(int *argc, char ***argv) {
    int result = PMPI_Init(argc, argv);
    cpu_at_start = cpu_seconds();
    return result;
}

static int shorter_first(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int MPI_Finalize(void) {
    int rank;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    qsort(reply, replies, sizeof *reply, shorter_first);
    FILE *file = fopen(getenv("COUNT_MESSAGES"), "a");
    if (file) {
        fprintf(file, "%d %lld %lld %lld %lld %lld %.0f %.0f\n", rank, sends, sent, receives, received, broadcast,
                1e6 * (cpu_seconds() - cpu_at_start), replies ? 1e6 * reply[replies / 2] : 0);
        fclose(file);
    }
    return PMPI_Finalize();
}
