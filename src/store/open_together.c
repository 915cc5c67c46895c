/* The output is opened by all ranks, through MPI-IO. */
#include "store/access.h"
#include "store/disk.h"

/* Ranks that make a dataset together must all put it in the same place: the first one looks. */
static int64_t find_alignment(const char *path, MPI_Comm comm, const tf_campaign *campaign) {
    int rank;
    int64_t step = 1;
    MPI_Comm_rank(comm, &rank);
    if (rank == 0) {
        const disk_info under = disk_find(path);
        step = disk_alignment(&under, campaign);
    }
    MPI_Bcast(&step, 1, MPI_INT64_T, 0, comm);
    return step;
}

static MPI_Info make_hints(const tf_campaign *campaign) {
    MPI_Info info = MPI_INFO_NULL;
    if (campaign->hints)
        MPI_Info_create(&info);
    for (int i = 0; i < campaign->hints; i++)
        MPI_Info_set(info, campaign->hint[i].name, campaign->hint[i].value);
    return info;
}

/* With each flush HDF5 goes through all that it remembers of the file: it is to remember no more of stages that have
 * ended than of the one that is at work. */
static void limit_memory(hid_t access) {
    enum { BYTES = 1 << 18 };
    H5AC_cache_config_t config = {.version = H5AC__CURR_CACHE_CONFIG_VERSION};
    if (H5Pget_mdc_config(access, &config) < 0)
        return;
    config.set_initial_size = true;
    config.initial_size = config.min_size = config.max_size = BYTES;
    config.incr_mode = H5C_incr__off;
    config.flash_incr_mode = H5C_flash_incr__off;
    config.decr_mode = H5C_decr__off;
    H5Pset_mdc_config(access, &config);
}

hid_t store_open_together(const char *path, MPI_Comm comm, const tf_campaign *campaign) {
    hid_t access = store_access(find_alignment(path, comm, campaign));
    MPI_Info info = make_hints(campaign);
    H5Pset_fapl_mpio(access, comm, info);
    if (info != MPI_INFO_NULL)
        MPI_Info_free(&info);
    limit_memory(access);
    H5Pset_coll_metadata_write(access, false);
    H5Pset_all_coll_metadata_ops(access, false);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    return file;
}
