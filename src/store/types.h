/* Types of datasets in memory and in the file, and what is recorded of each task. */
#ifndef TF_STORE_TYPES_H
#define TF_STORE_TYPES_H

#include <hdf5.h>

#include "manifest/manifest.h"

/* The per-task datasets, in the order in which they are laid out and written; status comes last. */
enum {
    TASK_ATTEMPTS,
    TASK_INPUT_SET,
    TASK_INPUT_HASH,
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

/* Fixed-length UTF-8, padded with NULs; at least one byte. To be closed. */
hid_t store_string_type(size_t size);

/* Likewise of what is no UTF-8, as paths may be: a type that does not say so. HDF5 calls it ASCII. */
hid_t store_bytes_type(size_t size);

/* In-memory and file type of a numeric column or parameter; bool is the enum that h5py uses. To be closed. */
hid_t store_number_type(tf_type type);

/* The type of a parameter's values. To be closed. */
hid_t store_param_type(const tf_param_spec *param);

/* The enum of statuses. To be closed. */
hid_t store_status_type(void);

/* The type in the file of a per-task dataset. To be closed. */
hid_t store_task_type(int which);

/* A per-task dataset: its name, what it says, in which units (NULL: none), and bytes a task. */
typedef struct task_table {
    const char *name, *long_name, *units;
    size_t bytes;
} task_table;

const task_table *store_task_table(int which);

/* Does the stage have it? */
bool store_has_task_table(const tf_stage_spec *stage, int which);

/* The dataset's name of a kind of blob: TF_RECORD_STDOUT ... */
const char *store_blob_name(const tf_stage_spec *stage, int kind);

#endif
