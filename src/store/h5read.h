/* What is in an HDF5 file is read through these: an output may be damaged, or have been made to do harm. No path is
 * followed out of the file, a listing takes nothing but hard links, and datasets count only if their bytes lie in the
 * file as they are. The form of everything is compared with what is wanted before a byte of it is read. */
#ifndef TF_STORE_H5READ_H
#define TF_STORE_H5READ_H

#include <hdf5.h>

#include "manifest/manifest.h"

/* Dimensions that a dataset may have: those of a column, before them rows, and behind them bins of a reduction. */
enum { H5_RANKS = TF_MAX_RANK + 2 };

/* What is wrong: "/stage/results/snr: is a soft link"; "" for nothing. The first that was found stays. */
typedef struct h5_fault {
    char text[400];
    int failure; /* errno: the file could not be read, and nothing need be wrong with it. 0: that is not why */
} h5_fault;

/* The errno because of which the last call of HDF5 has failed; 0: it has not, or not because of the file system. */
int h5_failure(void);

/* Notes what is wrong with an object, or with what is called `name` in it (NULL: the object itself). */
void h5_note(h5_fault *fault, hid_t object, const char *name, const char *format, ...) TF_PRINTF(4, 5);

/* May a link be followed, of which a listing has told this? */
bool h5_is_hard(hid_t parent, const char *name, const H5L_info_t *link, h5_fault *fault);

/* Open what is at a path. To be closed; 0: there is nothing; negative: it is something else. */
hid_t h5_open_group(hid_t parent, const char *path, h5_fault *fault);
hid_t h5_open_dataset(hid_t parent, const char *path, h5_fault *fault);

/* Are the bytes of a dataset in the file, as they are? */
bool h5_is_inside(hid_t dataset, h5_fault *fault);

/* Does it consist of chunks? They have `rank` dimensions, or `chunk` is NULL. */
bool h5_chunk(hid_t dataset, int rank, hsize_t *chunk);

/* The dimensions of a dataset that is inside; negative, if they are more than H5_RANKS. */
int h5_shape(hid_t dataset, hsize_t *shape, h5_fault *fault);

/* Does a dataset have elements of the type? Numbers must be the same to the bit; of enums what they are made of; text
 * must have a fixed length, of which only the most is given by the type. */
bool h5_has_type(hid_t dataset, hid_t type, h5_fault *fault);

/* One number of at most 8 bytes, as `type` has it in memory. `value` stays as it is where there is no such attribute.
 * false: it is something else. */
bool h5_number_attribute(hid_t object, const char *name, hid_t type, void *value, h5_fault *fault);

/* A text of varying length; NULL if there is none, or it is something else. To be freed. */
char *h5_text_attribute(hid_t object, const char *name, h5_fault *fault);

#endif
