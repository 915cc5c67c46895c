/* Preloaded into taskfarm by tests: whoever makes an HDF5 file is found out. */
#include <hdf5.h>
#include <unistd.h>

hid_t H5Fcreate(const char *name, unsigned flags, hid_t how, hid_t access) {
    static const char text[] = "H5Fcreate was called\n";
    (void)name, (void)flags, (void)how, (void)access;
    _exit(write(2, text, sizeof text - 1) < 0 ? 98 : 99);
}
