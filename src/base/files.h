/* Whole files, and where files are. */
#ifndef TF_BASE_FILES_H
#define TF_BASE_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* Why a file can't be read, where errno has no number for it. */
enum { TF_READ_IRREGULAR = -1, TF_READ_TOO_LARGE = -2, TF_READ_SILENT = -3, TF_READ_UNTRUSTED = -4 };

/* What such a number, or an errno, means, for people. */
const char *tf_read_failure(int failure);

/* Bytes of the largest file that is read as a whole. */
#define TF_MOST_READ ((int64_t)1 << 30)

/* Adds the bytes of a regular file to `out`. What is no regular file is closed at once. 0; or an errno or TF_READ_...,
 * and `out` is as it was. */
int tf_read_file(const char *path, tf_buf *out);

/* Likewise for a file that users name: a pipe with a writer, or a terminal, is read as well. */
int tf_read_input(const char *path, tf_buf *out);

/* Opens a regular file for reading. 0, and `fd` is its descriptor; or an errno or TF_READ_..., and `fd` is -1. */
int tf_open_regular(const char *path, int *fd);

/* Adds why a file or a folder of this name can't be made, for people: "the folder data is not there". `failure` is the
 * errno of what tried to make it. */
void tf_buf_add_unmade(tf_buf *out, const char *path, int failure);

/* Adds the path, or if its last part is a link the path that this leads to, which need not exist. 0 or an errno. */
int tf_follow_links(const char *path, tf_buf *out);

/* Removes a file, or a folder with all that is in it. Links are not followed, and what is mounted below it stays. 0,
 * also if there is none; or an errno after removing what can be removed. */
int tf_remove_tree(const char *path);
int tf_remove_tree_at(int folder, const char *name); /* `name` in an open folder */

/* Is something mounted under the name of the open folder? false, too, where the system does not tell (before
 * Linux 5.8).
 */
bool tf_is_mounted(int folder);

/* Removes all that is in an open folder. 0 or an errno. */
int tf_empty_folder(int folder);

/* Takes the right to write from a file, or from a folder and all that is in it. Links are not followed, and what is
 * mounted below it stays as it is. What can't be changed is left. */
void tf_make_read_only_at(int folder, const char *name); /* `name` in an open folder */

/* $TMPDIR, or else /tmp. */
const char *tf_temporary_folder(void);

/* Bytes that are free for this user on the file system of a file or folder; INT64_MAX: not known. */
int64_t tf_free_bytes(const char *path);

/* Opens a file in memory that holds the bytes, at its start, closed on exec. -1 with errno on failure. */
int tf_memory_file(const char *name, const tf_buf *bytes);

#endif
