/* Dimension scales: what datasets share as a dimension, as netCDF and xarray know it (HDF5's "Dimension Scale
 * Specification"). Each dataset lists its scales, each scale all that is attached to it. HDF5's own calls write that
 * list anew for each dataset, so that time and file grow with the square of their number; here it is written once for
 * all that were attached since the last time. */
#include <stdlib.h>
#include <string.h>

#include "store/attributes.h"
#include "store/make.h"

/* An element of a scale's list. */
typedef struct attachment {
    hobj_ref_t dataset;
    int dimension;
} attachment;

bool scale_attach(hid_t dataset, int rank, scale *const *of) {
    hvl_t *list = tf_alloc_array((size_t)rank, sizeof *list);
    hobj_ref_t *reference = tf_alloc_array((size_t)rank, sizeof *reference);
    attachment own = {0};
    bool good = H5Rcreate(&own.dataset, dataset, ".", H5R_OBJECT, -1) >= 0;
    for (int d = 0; d < rank && good; d++) {
        if (!of[d])
            continue;
        list[d] = (hvl_t){.len = 1, .p = &reference[d]};
        good = H5Rcreate(&reference[d], of[d]->dataset, ".", H5R_OBJECT, -1) >= 0;
        own.dimension = d;
        tf_buf_add(&of[d]->attached, &own, sizeof own);
    }
    const hsize_t length = (hsize_t)rank;
    hid_t type = H5Tvlen_create(H5T_STD_REF_OBJ), space = H5Screate_simple(1, &length, NULL);
    hid_t attribute = good ? H5Acreate2(dataset, "DIMENSION_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT) : -1;
    good = attribute >= 0 && H5Awrite(attribute, type, list) >= 0;
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    free(reference);
    free(list);
    return good;
}

/* Adds what is in the scale's list to `list`, and takes that away. */
static bool move_list(hid_t dataset, hid_t type, tf_buf *list) {
    if (H5Aexists(dataset, "REFERENCE_LIST") <= 0)
        return true;
    hid_t attribute = H5Aopen(dataset, "REFERENCE_LIST", H5P_DEFAULT), space = H5Aget_space(attribute);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    bool good = count >= 0;
    if (good) {
        const size_t size = (size_t)count * sizeof(attachment);
        tf_buf_reserve(list, size + 1);
        good = H5Aread(attribute, type, list->data) >= 0;
        list->length = good ? size : 0;
    }
    H5Sclose(space);
    H5Aclose(attribute);
    return good && H5Adelete(dataset, "REFERENCE_LIST") >= 0;
}

bool scale_list(scale *s) {
    if (s->attached.length == 0)
        return true;
    tf_buf list = {0};
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(attachment));
    H5Tinsert(type, "dataset", offsetof(attachment, dataset), H5T_STD_REF_OBJ);
    H5Tinsert(type, "dimension", offsetof(attachment, dimension), H5T_NATIVE_INT);
    bool good = move_list(s->dataset, type, &list);
    tf_buf_add(&list, s->attached.data, s->attached.length);
    tf_buf_clear(&s->attached);
    const hsize_t length = list.length / sizeof(attachment);
    hid_t space = H5Screate_simple(1, &length, NULL);
    hid_t attribute = good ? H5Acreate2(s->dataset, "REFERENCE_LIST", type, space, H5P_DEFAULT, H5P_DEFAULT) : -1;
    good = attribute >= 0 && H5Awrite(attribute, type, list.data) >= 0;
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
    tf_buf_free(&list);
    return good;
}

bool scale_close(scale *s) {
    const bool good = scale_list(s);
    if (s->dataset > 0)
        H5Dclose(s->dataset);
    tf_buf_free(&s->attached);
    *s = (scale){0};
    return good;
}

/* ---- Those of one group ---- */

struct scales {
    tf_store *store;
    hid_t group;
    tf_table number; /* by name */
    scale **item;
};

scales *scales_open(tf_store *store, hid_t group) {
    scales *all = tf_alloc(sizeof *all);
    *all = (scales){.store = store, .group = group};
    return all;
}

scale *scales_get(scales *all, const char *name, hsize_t length) {
    const size_t count = all->number.count;
    const uint32_t n = tf_table_add(&all->number, name, strlen(name), (uint32_t)count);
    if (n < count)
        return all->item[n]->dataset < 0 ? NULL : all->item[n];
    all->item = tf_realloc_array(all->item, count + 1, sizeof(scale *));
    all->item[n] = tf_alloc(sizeof(scale));
    all->item[n]->dataset = store_is_there(all->group, name) ? H5Dopen2(all->group, name, H5P_DEFAULT)
                                                             : store_dimension(all->store, all->group, name, length);
    return all->item[n]->dataset < 0 ? NULL : all->item[n];
}

bool scales_close(scales *all) {
    bool good = true;
    for (size_t n = 0; n < all->number.count; n++) {
        good = scale_close(all->item[n]) && good;
        free(all->item[n]);
    }
    tf_table_free(&all->number);
    free(all->item);
    free(all);
    return good;
}

/* ---- Tables ---- */

bool store_create_table(tf_store *s, hid_t parent, const char *name, scale *const *of, table *t) {
    t->dataset = store_dataset(s, parent, name, t->type, t->rank, t->shape);
    return t->dataset >= 0 && scale_attach(t->dataset, t->rank, of);
}
