/* HDF5 copies objects with all that they point to, but (1.10) crashes where dimensions point back. So datasets are
 * copied without attributes, which are made anew. */
#include "store/read/copy.h"

#include <hdf5_hl.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

/* ---- Attributes ---- */

static bool copy_value(hid_t source, hid_t to, const char *name) {
    hid_t type = H5Aget_type(source), space = H5Aget_space(source);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    void *value = tf_alloc_array(count > 0 ? (size_t)count : 1, H5Tget_size(type));
    const bool was_read = H5Aread(source, type, value) >= 0;
    hid_t attribute = was_read ? H5Acreate2(to, name, type, space, H5P_DEFAULT, H5P_DEFAULT) : H5I_INVALID_HID;
    const bool good = attribute >= 0 && H5Awrite(attribute, type, value) >= 0;
    if (was_read)
        H5Dvlen_reclaim(type, space, H5P_DEFAULT, value);
    if (attribute >= 0)
        H5Aclose(attribute);
    free(value);
    H5Sclose(space);
    H5Tclose(type);
    return good;
}

/* Those that make a dimension of a dataset are written by H5DSset_scale. */
static bool is_of_dimension(const char *name) {
    return strcmp(name, "CLASS") == 0 || strcmp(name, "NAME") == 0;
}

static herr_t copy_attribute(hid_t from, const char *name, const H5A_info_t *info, void *context) {
    const hid_t to = *(const hid_t *)context;
    (void)info;
    hid_t source = H5Aopen(from, name, H5P_DEFAULT), type = H5Aget_type(source);
    const bool points = H5Tdetect_class(type, H5T_REFERENCE) > 0;
    H5Tclose(type);
    const bool good =
        source >= 0 && (points || is_of_dimension(name) || H5Aexists(to, name) > 0 || copy_value(source, to, name));
    H5Aclose(source);
    return good ? 0 : -1;
}

bool copy_attributes(hid_t from, hid_t to) {
    return H5Aiterate2(from, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, copy_attribute, &to) >= 0;
}

/* ---- Datasets ---- */

static char *path_of(hid_t object) {
    const ssize_t length = H5Iget_name(object, NULL, 0);
    char *path = length > 0 ? tf_alloc((size_t)length + 1) : NULL;
    if (path)
        H5Iget_name(object, path, (size_t)length + 1);
    return path;
}

static bool copy_rows(hid_t dataset, hid_t file, const char *path) {
    hid_t how = H5Pcreate(H5P_OBJECT_COPY), links = H5Pcreate(H5P_LINK_CREATE);
    H5Pset_copy_object(how, H5O_COPY_WITHOUT_ATTR_FLAG);
    H5Pset_create_intermediate_group(links, 1);
    const herr_t result = H5Ocopy(dataset, ".", file, path, how, links);
    H5Pclose(links);
    H5Pclose(how);
    return result >= 0;
}

static bool is_there(hid_t file, const char *path) {
    return H5Oexists_by_name(file, path, H5P_DEFAULT) > 0;
}

/* A dimension's own dataset, which may hold no numbers. */
static hid_t copy_scale(hid_t scale, hid_t file) {
    char label[200] = "", *path = path_of(scale);
    hid_t made = H5I_INVALID_HID;
    if (path && is_there(file, path)) {
        made = H5Dopen2(file, path, H5P_DEFAULT);
    } else if (path && copy_rows(scale, file, path)) {
        made = H5Dopen2(file, path, H5P_DEFAULT);
        H5DSget_scale_name(scale, label, sizeof label);
        if (made >= 0 && (!copy_attributes(scale, made) || H5DSset_scale(made, label) < 0)) {
            H5Dclose(made);
            made = H5I_INVALID_HID;
        }
    }
    free(path);
    return made;
}

typedef struct attaching {
    hid_t dataset, file; /* the copies */
} attaching;

static herr_t attach_scale(hid_t dataset, unsigned dimension, hid_t scale, void *context) {
    const attaching *a = context;
    (void)dataset;
    hid_t made = copy_scale(scale, a->file);
    const herr_t result = made < 0 ? -1 : H5DSattach_scale(a->dataset, made, dimension);
    if (made >= 0)
        H5Dclose(made);
    return result < 0 ? -1 : 1; /* 1: a dimension has one */
}

static bool attach_scales(hid_t dataset, hid_t made, hid_t file) {
    attaching a = {.dataset = made, .file = file};
    hid_t space = H5Dget_space(dataset);
    const int rank = H5Sget_simple_extent_ndims(space);
    bool good = rank >= 0;
    for (int d = 0; d < rank && good; d++)
        if (H5DSget_num_scales(dataset, (unsigned)d) > 0)
            good = H5DSiterate_scales(dataset, (unsigned)d, NULL, attach_scale, &a) >= 0;
    H5Sclose(space);
    return good;
}

static bool copy_plain(hid_t dataset, hid_t file) {
    char *path = path_of(dataset);
    bool good = path != NULL;
    if (good && !is_there(file, path)) {
        good = copy_rows(dataset, file, path);
        hid_t made = good ? H5Dopen2(file, path, H5P_DEFAULT) : H5I_INVALID_HID;
        good = made >= 0 && copy_attributes(dataset, made) && attach_scales(dataset, made, file);
        if (made >= 0)
            H5Dclose(made);
    }
    free(path);
    return good;
}

bool copy_dataset(hid_t dataset, hid_t file) {
    if (H5DSis_scale(dataset) <= 0)
        return copy_plain(dataset, file);
    hid_t made = copy_scale(dataset, file);
    if (made >= 0)
        H5Dclose(made);
    return made >= 0;
}
