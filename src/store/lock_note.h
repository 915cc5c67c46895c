/* Who holds a lock on an output, as far as that can be told. The system does not say it: whoever takes a rank's byte of
 * OUTPUT.d/lock notes there who it is. */
#ifndef TF_STORE_LOCK_NOTE_H
#define TF_STORE_LOCK_NOTE_H

#include "base/base.h"

/* This process has just taken the rank's byte. That it could not be noted does no harm. */
void lock_note(int fd, int rank);

/* Somebody else holds the rank's byte. Adds who noted that, if anybody did: ": process 4412 of root on node2 (rank 0),
 * since 2026-11-30T13:44:38Z". */
void lock_note_tell(int fd, int rank, tf_buf *text);

#endif
