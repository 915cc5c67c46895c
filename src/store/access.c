/* Files are opened with the oldest format that does, in which no writer leaves a lock, and in the same way on all
 * ranks. */
#include "store/access.h"

#include "store/disk.h"

/* Where HDF5 lets itself be told, from 1.10.7 on. */
void store_lock_nothing(hid_t access) {
#if H5_VERSION_GE(1, 10, 7) && !(H5_VERS_MAJOR == 1 && H5_VERS_MINOR == 12 && H5_VERS_RELEASE == 0)
    H5Pset_file_locking(access, false, true);
#else
    (void)access;
#endif
}

/* Ranks that make a dataset together must all put it in the same place: the first one looks. */
static hsize_t alignment(const char *path, MPI_Comm comm, const tf_campaign *campaign) {
    int rank = 0;
    int64_t step = 1;
    if (comm != MPI_COMM_NULL)
        MPI_Comm_rank(comm, &rank);
    if (rank == 0) {
        const disk_info under = disk_find(path);
        step = disk_alignment(&under, campaign);
    }
    if (comm != MPI_COMM_NULL)
        MPI_Bcast(&step, 1, MPI_INT64_T, 0, comm);
    return (hsize_t)step;
}

static MPI_Info hints(const tf_campaign *campaign) {
    MPI_Info info = MPI_INFO_NULL;
    if (campaign && campaign->hints)
        MPI_Info_create(&info);
    for (int i = 0; campaign && i < campaign->hints; i++)
        MPI_Info_set(info, campaign->hint[i].name, campaign->hint[i].value);
    return info;
}

/* A superblock that no writer locks. Nor does HDF5 lock the file itself: runs are kept apart by our own lock, and
 * somebody who reads along is not to stop one. */
hid_t store_file_access(const char *path, MPI_Comm comm, const tf_campaign *campaign) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    store_lock_nothing(access);
    if (campaign) {
        const hsize_t step = alignment(path, comm, campaign);
        H5Pset_alignment(access, step, step);
    }
    if (comm != MPI_COMM_NULL) {
        MPI_Info info = hints(campaign);
        H5Pset_fapl_mpio(access, comm, info);
        if (info != MPI_INFO_NULL)
            MPI_Info_free(&info);
        H5Pset_coll_metadata_write(access, false);
        H5Pset_all_coll_metadata_ops(access, false);
    }
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    return access;
}

hid_t store_open_file(const char *path, MPI_Comm comm, const tf_campaign *writer) {
    hid_t access = store_file_access(path, comm, writer);
    hid_t file = H5Fopen(path, writer ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return file;
}
