/* Datasets of other files that stages read arrays from. */
#ifndef TF_STORE_ARRAY_FILES_H
#define TF_STORE_ARRAY_FILES_H

#include <hdf5.h>

#include "manifest/manifest.h"
#include "rows/rows.h"

/* Opens the dataset, and its file. Negative after adding why it can't. */
hid_t array_file_open(const char *path, const tf_array_spec *array, hid_t *file, tf_buf *why);

/* HDF5's own descriptor of an open file; -1: what it calls a file is not one. */
int array_file_descriptor(hid_t file);

/* Are all elements of the open dataset in one piece of its file, which has this descriptor, and can anybody make values
 * of the type of them? Then tells where. */
bool array_file_find(int fd, hid_t dataset, tf_type type, tf_array_file *where);

#endif
