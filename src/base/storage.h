/* Storage that fails for a while: a disk that is full, a server that is away. What failed is tried again, with pauses
 * that grow, for as long as a run is patient. Who may wait waits here; who must not keeps a tf_patience and comes back.
 */
#ifndef TF_BASE_STORAGE_H
#define TF_BASE_STORAGE_H

#include <stdbool.h>

#include "base/base.h"

#define TF_USUAL_PATIENCE 60.0 /* s */

/* Is it an errno of storage that may work again by itself? */
bool tf_storage_may_recover(int failure);

/* How a run ends that can't write because of it: TF_ERR_STOPPED, if it may recover, for the same command line goes on
 * then; else TF_ERR_RUN. */
tf_err tf_err_of_storage(int failure);

/* The errno of a file system that a text of HDF5 or MPI tells of; 0: it tells of none. */
int tf_storage_failure_in(const char *text);

/* How long something has been failing. All zeros but for the limit: it is not. */
typedef struct tf_patience {
    double limit; /* s for which it is tried again after it has failed first */
    double since; /* tf_now() when it failed first; 0: it does not fail */
    double next;  /* tf_now() when it is to be tried again */
    double pause; /* s, the last one */
} tf_patience;

/* Has it failed, and not worked since? */
static inline bool tf_patience_is_tried(const tf_patience *patience) {
    return patience->since > 0;
}

/* It has failed at `now` (s), but may recover. true: it is to be tried again at `next`; false: the time is over. */
bool tf_patience_fails(tf_patience *patience, double now);

/* It has worked. true: it had failed before. */
bool tf_patience_works(tf_patience *patience);

/* For one who waits until then. The error is why it has failed: it is said the first time. false: the time is over, or
 * it is no error that may recover (TF_ERR_STOPPED). */
bool tf_patience_wait(tf_patience *patience, const tf_error *error);

/* It has worked, or is given up. In the first case that is said, if it had failed. */
void tf_patience_end(tf_patience *patience, tf_err err, const char *what);

/* What is said: "WHY; trying again for up to 1m", "WHAT: the storage works again". */
void tf_patience_tell(const tf_patience *patience, const char *why, tf_buf *text);
void tf_patience_tell_end(const char *what, tf_buf *text);

#endif
