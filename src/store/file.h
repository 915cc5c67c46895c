/* What the store's parts share: the open file, a stage's open datasets, and how HDF5 says what went wrong. */
#ifndef TF_STORE_FILE_H
#define TF_STORE_FILE_H

#include <hdf5.h>

#include "store/contents.h"
#include "store/side.h"
#include "store/store.h"

/* A dataset with one row a task, and how rows of it lie in memory. */
typedef struct table {
    hid_t dataset; /* 0: not there */
    hid_t type;    /* in memory and, but for "status", in the file */
    int rank;
    hsize_t shape[1 + TF_MAX_RANK]; /* shape[0]: tasks; with a grid the array's */
    const tf_grid *grid;            /* rows are its blocks, as corners of whole chunks; NULL: there is none */
} table;

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

/* One of the arrays that make a row, in the order in which they are hashed. */
typedef struct row_part {
    const char *folder, *name; /* "results", "snr" */
    int column;                /* of the stage; -1: one of the per-task datasets, */
    int task;                  /* this one */
    size_t bytes;              /* a row */
    const tf_grid *grid;       /* of an array's blocks; NULL: it is none */
} row_part;

/* Where blocks of an array are read from. */
typedef struct array_source {
    hid_t file;    /* 0: the output itself, or not yet open */
    hid_t dataset; /* 0: not yet open */
    hid_t type;    /* in memory */
    tf_buf path;   /* of the file */
    table status;  /* of the other stage */
} array_source;

/* A dimension scale, and what was attached to it since its list was written (scales.c). */
typedef struct scale {
    hid_t dataset;
    tf_buf attached;
} scale;

typedef struct store_stage {
    hid_t group, results, text;
    scale index; /* what all datasets with one row a task share */
    table *param;
    table *given;  /* per parameter: the column of another stage that it is; NULL if there is none */
    table *source; /* per source of the space: that stage's status */
    array_source *array;
    tf_files *files; /* that arrays are read from */
    table *column;
    table task[TASK_TABLES];
    int parts;
    row_part *part;
} store_stage;

enum { STORE_REASON = 400, STORE_LONGEST_CELL = 1024 /* bytes; longer strings make a heap */ };

/* Bytes of texts that are read at once, however long a damaged index says that they are. */
#define STORE_MOST_TEXT ((int64_t)4 << 30)

struct tf_store {
    const tf_campaign *campaign;
    const char *path; /* of the HDF5 file */
    tf_buf by;        /* the name by which HDF5 makes it: a descriptor's; empty: its path */
    int fd;           /* the same file, for what is not HDF5's to do; -1: it is not open */
    int64_t size;     /* bytes that it has had */
    MPI_Comm comm;    /* MPI_COMM_NULL: this process has the file for itself, without MPI */
    int rank, ranks;
    hid_t file;
    store_stage *stage;
    side_file *side;
    const char *const *fingerprint; /* per stage */
    tf_buf fingerprints;            /* where they are */
    code_history *code;             /* per stage */
    tf_buf runs;                    /* attribute "runs" */
    tf_store_plan *plan;            /* on rank 0: the contents of the file and the lock */
    bool dirty;                     /* on rank 0: so says the journal */
    int lock;                       /* on other ranks */
    bool carrying;                  /* rows are only moved: no stage runs */
    struct syncing *syncing;        /* sync.c; NULL before the first rows */
    struct vigil *vigil;            /* over the change under way (vigil.c); NULL: none is */
    int64_t limit;                  /* bytes that each rank may make a file long; */
    int limited;                    /* the rank that may make it no longer */
    int uncleared;                  /* on rank 0: errno of the first old bytes that could not be cleared */
    char reason[STORE_REASON];      /* of HDF5's first failure that store_error has not told; "" for none */
};

/* Independent: the file is still there under its name, and as long as it was. What is written to one that is not is
 * lost. */
tf_err store_check_file(tf_store *store, tf_error *error);

/* Opens an HDF5 file, to write it for the campaign; NULL: only to read it. MPI_COMM_NULL: for this process alone.
 * Negative on failure. */
hid_t store_open_file(const char *path, MPI_Comm comm, const tf_campaign *writer);

/* The time as in "created". */
void store_now(char text[32]);

/* A store in memory: nothing is opened yet. `comm` may be MPI_COMM_NULL. */
tf_store *store_new(const tf_campaign *campaign, const char *path, MPI_Comm comm);

/* Has HDF5 make the file that is open as `fd`, whatever has its name meanwhile. */
void store_open_by(tf_store *store, int fd);

/* Makes the file anew, with its root attributes, for this process alone. */
tf_err store_create_alone(tf_store *store, const char *created, tf_error *error);

/* Collective: metadata is about to change, and has changed and is on disk. What became of the stage is noted between
 * the two; -1 for none. */
tf_err store_begin_change(tf_store *store, tf_error *error);
tf_err store_end_change(tf_store *store, int stage, bool finished, tf_error *error);

/* ---- Errors ---- */

/* For H5Ewalk2: takes HDF5's innermost reason into a char[STORE_REASON]. */
herr_t store_take_innermost(unsigned n, const H5E_error2_t *entry, void *reason);

/* Collective calls that keep the ranks waiting are noticed between the two (vigil.c). */
void store_begin_vigil(tf_store *store);
void store_end_vigil(tf_store *store);

/* From now on, or no longer, a rank that can't write the file ends all of them at once: HDF5 is within a call in which
 * the others would wait for it for ever. */
void store_guard(const tf_store *store, bool on);

/* ---- Room (reserve.c) ---- */

/* At most so many datasets are laid out for a stage. */
int store_most_tables(const tf_stage_spec *stage);

/* Collective. Is there room for a change of the stage's metadata, of so many datasets? HDF5's ranks write it together,
 * and one whose write fails ends the run: so it is seen to before. */
tf_err store_make_room(const tf_store *store, int stage, int datasets, tf_error *error);

/* Rank 0 reserves room for a stage that has been laid out; other ranks do nothing. */
tf_err store_reserve(const tf_store *store, int stage, tf_error *error);

/* Rank 0 looks: may each rank write a file that is so long as to hold this dataset of the stage? */
tf_err store_check_length(const tf_store *store, int stage, const table *table, tf_error *error);

/* Collective: asks each rank how long a file it may write. */
void store_learn_limit(tf_store *store);

/* "FILE: what failed: HDF5's innermost reason". Returns TF_ERR_RUN. */
tf_err store_error(tf_store *store, tf_error *error, const char *format, ...) TF_PRINTF(3, 4);

/* What is wrong with the file is the reason of the next store_error. */
void store_blame(tf_store *store, const h5_fault *fault);

/* Text that lies at (offset, length) in a heap of so many bytes? Indices may be damaged as well. */
static inline bool store_is_in_heap(const int64_t place[2], int64_t bytes) {
    return place[0] >= 0 && place[1] >= 0 && place[1] <= bytes && place[0] <= bytes - place[1];
}

/* ---- Making things (collective; a negative return is HDF5's, see store_error) ---- */

/* A dataset that is contiguous, allocated at once and never filled: zeros are read where nothing is written, once
 * store_end_change has succeeded. (The first rank clears it: others write to it after they have met.) */
hid_t store_dataset(tf_store *store, hid_t parent, const char *name, hid_t type, int rank, const hsize_t *shape);

/* An array in chunks that lie one behind the other, in the order of the grid's points, as if each were a row. */
hid_t store_array_dataset(tf_store *store, hid_t parent, const char *name, hid_t type, const tf_grid *grid);

/* A file is not to be locked by HDF5. */
void store_lock_nothing(hid_t access);

/* A dimension that has a length but no values, as netCDF writes it; one that is the coordinate of its own name. */
hid_t store_dimension(tf_store *store, hid_t parent, const char *name, hsize_t length);
hid_t store_coordinate(tf_store *store, hid_t parent, const char *name, hid_t type, hsize_t length);

/* Attaches a scale to each dimension of a new dataset; NULL: that one has none. */
bool scale_attach(hid_t dataset, int rank, scale *const *of);

/* Writes down what was attached; closes the scale, too. */
bool scale_list(scale *scale);
bool scale_close(scale *scale);

/* Dimensions of a group, by name: they are made, or opened, when one is first asked for. */
typedef struct scales scales;
scales *scales_open(tf_store *store, hid_t group);
scale *scales_get(scales *all, const char *name, hsize_t length); /* NULL on failure */
bool scales_close(scales *all);

/* Is something of that name, or path, there? */
bool store_is_there(hid_t parent, const char *name);

/* Opens the dataset of a table whose type, rank and shape are set, and which must be so in the file; texts are read as
 * long as they are there. Where there is none, `dataset` stays 0. false: it is something else. */
bool store_open_table(hid_t parent, const char *path, table *table, h5_fault *fault);

/* Texts of that many tasks, to be read: cells, or an index and the heap that it is of. Where there are none, `dataset`
 * stays 0. To be closed in any case. */
bool store_open_cells(hid_t parent, const char *name, hsize_t tasks, table *cells, h5_fault *fault);
bool store_open_heap(hid_t parent, const char *name, hsize_t tasks, table *index, table *heap, h5_fault *fault);

/* Creates the dataset of a table whose type, rank and shape are set, and attaches its dimensions' scales. */
bool store_create_table(tf_store *store, hid_t parent, const char *name, scale *const *of, table *table);

/* Of each table of a stage that has been laid out, and where it is. */
typedef void table_visit(void *context, const char *folder, const char *name, table *table);
void store_each_table(const tf_store *store, int stage, table_visit *visit, void *context);

void store_close_table(table *table);
void store_close_stage(tf_store *store, int stage);

/* Lists the stage's datasets that are open. */
void store_list_open(const tf_store *store, int stage, contents_open *open);

/* Text as a UTF-8 attribute of varying length. */
herr_t store_attribute_text(hid_t object, const char *name, const char *text);
herr_t store_attribute(hid_t object, const char *name, hid_t type, const void *value);

/* Gives such an attribute, which is there, another text. */
herr_t store_change_text(hid_t object, const char *name, const char *text);

/* Fixed-length UTF-8, padded with NULs; at least one byte. To be closed. */
hid_t store_string_type(size_t size);

/* In-memory and file type of a numeric column or parameter; bool is the enum that h5py uses. To be closed. */
hid_t store_number_type(tf_type type);

/* The enum of statuses. To be closed. */
hid_t store_status_type(void);

/* The type in the file of a per-task dataset. To be closed. */
hid_t store_task_type(int which);

/* Does the stage have it? */
bool store_has_task_table(const tf_stage_spec *stage, int which);

/* The name of a per-task dataset. */
const char *store_task_name(int which);

/* ---- Ranks together (meet.c) ---- */

void store_meet(const tf_store *store);                               /* waits for all ranks */
void store_broadcast(const tf_store *store, void *data, size_t size); /* from rank 0 */
int64_t store_sum(const tf_store *store, int64_t value);
int64_t store_max(const tf_store *store, int64_t value);
int64_t store_min(const tf_store *store, int64_t value);
int64_t store_sum_before(const tf_store *store, int64_t value); /* of lower ranks */
void store_exchange_counts(const tf_store *store, const int *send, int *receive);
void store_exchange(const tf_store *store, const int64_t *send, const int *sends, const int *send_at, int64_t *receive,
                    const int *receives, const int *receive_at);

/* Each of `count` numbers over all ranks, in place. */
void store_sum_all(const tf_store *store, int64_t *values, int64_t count);
void store_min_all(const tf_store *store, int64_t *values, int64_t count);
void store_lowest_all(const tf_store *store, uint64_t *values, int64_t count);
void store_highest_all(const tf_store *store, uint64_t *values, int64_t count);

/* On rank 0: calls `take` with the bytes of each rank, in their order, one after the other: it need not hold more than
 * what is made of them. And gives all ranks the bytes of rank 0. */
typedef void store_take(void *context, const tf_buf *part);
void store_gather(const tf_store *store, const tf_buf *mine, store_take *take, void *context);
void store_spread(const tf_store *store, tf_buf *bytes);

/* ---- Rows (independent) ---- */

/* The arrays that make a row of the stage: up to columns + TASK_TABLES. Returns how many. */
int store_row_parts(const tf_stage_spec *stage, row_part *parts);

/* Of all stages' rows and parameters, in the file: texts not counted. */
int64_t store_expected_bytes(const tf_campaign *campaign);

/* The hash of rows, going on from `hash`: of what is in the file. */
uint64_t store_hash_rows(const row_part *part, int64_t first, int64_t count, const void *data, uint64_t hash);

/* Reads rows first .. first + count - 1. */
herr_t store_read_rows(const table *from, int64_t first, int64_t count, void *data);

/* Reads a block of a table that has a grid, element behind element. */
herr_t store_read_block(const table *from, int64_t row, void *data);

/* Writes rows first .. first + count - 1. */
herr_t store_write_rows(const table *to, int64_t first, int64_t count, const void *data);

/* The dataset of a part. */
static inline const table *store_part_table(const store_stage *stage, const row_part *part) {
    return part->column >= 0 ? &stage->column[part->column] : &stage->task[part->task];
}

/* ---- Parts ---- */

/* What other stages' rows give (given.c): opened when the stage is laid out. */
tf_err store_open_given(tf_store *store, int stage, tf_error *error);
void store_close_given(tf_store *store, int stage);

/* Opens a stage's statuses, to be read as they are. */
tf_err store_open_status(tf_store *store, int stage, table *table, tf_error *error);

/* Arrays that tasks read (arrays.c): likewise. */
tf_err store_open_arrays(tf_store *store, int stage, tf_error *error);
void store_close_arrays(tf_store *store, int stage);

/* What becomes of a task that takes several rows, after one more of them; and the same with all that a task takes of an
 * array of another stage. */
uint8_t store_both_taken(uint8_t so_far, uint8_t status);
herr_t store_array_taken(const tf_store *store, int stage, int array, int64_t index, uint8_t *status);

/* Collective (runs.c): the run begins, with so many slots (0: it only winds one up), and ends; into `runs`. */
void store_begin_run(tf_store *store, int64_t slots);
void store_end_run(tf_store *store, const char *state);

/* Says that the file can't be brought to disk: `failure` is an errno. */
tf_err store_cant_sync(const char *path, int failure, tf_error *error);

/* So many bytes of rows have been written: they are to reach the disk. */
tf_err store_note_written(tf_store *store, int64_t bytes, tf_error *error);

/* Waits for a sync under way, and forgets it. */
void store_end_sync(tf_store *store);

/* The dataset's name of a kind of text: TF_RECORD_STDOUT ... */
const char *store_text_name(const tf_stage_spec *stage, int kind);

/* Collective: the stage's reductions, from the rows of its first `tasks`; in place of what is there of them. */
tf_err store_reduce(tf_store *store, int stage, int64_t tasks, tf_error *error);

/* Collective: text columns, captured output and messages of the stage, from the side files into the file. */
tf_err store_texts(tf_store *store, int stage, tf_error *error);

#endif
