/* What MPI needs before it begins. Open MPI's launcher (without one, a daemon of the process itself) makes files in the
 * folder for temporary files, for all ranks of the node together; where it can't, it ends with words of its own, or
 * waits for ever. Nobody is there yet who could tell the other ranks: each looks for itself. MPICH makes no such files.
 */
#include <mpi.h>

#include "farm/farm.h"

#ifdef OPEN_MPI
#include <errno.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Measured with Open MPI 4.1 and PMIx 4.2, 1 to 64 ranks: two files, and 44 KB of folders and small files. */
enum { FILE_BYTES = 4 << 20, NEEDED = 2 * FILE_BYTES + (44 << 10) };

static tf_err refuse(const char *reason, const char *what_to_do, tf_error *error) {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_MPI, "MPI can't begin on %s: %s; %s", host, reason, what_to_do);
}

/* Bytes on the disk of all files below a folder. */
static int64_t bytes_below(const char *folder) {
    char *paths[] = {(char *)(uintptr_t)folder, NULL};
    int64_t bytes = 0;
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (const FTSENT *entry; tree && (entry = fts_read(tree));)
        if (entry->fts_info == FTS_F)
            bytes += (int64_t)entry->fts_statp->st_blocks * 512;
    if (tree)
        fts_close(tree);
    return bytes;
}

/* What the launcher has made already, for another rank of the node, counts. It may be at it: so first what is free. A
 * folder that can't be looked at is for MPI to judge. */
static bool has_room(const char *folder, bool is_of_launcher) {
    const int64_t available = tf_free_bytes(folder);
    return available >= NEEDED || (is_of_launcher && available + bytes_below(folder) >= NEEDED);
}

/* Why nothing can be made in the folder; NULL if something can, as far as is known. One that is not there is made. */
static const char *what_is_wrong(const char *folder) {
    struct stat info;
    if (stat(folder, &info) == 0 && !S_ISDIR(info.st_mode))
        return strerror(ENOTDIR);
    const bool usable = access(folder, W_OK | X_OK) == 0 || (errno == ENOENT && lstat(folder, &info) != 0);
    return usable ? NULL : strerror(errno);
}

static tf_err check_folder(tf_error *error) {
    static const char *const names[] = {
        "PMIX_SERVER_TMPDIR", "OMPI_MCA_orte_tmpdir_base", "PRTE_MCA_prte_tmpdir_base", "TMPDIR", "TEMP", "TMP"};
    size_t i = 0;
    const char *folder = NULL;
    while (i < sizeof names / sizeof *names && !(folder = getenv(names[i])))
        i++;
    if (!folder)
        folder = tf_temporary_folder();
    const char *wrong = what_is_wrong(folder);
    if (!wrong && has_room(folder, i == 0))
        return TF_OK;
    char needed[32];
    tf_buf reason = {0};
    if (wrong)
        tf_buf_addf(&reason, "%s, where it makes its files: %s", folder, wrong);
    else
        tf_buf_addf(&reason, "%s, where it makes its files, is full: it needs %s", folder,
                    tf_format_size(NEEDED, needed));
    const tf_err err =
        refuse(reason.data, wrong ? "set TMPDIR to another folder" : "make room there, or set TMPDIR to another folder",
               error);
    tf_buf_free(&reason);
    return err;
}

static tf_err check_limit(tf_error *error) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= FILE_BYTES)
        return TF_OK;
    return refuse("it makes files of 4 MB, which ulimit -f does not allow", "raise it", error);
}

tf_err tf_farm_check_room(tf_error *error) {
    const tf_err err = check_limit(error);
    return err == TF_OK ? check_folder(error) : err;
}
#else
tf_err tf_farm_check_room(tf_error *error) {
    (void)error;
    return TF_OK;
}
#endif
