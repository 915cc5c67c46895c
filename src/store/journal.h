/* OUTPUT.d/journal: the contents of the file when its metadata was last whole on disk, and whether it may be anything
 * else by now. Written by one process; replaced as a whole, so that it is never half of anything.
 *
 * Before metadata changes the journal says so ("dirty"); after the flush it has the new contents. A file found with a
 * dirty journal is not opened: its rows are read by the places that the journal names. */
#ifndef TF_STORE_JOURNAL_H
#define TF_STORE_JOURNAL_H

#include "store/contents.h"
#include "store/folder.h"

/* Writes it, under its name in OUTPUT.d. With `dirty` it says that the file's metadata is about to change. */
tf_err journal_write(const char *output, const char *name, const contents *c, bool dirty, tf_error *error);

/* Reads it. `*there` tells whether there is one; an error with `*there` is that it is damaged. */
tf_err journal_read(const char *output, contents *c, bool *dirty, bool *there, tf_error *error);

#endif
