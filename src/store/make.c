/* Datasets are made with all their room in the file at once, and nothing is filled: rows are plain writes at known
 * places from then on. */
#include "store/make.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_zeros(int fd, off_t from, off_t end) {
    enum { AT_ONCE = 1 << 20 };
    char *zeros = tf_alloc(AT_ONCE);
    bool good = true;
    while (good && from < end) {
        const ssize_t put = pwrite(fd, zeros, end - from < AT_ONCE ? (size_t)(end - from) : AT_ONCE, from);
        good = put > 0 || (put < 0 && errno == EINTR);
        from += put > 0 ? put : 0;
    }
    free(zeros);
    return good;
}

/* Clears what lies from `from` to `end` in the file. Holes are zeros already. */
static bool clear_bytes(int fd, off_t from, off_t end) {
    struct stat info;
    bool good = fstat(fd, &info) == 0;
    end = good && end > info.st_size ? info.st_size : end;
    while (good && from < end) {
        const off_t data = lseek(fd, from, SEEK_DATA);
        if (data < 0 && errno == ENXIO) /* only a hole is left */
            break;
        from = data > from ? data : from;
        const off_t hole = data < 0 ? -1 : lseek(fd, from, SEEK_HOLE); /* -1: the file system does not tell */
        const off_t stop = hole < 0 || hole > end ? end : hole;
        good = write_zeros(fd, from, stop);
        from = stop;
    }
    return good;
}

/* HDF5 may give a new dataset room in the file that an older one had. */
static void clear_old_bytes(tf_store *s, hid_t dataset) {
    contents_table place = {.offset = -1};
    h5_fault fault = {0};
    contents_place(dataset, &place, &fault);
    const int64_t size = place.rows * place.row_bytes;
    if (s->team.rank != 0 || place.offset < 0 || size == 0)
        return;
    const int fd = s->fd >= 0 ? s->fd : open(s->path, O_RDWR | O_CLOEXEC);
    if ((fd < 0 || !clear_bytes(fd, place.offset, place.offset + size)) && !s->uncleared)
        s->uncleared = errno;
    if (fd >= 0 && fd != s->fd)
        close(fd);
}

/* A dataset with room in the file. Takes `how` and `space`. */
static hid_t make_dataset(tf_store *s, hid_t parent, const char *name, hid_t type, hid_t space, hid_t how) {
    H5Pset_alloc_time(how, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(how, H5D_FILL_TIME_NEVER);
    hid_t dataset = H5Dcreate2(parent, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
    H5Pclose(how);
    H5Sclose(space);
    if (dataset >= 0)
        clear_old_bytes(s, dataset);
    return dataset;
}

hid_t store_dataset(tf_store *s, hid_t parent, const char *name, hid_t type, int rank, const hsize_t *shape) {
    hid_t how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(how, H5D_CONTIGUOUS);
    return make_dataset(s, parent, name, type, H5Screate_simple(rank, shape, NULL), how);
}

/* HDF5 keeps chunks so without an index of any kind, if the format may be that of 1.10: their number is fixed, there
 * is nothing to compress, and all have their place from the beginning. The file's superblock stays as it is. */
hid_t store_array_dataset(tf_store *s, hid_t parent, const char *name, hid_t type, const tf_grid *grid) {
    hsize_t shape[TF_MAX_RANK], chunk[TF_MAX_RANK];
    for (int d = 0; d < grid->rank; d++) {
        shape[d] = (hsize_t)grid->shape[d];
        chunk[d] = (hsize_t)grid->chunk[d];
        if (grid->shape[d] == 0)
            return store_dataset(s, parent, name, type, grid->rank, shape);
    }
    hid_t how = H5Pcreate(H5P_DATASET_CREATE), file = H5Iget_file_id(parent);
    H5Pset_chunk(how, grid->rank, chunk);
    H5Fset_libver_bounds(file, H5F_LIBVER_V110, H5F_LIBVER_V110);
    hid_t dataset = make_dataset(s, parent, name, type, H5Screate_simple(grid->rank, shape, NULL), how);
    H5Fset_libver_bounds(file, H5F_LIBVER_V18, H5F_LIBVER_V18);
    H5Fclose(file);
    return dataset;
}

/* `label`: the name by which readers know the scale. */
static hid_t make_scale(tf_store *s, hid_t parent, const char *name, hid_t type, hsize_t length, const char *label) {
    hid_t how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(how, H5D_CONTIGUOUS);
    H5Pset_attr_phase_change(how, 0, 0); /* dense: the list of what it is attached to may pass 64 KB */
    hid_t dataset = make_dataset(s, parent, name, type, H5Screate_simple(1, &length, NULL), how);
    if (dataset < 0 || H5DSset_scale(dataset, label) >= 0)
        return dataset;
    H5Dclose(dataset);
    return H5I_INVALID_HID;
}

hid_t store_coordinate(tf_store *s, hid_t parent, const char *name, hid_t type, hsize_t length) {
    return make_scale(s, parent, name, type, length, name);
}

hid_t store_dimension(tf_store *s, hid_t parent, const char *name, hsize_t length) {
    char label[80]; /* the netCDF-4 format's own words, by which readers know it */
    snprintf(label, sizeof label, "This is a netCDF dimension but not a netCDF variable. %9llu",
             (unsigned long long)length);
    return make_scale(s, parent, name, H5T_STD_U8LE, length, label);
}
