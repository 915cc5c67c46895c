/* The rows that a reduction reads, on their way: the parts of values.c, keys.c and rows.c. */
#ifndef TF_REDUCE_ROWS_H
#define TF_REDUCE_ROWS_H

#include "reduce/reducing.h"

enum { PIECE_NUMBERS = 1 << 16 /* of one value, at once */ };

/* What is read of one parameter or column. */
typedef struct value_source {
    bool is_open;
    tf_value value;
    tf_type cell;        /* type of the cells in memory; TF_STRING: they are strings */
    table table;         /* where a column is read; of long strings it is the index of their heap */
    table byte_heap;     /* has the bytes of long strings; else it is not open */
    char *cells;         /* what was read last: a piece's cells, or of an array a task's block */
    double *number;      /* the piece's cells as numbers */
    const char **string; /* the piece's cells as strings, each with a NUL behind it */
    tf_buf strings;      /* the bytes of these */
    int64_t task;        /* whose block was read last, in a reduction of arrays; -1: none was */
    char *kept;  /* of a table: the blocks of all this rank's tasks, `cells` being one; NULL: they are too many */
    bool *known; /* per task: its block is in `kept` */
} value_source;

/* The rows of a piece. */
typedef struct cursor {
    int64_t first;  /* the first task; in a reduction of arrays the only one */
    int64_t count;  /* number of rows: tasks, or elements of the task's block */
    int64_t from;   /* the first of these elements */
    int64_t block;  /* how many elements the task's block has */
    int64_t before; /* rows of this rank that came before */
} cursor;

struct reduce_rows {
    value_source *source; /* per value */
    int values;
    int64_t first, end; /* this rank's tasks: first .. end - 1 */
    int64_t all;        /* rows that these tasks have */
    table status;
    tf_eval *where;         /* NULL: all rows that are done count */
    const void **named;     /* per value: the piece's cells, for `where` */
    double *truth;          /* per row of a piece: what `where` is of it */
    tf_table number;        /* numbers of groups, by their keys */
    tf_buf key;             /* key of the row under way */
    uint32_t *cached;       /* per row of this rank: its group; NULL: there are too many rows */
    uint32_t *group;        /* per row of a piece: its group */
    int64_t *number_of_row; /* per row of a piece: its number, in a reduction of arrays */
    uint8_t *states;        /* per task of a piece: its status */
};

/* ---- Values (values.c) ---- */

/* Says that rows of the stage can't be read, and why. */
tf_err reduce_cant_read(reducing *r);

/* Reads the cursor's rows of one value, which is opened when it is first asked for. */
tf_err value_read(reducing *r, int value, const cursor *c);
void value_close(value_source *source);

/* What was read last, as reduce_piece.exact has it. */
const int64_t *value_exact(const value_source *source, const cursor *c);

/* Which cell the piece's row i has; and its string. */
int64_t value_cell(const reducing *r, const value_source *s, const cursor *c, int64_t i);
const char *value_string(const reducing *r, const value_source *s, const cursor *c, int64_t i, size_t *length);

/* ---- Keys (keys.c) ---- */

/* Replaces what is in `out` by the key of the piece's row i. */
void key_build(const reducing *r, const cursor *c, int64_t i, tf_buf *out);

/* A list of keys is, for each, its length (uint64_t) and its bytes. */
typedef struct group_key {
    const char *bytes;
    uint64_t length;
} group_key;

void key_append(tf_buf *keys, const group_key *k);

/* Reads the key at `*at`, and moves that to the next one. false at the end. */
bool key_next(const tf_buf *keys, size_t *at, group_key *k);

void keys_sort(const tf_buf *keys, size_t count, tf_buf *sorted);

/* Merges a sorted list into another (`all` is a tf_buf), each key once; is a store_on_part. */
void keys_merge(void *all, const tf_buf *part);

/* ---- Pieces (rows.c) ---- */

/* The next piece of rows of which a value has so many elements; the first one follows {.first = rows->first}. */
bool cursor_next(const reducing *r, int64_t elements, cursor *c);

/* Chooses the rows that count, and reads their keys; or finds the groups that they are in. */
tf_err rows_read_keys(reducing *r, const cursor *c);
tf_err rows_find_groups(reducing *r, const cursor *c);

#endif
