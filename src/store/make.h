/* Making datasets in the file. All is collective; negative or false is a failure of HDF5, see store_error. */
#ifndef TF_STORE_MAKE_H
#define TF_STORE_MAKE_H

#include "store/state.h"

/* A dataset that is contiguous, allocated at once and never filled: zeros are read where nothing is written, once
 * store_end_change has succeeded. (The first rank clears it: others write to it after they have met.) */
hid_t store_dataset(tf_store *store, hid_t parent, const char *name, hid_t type, int rank, const hsize_t *shape);

/* An array in chunks that lie one behind the other, in the order of the grid's points, as if each were a row. */
hid_t store_array_dataset(tf_store *store, hid_t parent, const char *name, hid_t type, const tf_grid *grid);

/* A dimension that has a length but no values, as netCDF writes it; and one with values, its coordinate. */
hid_t store_dimension(tf_store *store, hid_t parent, const char *name, hsize_t length);
hid_t store_coordinate(tf_store *store, hid_t parent, const char *name, hid_t type, hsize_t length);

/* Attaches a scale to each dimension of a new dataset; NULL: that one has none. */
bool scale_attach(hid_t dataset, int rank, scale *const *of);

/* Writes the list of what was attached; scale_close closes the scale, too. */
bool scale_list(scale *scale);
bool scale_close(scale *scale);

/* Dimensions of a group, by name: they are made, or opened, when one is first asked for. */
typedef struct scales scales;
scales *scales_open(tf_store *store, hid_t group);
scale *scales_get(scales *all, const char *name, hsize_t length); /* NULL on failure */
bool scales_close(scales *all);

/* Creates the dataset of a table whose type, rank and shape are set, and attaches its dimensions' scales. */
bool store_create_table(tf_store *store, hid_t parent, const char *name, scale *const *of, table *table);

#endif
