/* Carrying what an old output holds over to the run that begins: the parts of carry.c. */
#ifndef TF_STORE_CARRY_H
#define TF_STORE_CARRY_H

#include "store/journal.h"
#include "store/resume/plan.h"

enum { CARRY_CHUNK = 1 << 14 }; /* rows at once */

typedef struct carrying {
    tf_store_plan *plan;
    const old_output *old;
    side_file *side;
    tf_error *error;
} carrying;

/* The task that a row of the old output is now. */
static inline int64_t carry_place(const plan_stage *ps, int64_t index) {
    return ps->place ? ps->place[index] : index;
}

/* Copies the blobs of rows that are kept, of stages that are not finished, to the new run's side file of rank 0, with
 * records that vouch for the rows (carry_blobs.c). */
tf_err carry_blobs(carrying *c);

/* Copies the rows to a new file, which takes the old one's place (carry_move.c). */
tf_err carry_move(const carrying *c);

/* Brings the file to disk if `err` is TF_OK, and closes it. Returns err, or what went wrong now. */
tf_err carry_sync_and_close(int fd, const char *path, tf_err err, tf_error *error);

#endif
