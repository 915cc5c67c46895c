/* What the store's parts share: the open file, a stage's open datasets, and how HDF5 says what went wrong. */
#ifndef TF_STORE_FILE_H
#define TF_STORE_FILE_H

#include <hdf5.h>

#include "store/side.h"
#include "store/store.h"

/* A dataset with one row a task, and how rows of it lie in memory. */
typedef struct table {
    hid_t dataset; /* 0: not there */
    hid_t type;    /* in memory and, but for "status", in the file */
    int rank;
    hsize_t shape[1 + TF_MAX_RANK]; /* shape[0]: tasks */
} table;

/* The per-task datasets, in the order in which they are laid out and written; status comes last. */
enum {
    TASK_ATTEMPTS,
    TASK_EXIT_CODE,
    TASK_SIGNAL,
    TASK_WORKER,
    TASK_SLOT,
    TASK_START,
    TASK_DURATION,
    TASK_CPU,
    TASK_MAX_RSS,
    TASK_STATUS,
    TASK_TABLES
};

typedef struct store_stage {
    hid_t group, results, text;
    hid_t scale; /* the dimension scale "index" */
    table *param;
    table *column;
    table task[TASK_TABLES];
    int64_t texts_from; /* side file: texts of the stage come after this offset */
} store_stage;

enum { STORE_REASON = 400 };

struct tf_store {
    const tf_campaign *campaign;
    MPI_Comm comm;
    int rank, ranks;
    hid_t file;
    store_stage *stage;
    side_file *side;
    char reason[STORE_REASON]; /* of HDF5's first failure that store_error has not told; "" for none */
};

/* ---- Errors ---- */

/* "FILE: what failed: HDF5's innermost reason". Returns TF_ERR_RUN. */
tf_err store_error(tf_store *store, tf_error *error, const char *format, ...) TF_PRINTF(3, 4);

/* ---- Making things (collective; a negative return is HDF5's, see store_error) ---- */

/* A dataset that is contiguous, allocated at once and never filled. */
hid_t store_dataset(hid_t parent, const char *name, hid_t type, int rank, const hsize_t *shape);

/* A dimension that has a length but no values, as netCDF writes it. */
hid_t store_dimension(hid_t parent, const char *name, hsize_t length);

/* Creates the dataset of a table whose type, rank and shape are set, and attaches the stage's index to it. */
bool store_create_table(hid_t parent, const char *name, hid_t scale, table *table);

/* Text as a UTF-8 attribute of varying length. */
herr_t store_attribute_text(hid_t object, const char *name, const char *text);
herr_t store_attribute(hid_t object, const char *name, hid_t type, const void *value);

/* Fixed-length UTF-8, padded with NULs; at least one byte. To be closed. */
hid_t store_string_type(size_t size);

/* In-memory and file type of a numeric column or parameter; bool is the enum that h5py uses. To be closed. */
hid_t store_number_type(tf_type type);

/* ---- Rows (independent) ---- */

/* Writes rows first .. first + count - 1. */
herr_t store_write_rows(const table *to, int64_t first, int64_t count, const void *data);

/* ---- Parts ---- */

/* Collective: text columns, captured output and messages of the stage, from the side files into the file. */
tf_err store_texts(tf_store *store, int stage, tf_error *error);

#endif
