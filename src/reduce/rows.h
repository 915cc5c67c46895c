/* The rows that a reduction reads, on their way: the parts of values.c, keys.c and rows.c. */
#ifndef TF_REDUCE_ROWS_H
#define TF_REDUCE_ROWS_H

#include "reduce/reducing.h"

enum { PIECE_NUMBERS = 1 << 16 /* of one value, at once */ };

/* What is read of one parameter or column. */
typedef struct value_source {
    bool opened;
    tf_value value;
    tf_type cell;   /* type of the cells; of texts TF_STRING */
    table table;    /* of a column; memory type as read */
    table heap;     /* of long strings: their bytes, and `table` is the index */
    char *cells;    /* what was read of a piece; of an array a block */
    double *number; /* of a piece, as numbers */
    const char **text;
    tf_buf texts;
    int64_t task; /* of arrays: the task whose value or block was read last; -1: none has been */
    char *kept;   /* of a table: the blocks of all this rank's tasks, in which `cells` is; NULL: they are too many */
    bool *known;  /* per task: its block is in `kept` */
} value_source;

/* Rows that are taken together. */
typedef struct cursor {
    int64_t first,
        count; /* tasks first .. first + count - 1; in a reduction of arrays elements of the one task `first` */
    int64_t from, block; /* of arrays: the first of these elements, and how many the task's block has */
    int64_t before;      /* rows of this rank that were taken before */
} cursor;

struct reduce_rows {
    value_source *source; /* per value */
    int values;
    int64_t first, end; /* this rank's tasks: first .. end - 1 */
    int64_t all;        /* rows that these tasks have */
    table status;
    tf_eval *where;
    const void **named; /* per value, for `where` */
    double *truth;
    tf_table number; /* groups by key */
    tf_buf key;
    uint32_t *cached;       /* per row of this rank: its group; NULL: there are too many */
    uint32_t *group;        /* of a piece */
    int64_t *number_of_row; /* likewise, in a reduction of arrays */
    uint8_t *states;
};

/* ---- Values (values.c) ---- */

/* Says that rows of the stage can't be read, and why. */
tf_err reduce_cant_read(reducing *r);

/* Reads the cursor's rows of one value, which is opened when it is first asked for. */
tf_err value_read(reducing *r, int value, const cursor *c);
void value_close(value_source *source);

/* What was read last, as reduce_piece.exact has it. */
const int64_t *value_exact(const value_source *source, const cursor *c);

/* Where the value of the piece's row i is, and its text. */
int64_t value_cell(const reducing *r, const value_source *s, const cursor *c, int64_t i);
const char *value_text(const reducing *r, const value_source *s, const cursor *c, int64_t i, size_t *length);

/* ---- Keys (keys.c) ---- */

/* The key of the piece's row i, in place of what is in `out`. */
void key_make(const reducing *r, const cursor *c, int64_t i, tf_buf *out);

/* Lists of keys: a length (uint64_t) and so many bytes, one after the other. */
typedef struct group_key {
    const char *bytes;
    uint64_t length;
} group_key;

void key_append(tf_buf *keys, const group_key *k);

/* The key behind `at`, where the one behind it begins then. false at the end. */
bool key_next(const tf_buf *keys, size_t *at, group_key *k);

void keys_sort(const tf_buf *keys, size_t count, tf_buf *sorted);

/* A store_take: puts a sorted list into another (a tf_buf), each key once. */
void keys_merge(void *all, const tf_buf *part);

/* ---- Pieces (rows.c) ---- */

/* The next piece of rows of which a value has so many elements; the first one follows {.first = rows->first}. */
bool cursor_next(const reducing *r, int64_t elements, cursor *c);

/* Chooses the rows that count, and reads their keys; or finds the groups that they are in. */
tf_err rows_read_keys(reducing *r, const cursor *c);
tf_err rows_find_groups(reducing *r, const cursor *c);

#endif
