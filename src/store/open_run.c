/* A run opens its output. Which driver of HDF5 is at work is not seen in the file, nor by a kill -9: both are told to
 * keep nothing of rows to themselves, and no more of the file's metadata than they must. */
#include "store/access.h"
#include "store/disk.h"

/* Ranks that make a dataset together must all put it in the same place: the first one looks. */
static int64_t find_alignment(const char *path, const tf_team *team, const tf_campaign *campaign) {
    int64_t step = 1;
    if (team->rank == 0) {
        const disk_info under = disk_find(path);
        step = disk_alignment(&under, campaign);
    }
    tf_team_broadcast(team, &step, sizeof step);
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

static hid_t open_and_close(const char *path, hid_t access) {
    limit_memory(access);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, access);
    H5Pclose(access);
    return file;
}

/* HDF5 gathers what a process alone writes, small pieces of datasets and chunks of arrays, and writes it later, in an
 * order of its own; or with the next flush, which may never be. A row must not be done before it is in the file: there
 * is to be no room to gather anything. */
hid_t store_open_alone(const char *path, const tf_campaign *campaign) {
    hid_t access = store_file_access(path, campaign);
    H5Pset_sieve_buf_size(access, 0);
    H5Pset_cache(access, 0, 0, 0, 0);
    return open_and_close(path, access);
}

hid_t store_open_together(const char *path, const tf_team *team, const tf_campaign *campaign) {
    hid_t access = store_access(find_alignment(path, team, campaign));
    MPI_Info info = make_hints(campaign);
    H5Pset_fapl_mpio(access, team->comm, info);
    if (info != MPI_INFO_NULL)
        MPI_Info_free(&info);
    H5Pset_coll_metadata_write(access, false);
    H5Pset_all_coll_metadata_ops(access, false);
    return open_and_close(path, access);
}
