/* What the store's parts share: the open file, a stage's open datasets, and how HDF5 says what went wrong. */
#ifndef TF_STORE_STATE_H
#define TF_STORE_STATE_H

#include "store/contents.h"
#include "store/folder.h"
#include "store/side.h"
#include "store/store.h"
#include "store/table.h"

/* Where blocks of an array are read from. */
typedef struct array_source {
    hid_t file;    /* 0: the output itself, or not yet open */
    hid_t dataset; /* 0: not yet open */
    hid_t type;    /* in memory */
    tf_buf path;   /* of the file */
    int fd;        /* HDF5's own descriptor of the file; -1: it is not one file */
    int64_t bytes; /* of the file when it was opened */
    table status;  /* of the other stage */
} array_source;

/* A dimension scale, and what was attached to it since its list was written (scales.c). */
typedef struct scale {
    hid_t dataset;
    tf_buf attached;
} scale;

typedef struct store_stage {
    hid_t group, results, text;
    scale index; /* the dimension that all datasets with one row a task share */
    table *param;
    table *axis;     /* per parameter: its values along its axis, while a new stage is laid out; else NULL */
    table *upstream; /* per parameter: the column of another stage that it comes from. NULL: none of them does */
    table *source;   /* per source of the space: the status of that stage */
    array_source *array;
    tf_files *files; /* that arrays are read from */
    table *column;
    table task[TASK_TABLES];
    int parts;
    row_part *part;
    int64_t side_first, side_end; /* bytes of the side file before which, and behind which, there is nothing of it */
} store_stage;

enum { STORE_REASON = 400, STORE_LONGEST_CELL = 1024 /* bytes; longer strings go to a byte heap */ };

/* Bytes of blobs that are read at once, however long a damaged index says that they are. */
#define STORE_MOST_BLOB ((int64_t)4 << 30)

/* What the change under way has made of a stage. */
typedef struct changed_stage {
    int stage;
    bool finished;
    bool whole; /* its datasets may be others */
} changed_stage;

/* What a run starts from: the first rank has it. */
struct tf_store_start {
    int lock;               /* on the run's folder */
    int file;               /* the output, open to write it: it is locked as well. -1: there is none yet */
    contents contents;      /* of the file, as this run finds it */
    folder_end journal;     /* where this run's journal ends */
    bool dirty;             /* the journal says that metadata may have changed */
    tf_buf fingerprints;    /* one a stage, each ended by a NUL */
    size_t *fingerprint_at; /* per stage: where its own begins */
    code_history *code;     /* per stage: of which code rows are, for the run that begins */
    char *about;            /* the run, as a JSON object; NULL: nothing was told */
};

struct tf_store {
    const tf_campaign *campaign;
    const char *path; /* of the HDF5 file */
    tf_buf by;        /* the name by which HDF5 makes the file, that of a descriptor; empty: its path */
    int fd;           /* the same file, for what HDF5 does not do; -1: it is not open */
    int64_t size;     /* the length that the file must have, in bytes: it has been as long */
    tf_team team;     /* who has the file open */
    double patience;  /* s for which storage may fail, and is tried again */
    hid_t file;
    store_stage *stage;
    side_file *side;
    const char *const *fingerprint; /* per stage */
    tf_buf fingerprints;            /* the texts that `fingerprint` points to */
    code_history *code;             /* per stage */
    tf_buf runs;                    /* attribute "runs" */
    tf_store_start *start;          /* on rank 0: the contents of the file and the lock */
    bool dirty;                     /* on rank 0: the journal says that metadata may have changed */
    bool holds, held;               /* the change under way is not to end yet; it would have ended */
    changed_stage *changed;         /* on rank 0: what it has changed */
    size_t changes, change_capacity;
    int lock;                   /* on other ranks: descriptor of their part of the run's lock; -1: none */
    bool carrying;              /* rows are only moved: no stage runs */
    struct syncing *syncing;    /* sync.c; NULL before the first rows */
    const tf_store_life *life;  /* NULL: nobody is told */
    struct vigil *vigil;        /* watches over the change under way (vigil.c); NULL: there is no change */
    tf_buf worker, slot, zeros; /* columns of one value, as long as rows needed them so far (rows.c) */
    int64_t limit;              /* bytes: no rank may make a longer file (ulimit -f) */
    int limited;                /* the first rank that has this limit */
    int uncleared;              /* on rank 0: errno of the first old bytes that could not be cleared */
    char reason[STORE_REASON];  /* why HDF5 failed first since store_error last told a reason; "": it has not */
};

/* A store in memory, for this process alone: nothing is opened yet. */
tf_store *store_new(const tf_campaign *campaign, const char *path);
void store_free(tf_store *store);

/* Has HDF5 make the file that is open as `fd`, even if another file has its name by then. */
void store_open_by(tf_store *store, int fd);

/* Does something to storage, again and again while that fails, for as long as the run is patient: for what ranks wait
 * for in any case. It must come to the same whatever has been done of it before. */
typedef tf_err store_call(tf_store *store, void *context, tf_error *error);
tf_err store_patiently(tf_store *store, store_call *call, void *context, tf_error *error);

/* ---- Errors ---- */

/* For H5Ewalk2: copies HDF5's innermost reason to a char[STORE_REASON]. */
herr_t store_copy_reason(unsigned n, const H5E_error2_t *entry, void *reason);

/* "FILE: what failed: HDF5's innermost reason". Returns TF_ERR_RUN. */
tf_err store_error(tf_store *store, tf_error *error, const char *format, ...) TF_PRINTF(3, 4);

/* The fault becomes the reason that the next store_error tells. */
void store_blame(tf_store *store, const h5_fault *fault);

#endif
