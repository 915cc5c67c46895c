/* What a batch needs to run its tasks, a service or an interpreter with its module, has not started. */
#ifndef TF_HOST_UNSTARTED_H
#define TF_HOST_UNSTARTED_H

#include "host/host.h"

/* Tells the rank that it has not started: `bits` of BATCH_SERVICE_*. Why is the message that the task under way has
 * failed with, what `h->err` has of its last words comes behind it. Unless that fails the task, it is left as it was.
 */
void unstarted_tell(host *h, uint32_t bits);

/* Adds the last lines of what it has said on standard error, in so many bytes. */
void unstarted_add_last_lines(const capture *said, size_t most, tf_buf *out);

/* Adds the last line, behind "; ": of an interpreter's lines it is the one that says why. Nothing if it said nothing.
 */
void unstarted_add_last_line(const capture *said, tf_buf *out);

#endif
