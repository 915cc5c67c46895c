/* Blocks of an array (tf_field.grid) in two outputs, element by element, in pieces: a block may be of any size.
 *
 * Process: the one that reads outputs. They may be damaged, and be written meanwhile. */
#ifndef TF_REPORT_BLOCKS_H
#define TF_REPORT_BLOCKS_H

#include "report/gap.h"
#include "report/view.h"

/* Room for a piece of each output. All zeros is ready for use. */
typedef struct block_room {
    void *cells[2];
    double *number[2];
} block_room;

void block_room_free(block_room *room);

/* Two blocks: of the array `field` that of task `row`, in each output. */
typedef struct block_pair {
    view *of[2];
    int field[2];
    int64_t row[2];
} block_pair;

/* The first element that differs, in C order, by its place in the whole array; and its values, as in a table. */
typedef struct block_difference {
    int64_t place[2][TF_MAX_RANK];
    tf_buf value[2];
} block_difference;

/* Have both the same number of elements in each dimension? */
bool blocks_are_alike(const block_pair *pair);

/* Compares blocks that are alike. `widest`: as gap_find has it. `first` is to be freed if `differ` becomes true. */
tf_err blocks_compare(const block_pair *pair, block_room *room, gap *widest, block_difference *first, bool *differ,
                      tf_error *error);

#endif
