/* What a rank takes from the memory that it shares with a host. User code runs in hosts and can write anything there,
 * at any time, even while the rank reads. So the rank reads from it nothing that it knows itself; it copies what it
 * decides by, checks the copy, and uses that alone. Results and recorded numbers stay where they are: any bits of them
 * are right.
 */
#ifndef TF_SLOTS_ROWS_BACK_H
#define TF_SLOTS_ROWS_BACK_H

#include "batch/batch.h"

/* The rank's own copy of what it asked of a batch. */
typedef struct batch_order {
    int32_t stage, attempt, rank, slot;
    int64_t first, count;
    double given, given_wall; /* when the host got it, by tf_now() and tf_wall() */
    bool one_by_one;          /* each task is a call of its own, though one call could run several */
    bool reads_blocks;        /* tasks read their blocks of files themselves */
    tf_intervals wanted;      /* the tasks whose rows are wanted; the others are run with them. Empty: all are */
} batch_order;

/* What the host says of the batch as a whole. Checked, but not known to be true. */
typedef struct batch_claim {
    int64_t ended, sound;
    int64_t calling_end;         /* if greater than `ended`, one call runs rows ended .. calling_end - 1 */
    double started, row_started; /* by tf_now(); 0: not yet */
    double seconds;
    uint64_t blobs_size;
    uint32_t changed; /* surroundings_compare */
    uint32_t service; /* bits of BATCH_SERVICE_* */
    uint32_t noticed; /* bits 1 << tf_notice_kind */
    bool refused;
    bool unread; /* the blocks of the next row could not be read where it was to run */
} batch_claim;

/* Rows that have been taken, with the copies that they point to. All zeros has none. */
typedef struct rows_back {
    batch_columns columns; /* from batch_columns_alloc */
    tf_buf status, attempts, blobs;
    tf_buf exit_code, signal; /* of rows whose batch has no such columns, one of which has failed */
} rows_back;

void rows_back_free(rows_back *back);

/* Reads what the host says, after `passed`, the part that has been taken before. NULL if it can be so; else what can't.
 */
const char *rows_back_claim(const batch_map *map, const batch_order *order, const batch_part *passed,
                            batch_claim *claim);

/* Adds why the batch's service has not started, as its host says: in UTF-8. */
void rows_back_why(const batch_map *map, tf_buf *out);

/* What the host says of a notice: a line in UTF-8. */
void rows_back_notice(const batch_map *map, tf_notice_kind kind, char text[TF_NOTICE_TEXT]);

/* Takes the rows of `part`. Its blobs are those of these rows: of more, part->blobs_end is moved to where they end.
 * What `rows` points to is valid until `back` is used again. NULL if all is as a host of ours leaves it; else what is
 * not, and nothing has been taken. */
const char *rows_back_copy(rows_back *back, batch_map *map, const tf_campaign *campaign, const batch_order *order,
                           batch_part *part, tf_rows *rows);

/* Adds the row behind the ones that were taken: its task has failed, with this status and message. Its results are
 * cleared, so the batch must be the rank's again. `end` is how its process ended, as waitpid says it. */
void rows_back_add_failed(rows_back *back, const tf_campaign *campaign, const batch_order *order, tf_status status,
                          const tf_buf *message, int end, batch_part *part, tf_rows *rows);

#endif
