/* Datasets of rows: made, or opened if they are what they must be. */
#include "store/table.h"

bool store_open_table(hid_t parent, const char *path, table *t, h5_fault *fault) {
    hsize_t shape[H5_RANKS] = {0};
    hid_t dataset = h5_open_dataset(parent, path, fault);
    if (dataset <= 0)
        return dataset == 0;
    bool same = h5_has_type(dataset, t->type, fault) && h5_shape(dataset, shape, fault) == t->rank;
    for (int d = 0; d < t->rank; d++)
        same = same && shape[d] == t->shape[d];
    if (same) {
        t->dataset = dataset;
        return true;
    }
    h5_note(fault, dataset, NULL, "has another shape than it must have");
    H5Dclose(dataset);
    return false;
}

void store_keep_type(table *t) {
    H5Tclose(t->type);
    t->type = t->dataset > 0 ? H5Dget_type(t->dataset) : 0;
}

bool store_open_cells(hid_t parent, const char *name, hsize_t tasks, table *cells, h5_fault *fault) {
    enum { MOST = 256 << 20 }; /* bytes, of parameters: a manifest is no longer */
    *cells = (table){.type = store_string_type(MOST), .rank = 1, .shape = {tasks}};
    if (!store_open_table(parent, name, cells, fault))
        return false;
    store_keep_type(cells);
    return true;
}

bool store_open_byte_heap(hid_t parent, const char *name, hsize_t tasks, table *index, table *byte_heap,
                          h5_fault *fault) {
    tf_buf index_name = {0};
    tf_buf_addf(&index_name, "%s_index", name);
    *index = (table){.type = H5Tcopy(H5T_STD_I64LE), .rank = 2, .shape = {tasks, 2}};
    *byte_heap = (table){.type = H5Tcopy(H5T_STD_U8LE), .rank = 1};
    hid_t bytes = h5_open_dataset(parent, name, fault);
    if (bytes > 0) {
        h5_shape(bytes, byte_heap->shape, fault); /* any length is right */
        H5Dclose(bytes);
    }
    const bool good = bytes == 0 || (bytes > 0 && store_open_table(parent, name, byte_heap, fault) &&
                                     store_open_table(parent, tf_buf_text(&index_name), index, fault));
    if (good && bytes > 0 && index->dataset == 0)
        h5_note(fault, parent, index_name.data, "is missing");
    tf_buf_free(&index_name);
    return good && (bytes == 0 || index->dataset > 0);
}

void store_close_table(table *t) {
    if (t->dataset > 0)
        H5Dclose(t->dataset);
    if (t->type > 0)
        H5Tclose(t->type);
    *t = (table){0};
}
