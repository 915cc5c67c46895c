/* One run at a time may hold an output. The lock is advisory, works on file systems that several machines share, and
 * goes with the processes that hold it: each rank of a run holds a byte of OUTPUT.d/lock, so that a run whose first
 * rank was killed holds its output until the last one is gone. A file may have several names that are no links to each
 * other (hard links, mounts), and so several such folders: the ranks share a lock on the file itself as well. */
#ifndef TF_STORE_LOCK_H
#define TF_STORE_LOCK_H

#include "base/base.h"

/* Whose locks keep others from getting theirs. */
typedef enum lock_claim {
    LOCK_OF_RUN,   /* those of all ranks of another run */
    LOCK_OF_RELICT /* that of its first rank: of the others of a run that is wound up some may be left, which do nothing
                      more (farm/contact.h) */
} lock_claim;

/* Locks OUTPUT.d/lock, all of it that it can claim, or waits a few seconds for a run that is ending. Makes the folder.
 * Returns a descriptor that holds the lock until it is closed; -1 on failure. A file system without locks is no
 * failure. */
int lock_acquire(const char *output, lock_claim claim, tf_error *error);

/* The first rank keeps its byte and leaves the others to the other ranks. */
void lock_share(int fd);

/* Another rank takes its byte. Returns a descriptor, -1 if it could not. */
int lock_join(const char *output, int rank);

/* Does nobody hold the rank's byte? */
bool lock_is_free(int fd, int rank);

/* Locks the output itself, open as `fd` to write it, for this process alone, or waits as lock_acquire does; and shares
 * that lock with all who do so. It is held until `fd` is closed. */
tf_err lock_file(int fd, const char *output, lock_claim claim, tf_error *error);
void lock_file_share(int fd);

/* Is a run at work on the output, as far as this machine can see? */
bool lock_is_held(const char *output);

#endif
