/* Preloaded into taskfarm by tests: whoever calls MPI_Init or makes an HDF5 file is found out. */
#include <hdf5.h>
#include <mpi.h>
#include <unistd.h>

static _Noreturn void refuse(const char *text, size_t size) {
    _exit(write(2, text, size) < 0 ? 98 : 99);
}

int MPI_Init(int *argc, char ***argv) {
    (void)argc, (void)argv;
    static const char text[] = "MPI_Init was called\n";
    refuse(text, sizeof text - 1);
}

hid_t H5Fcreate(const char *name, unsigned flags, hid_t how, hid_t access) {
    (void)name, (void)flags, (void)how, (void)access;
    static const char text[] = "H5Fcreate was called\n";
    refuse(text, sizeof text - 1);
}
