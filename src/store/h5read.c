/* Reading what may be damaged (see h5read.h). Opening an object makes HDF5 read no more than its header: it is what is
 * done with the object then that would follow external files and virtual sources. */
#include "store/h5read.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/storage.h"

/* For H5Ewalk2. */
static herr_t find_failure(unsigned n, const H5E_error2_t *entry, void *failure) {
    if (n == 0 && entry->desc)
        *(int *)failure = tf_storage_failure_in(entry->desc);
    return 0;
}

int h5_failure(void) {
    int failure = 0;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, find_failure, &failure);
    return failure;
}

void h5_note(h5_fault *fault, hid_t object, const char *name, const char *format, ...) {
    char path[200] = "";
    if (*fault->text)
        return;
    fault->failure = h5_failure(); /* before HDF5 is called again */
    H5Iget_name(object, path, sizeof path);
    const bool is_root = strcmp(path, "/") == 0;
    int length = snprintf(fault->text, sizeof fault->text, "%s%s%.150s: ", is_root ? "" : path,
                          name && *name != '/' ? "/" : "", name ? name : "");
    va_list args;
    va_start(args, format);
    vsnprintf(fault->text + length, sizeof fault->text - (size_t)length, format, args);
    va_end(args);
}

/* ---- Objects ---- */

bool h5_is_hard(hid_t parent, const char *name, const H5L_info_t *link, h5_fault *fault) {
    if (link->type != H5L_TYPE_HARD)
        h5_note(fault, parent, name, "is a link to something else");
    return link->type == H5L_TYPE_HARD;
}

/* HDF5 asks whether it may follow an external link. */
static herr_t refuse_file(const char *parent_file, const char *parent, const char *file, const char *object,
                          unsigned *flags, hid_t access, void *context) {
    (void)parent_file, (void)parent, (void)file, (void)object, (void)flags, (void)access, (void)context;
    return -1;
}

/* From group to group. Of a single link H5Lget_info would tell what it is; but where one rank of several asks it, what
 * HDF5 has in memory is no longer the same on all of them, and the next collective call does not come back. */
static hid_t open_object(hid_t parent, const char *path, h5_fault *fault) {
    tf_buf name = {0};
    hid_t object = parent, inside = H5Pcreate(H5P_LINK_ACCESS);
    H5Pset_elink_cb(inside, refuse_file, NULL);
    while (object > 0 && *(path += strspn(path, "/"))) {
        const size_t length = strcspn(path, "/");
        tf_buf_clear(&name);
        tf_buf_add(&name, path, length);
        const bool there = H5Lexists(object, name.data, H5P_DEFAULT) > 0;
        hid_t next = there ? H5Oopen(object, name.data, inside) : 0;
        if (next < 0)
            h5_note(fault, object, name.data, "can't be opened");
        if (object != parent)
            H5Oclose(object);
        object = next;
        path += length;
    }
    H5Pclose(inside);
    tf_buf_free(&name);
    return object == parent ? 0 : object;
}

static hid_t open_as(hid_t parent, const char *path, H5I_type_t type, h5_fault *fault) {
    hid_t object = open_object(parent, path, fault);
    if (object <= 0 || H5Iget_type(object) == type)
        return object;
    h5_note(fault, object, NULL, type == H5I_GROUP ? "is not a group" : "is not a dataset");
    H5Oclose(object);
    return -1;
}

hid_t h5_open_group(hid_t parent, const char *path, h5_fault *fault) {
    return open_as(parent, path, H5I_GROUP, fault);
}

hid_t h5_open_dataset(hid_t parent, const char *path, h5_fault *fault) {
    hid_t dataset = open_as(parent, path, H5I_DATASET, fault);
    if (dataset <= 0 || h5_is_inside(dataset, fault))
        return dataset;
    H5Dclose(dataset);
    return -1;
}

/* ---- Datasets ---- */

/* HDF5 tells a place for datasets alone that are contiguous in the file itself; to ask for how one was made takes it
 * twenty times as long. */
bool h5_is_inside(hid_t dataset, h5_fault *fault) {
    if (H5Dget_offset(dataset) != HADDR_UNDEF)
        return true;
    hid_t how = H5Dget_create_plist(dataset);
    const H5D_layout_t layout = how < 0 ? H5D_LAYOUT_ERROR : H5Pget_layout(how);
    const bool external = how < 0 || H5Pget_external_count(how) != 0, filtered = how < 0 || H5Pget_nfilters(how) != 0;
    H5Pclose(how);
    if (layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED && layout != H5D_COMPACT)
        h5_note(fault, dataset, NULL, "has its rows in other datasets");
    else if (external)
        h5_note(fault, dataset, NULL, "has its rows in another file");
    else if (filtered)
        h5_note(fault, dataset, NULL, "is compressed, which an output of taskfarm never is");
    else
        return true;
    return false;
}

bool h5_chunk(hid_t dataset, int rank, hsize_t *chunk) {
    hid_t how = H5Dget_create_plist(dataset);
    const bool chunked = H5Pget_layout(how) == H5D_CHUNKED && (!chunk || H5Pget_chunk(how, rank, chunk) == rank);
    H5Pclose(how);
    return chunked;
}

int h5_shape(hid_t dataset, hsize_t *shape, h5_fault *fault) {
    hid_t space = H5Dget_space(dataset);
    int rank = H5Sget_simple_extent_ndims(space);
    if (rank < 0 || rank > H5_RANKS) {
        h5_note(fault, dataset, NULL, "has %d dimensions", rank);
        rank = -1;
    } else {
        H5Sget_simple_extent_dims(space, shape, NULL);
    }
    H5Sclose(space);
    return rank;
}

/* By what two types differ; NULL: by nothing that matters. */
static const char *compare_types(hid_t its, hid_t wanted) {
    const H5T_class_t class = H5Tget_class(its);
    if (class != H5Tget_class(wanted))
        return "has elements of another kind";
    if (class == H5T_STRING)
        return H5Tis_variable_str(its) != 0             ? "has texts of varying length"
               : H5Tget_size(its) > H5Tget_size(wanted) ? "has texts that are too long"
                                                        : NULL;
    if (class != H5T_ENUM)
        return H5Tequal(its, wanted) > 0 ? NULL : "has numbers of another type";
    hid_t a = H5Tget_super(its), b = H5Tget_super(wanted);
    const bool same = H5Tequal(a, b) > 0;
    H5Tclose(a);
    H5Tclose(b);
    return same ? NULL : "has numbers of another type";
}

bool h5_has_type(hid_t dataset, hid_t type, h5_fault *fault) {
    hid_t its = H5Dget_type(dataset);
    const char *difference = its < 0 ? "has no type" : compare_types(its, type);
    H5Tclose(its);
    if (difference)
        h5_note(fault, dataset, NULL, "%s", difference);
    return !difference;
}

/* ---- Attributes ---- */

/* One element, of that class; 0: there is no such attribute; negative: it is something else. */
static hid_t open_attribute(hid_t object, const char *name, H5T_class_t class, h5_fault *fault) {
    if (H5Aexists(object, name) <= 0)
        return 0;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    hid_t type = H5Aget_type(attribute), space = H5Aget_space(attribute);
    const bool is_text = H5Tis_variable_str(type) > 0;
    const bool fits = attribute >= 0 && H5Sget_simple_extent_npoints(space) == 1 && H5Tget_class(type) == class &&
                      (class == H5T_STRING ? is_text : H5Tget_size(type) <= 8);
    H5Sclose(space);
    H5Tclose(type);
    if (fits)
        return attribute;
    H5Aclose(attribute);
    h5_note(fault, object, name, "is no attribute that holds one %s", class == H5T_STRING ? "text" : "number");
    return -1;
}

bool h5_number_attribute(hid_t object, const char *name, hid_t type, void *value, h5_fault *fault) {
    hid_t attribute = open_attribute(object, name, H5Tget_class(type), fault);
    if (attribute <= 0)
        return attribute == 0;
    const bool good = H5Aread(attribute, type, value) >= 0;
    H5Aclose(attribute);
    if (!good)
        h5_note(fault, object, name, "can't be read");
    return good;
}

char *h5_text_attribute(hid_t object, const char *name, h5_fault *fault) {
    hid_t attribute = open_attribute(object, name, H5T_STRING, fault);
    char *value = NULL, *copy = NULL;
    if (attribute <= 0)
        return NULL;
    hid_t type = H5Aget_type(attribute);
    if (H5Aread(attribute, type, &value) >= 0 && value)
        copy = strdup(value);
    else
        h5_note(fault, object, name, "can't be read");
    H5free_memory(value);
    H5Tclose(type);
    H5Aclose(attribute);
    return copy;
}
