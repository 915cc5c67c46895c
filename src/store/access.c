/* Files are opened with the oldest format that does, in which no writer leaves a lock, and in the same way by all who
 * open them. */
#include "store/access.h"

#include <stdlib.h>

#include "store/disk.h"

/* Its older versions know a variable alone, and look at it whenever a file is opened. */
void store_lock_nothing(hid_t access) {
#if H5_VERSION_GE(1, 10, 7) && !(H5_VERS_MAJOR == 1 && H5_VERS_MINOR == 12 && H5_VERS_RELEASE == 0)
    H5Pset_file_locking(access, false, true);
#else
    (void)access;
    setenv("HDF5_USE_FILE_LOCKING", "FALSE", false);
#endif
}

/* A superblock that no writer locks. Nor does HDF5 lock the file itself: runs are kept apart by our own lock, and
 * somebody who reads along is not to stop one. */
hid_t store_access(int64_t alignment) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    store_lock_nothing(access);
    if (alignment)
        H5Pset_alignment(access, (hsize_t)alignment, (hsize_t)alignment);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    return access;
}

hid_t store_file_access(const char *path, const tf_campaign *writer) {
    if (!writer)
        return store_access(0);
    const disk_info under = disk_find(path);
    return store_access(disk_alignment(&under, writer));
}

hid_t store_open_file(const char *path, const tf_campaign *writer) {
    hid_t access = store_file_access(path, writer);
    hid_t file = H5Fopen(path, writer ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access);
    const hid_t why = file < 0 ? H5Eget_current_stack() : H5I_INVALID_HID; /* the next call clears it */
    H5Pclose(access);
    if (why >= 0)
        H5Eset_current_stack(why);
    return file;
}
