/* OUTPUT.d/journal: the contents of the file when its metadata was last whole on disk, and whether it may be anything
 * else by now. Written by one process; replaced as a whole, so that it is never half of anything.
 *
 * Before metadata changes the journal says so ("dirty"); after the flush it has the new contents. A file found with a
 * dirty journal is not opened: its rows are read by the places that the journal names. */
#ifndef TF_STORE_JOURNAL_H
#define TF_STORE_JOURNAL_H

#include "store/contents.h"

/* Writes it, under its name in OUTPUT.d. With `dirty` it says that the file's metadata is about to change. */
tf_err journal_write(const char *output, const char *name, const contents *c, bool dirty, tf_error *error);

/* Reads it. `*there` tells whether there is one; a damaged one is an error. */
tf_err journal_read(const char *output, contents *c, bool *dirty, bool *there, tf_error *error);

/* The folder OUTPUT.d, and what is in it. Each adds to `path`. */
void journal_folder(const char *output, tf_buf *path);
void journal_path(const char *output, const char *name, tf_buf *path);

/* Removes what other runs than this one have left in the folder. */
tf_err journal_remove_runs(const char *output, int64_t run, tf_error *error);

/* Removes the folder with all that is in it, and lets go of the lock. */
tf_err journal_remove_folder(const char *output, int *lock, tf_error *error);

/* Lets go of the lock, and removes the folder if it has nothing else. */
void journal_leave_folder(const char *output, int *lock);

#endif
