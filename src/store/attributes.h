/* Attributes of groups and datasets. What is negative or false is HDF5's failure: see store_error. */
#ifndef TF_STORE_ATTRIBUTES_H
#define TF_STORE_ATTRIBUTES_H

#include <hdf5.h>
#include <stdbool.h>

herr_t store_attribute(hid_t object, const char *name, hid_t type, const void *value);

/* Text as a UTF-8 attribute of varying length. */
herr_t store_attribute_text(hid_t object, const char *name, const char *text);

/* Says in the convention of netCDF that a dataset's cells are UTF-8: xarray gives str of them, not bytes. */
herr_t store_attribute_encoding(hid_t dataset);

/* Replace the value of an attribute that is there. */
herr_t store_change_attribute(hid_t object, const char *name, hid_t type, const void *value);
herr_t store_change_text(hid_t object, const char *name, const char *text);

/* Is something of that name, or path, there? */
bool store_is_there(hid_t parent, const char *name);

/* The time as in "created". */
void store_now(char text[32]);

#endif
