/* OUTPUT.d, the folder of what a run has beside its output. It is one user's alone, of mode 0700, and what is in it is
 * reached through a descriptor of the folder, never by a path: where several people may make files, somebody else could
 * have made it first, with links in it to what a run is to overwrite. A folder that is not ours is not used.
 *
 * Where the output's name is a link, the folder is beside what that leads to: an output has one folder by all names
 * that are links to it. */
#ifndef TF_STORE_FOLDER_H
#define TF_STORE_FOLDER_H

#include "base/base.h"

/* Adds the path of an entry of the folder; NULL: of the folder itself. */
void folder_path(const char *output, const char *name, tf_buf *path);

/* Opens the folder, which must be there and be ours; folder_make makes it if it is not there. -1 after an error. */
int folder_open(const char *output, tf_error *error);
int folder_make(const char *output, tf_error *error);

/* The error that a file or folder of the output can't be made, by errno. */
tf_err folder_unmade(const char *path, int failure, tf_error *error);

/* Opens anybody's, to read what is in it. -1 with errno. */
int folder_open_any(const char *output);

/* Says that an entry can't be read or written, or that the folder (NULL) can't be looked at: `failure` is an errno of
 * the functions here. Returns the error's code. */
tf_err folder_failed(const char *output, const char *name, int failure, tf_error *error);

/* Opens a file of the folder, with flags as open has them: a regular one, of the folder's own user. -1 with errno. */
int folder_open_file(int folder, const char *name, int flags);

/* Opens a folder in it, likewise; makes it before. -1 with errno. */
int folder_open_inner(int folder, const char *name);
int folder_make_inner(int folder, const char *name);

/* Adds the bytes of a file to `out`. 0 or an errno. */
int folder_read(int folder, const char *name, tf_buf *out);

/* Makes a file anew: whoever opens it has the old one or the new one, whole. 0 or an errno. */
int folder_replace(int folder, const char *name, const void *bytes, size_t size, bool to_disk);

/* Which file it was that this process has written last under a name, and how long. */
typedef struct folder_end {
    uint64_t device, inode;
    int64_t size; /* bytes; 0: it has written none */
} folder_end;

/* Adds bytes to the end of the file and brings them to disk. 0 or an errno; ESTALE: it is not as `end` says, and stays
 * as it is. After any failure `end` is zero. */
int folder_append(int folder, const char *name, folder_end *end, const void *bytes, size_t size);

/* Where the file ends now; zero if that can't be told. */
folder_end folder_find_end(int folder, const char *name);

/* The folder of a run's side files in it: run-N. Returns `name`. */
const char *folder_run(int64_t run, char name[40]);

/* Makes a link to the output in the folder of a run; its name begins with "mpi-". false if it could not be made. */
bool folder_link(const char *output, int64_t run, const char *name);

/* Is an entry of a run's folder such a link, or what MPI has made beside it? */
bool folder_is_of_mpi(const char *name);

/* Removes what runs make in the folder, and nothing else: what other runs than this one have left; or all, together
 * with the folder, if that is empty then, and letting go of the lock. */
tf_err folder_remove_runs(const char *output, int64_t run, tf_error *error);
tf_err folder_remove(const char *output, int *lock, tf_error *error);

/* The highest number of a run that has a folder in it; 0: there is none. */
int64_t folder_last_run(const char *output);

/* Moves what earlier runs than this one have left in it, the journal too, to the folder of another output. */
tf_err folder_hand_over(const char *output, int64_t run, const char *other, tf_error *error);

/* Lets go of the lock, and removes the folder if it has nothing else. */
void folder_leave(const char *output, int *lock);

#endif
