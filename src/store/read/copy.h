/* Datasets and attributes go from one HDF5 file to another. */
#ifndef TF_STORE_READ_COPY_H
#define TF_STORE_READ_COPY_H

#include "store/h5read.h"

/* Copies a dataset to the same path in `file`, with its attributes and its dimensions, unless it is there. false is
 * HDF5's failure. */
bool copy_dataset(hid_t dataset, hid_t file);

/* Copies attributes but those that point to other objects, and those that `to` has. */
bool copy_attributes(hid_t from, hid_t to);

#endif
