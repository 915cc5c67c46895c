/* Whole files, and where files are. */
#ifndef TF_BASE_FILES_H
#define TF_BASE_FILES_H

#include <stdint.h>

#include "base/text.h"

/* What can't be read, besides errno; and the text for people, of an errno too. */
enum { TF_READ_IRREGULAR = -1, TF_READ_TOO_LARGE = -2, TF_READ_SILENT = -3, TF_READ_UNTRUSTED = -4 };
const char *tf_read_failure(int failure);

/* The most that is read of a file as a whole, bytes. */
#define TF_MOST_READ ((int64_t)1 << 30)

/* Reads a whole regular file: adds its bytes to `out`. Nothing else is opened for longer than it takes to see that it
 * is something else. On failure returns an errno or TF_READ_..., and `out` is as it was. */
int tf_read_file(const char *path, tf_buf *out);

/* Likewise, for what users name: a pipe with a writer, or a terminal, is read as well. */
int tf_read_input(const char *path, tf_buf *out);

/* Opens a regular file to read it. 0 with the descriptor; or, with -1 in it, an errno or TF_READ_... */
int tf_open_regular(const char *path, int *fd);

/* Adds what a path names: where its last part is a link, what that leads to, which need not be there. 0 or an errno. */
int tf_follow_links(const char *path, tf_buf *out);

/* Removes a file, or a folder with all that is in it. Links are not followed, and what is mounted below it stays. 0
 * (also if there is none) or an errno; what can be removed is. */
int tf_remove_tree(const char *path);
int tf_remove_tree_at(int folder, const char *name); /* of an open folder, as unlinkat has it */

/* Removes all that is in an open folder. 0 or an errno. */
int tf_empty_folder(int folder);

/* $TMPDIR, or else /tmp. */
const char *tf_temporary_folder(void);

/* Bytes that are free for this user where a file or folder is; INT64_MAX if it is not known. */
int64_t tf_free_bytes(const char *path);

/* A file in memory that holds the bytes, open at its start and closed on exec. -1 with errno on failure. */
int tf_memory_file(const char *name, const tf_buf *bytes);

#endif
