/* Names of old outputs (see aside.h). Nothing that has such a name already is replaced. */
#include "store/resume/aside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/folder.h"

typedef struct names {
    tf_buf old, folder;         /* what links lead to */
    tf_buf aside, aside_folder; /* what it is to be called */
} names;

bool aside_is_there(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

static bool is_same_file(const char *a, const char *b) {
    struct stat first, second;
    return lstat(a, &first) == 0 && lstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/* The first number of which neither file nor folder is there; or, if `again`, under which the file is known already. */
static void find_names(const char *output, bool again, names *n) {
    *n = (names){0};
    tf_follow_links(output, &n->old);
    folder_path(output, NULL, &n->folder);
    for (int number = 1;; number++) {
        tf_buf_clear(&n->aside);
        tf_buf_clear(&n->aside_folder);
        tf_buf_addf(&n->aside, "%s.%d", n->old.data, number);
        tf_buf_addf(&n->aside_folder, "%s.d", n->aside.data);
        if (again && is_same_file(n->old.data, n->aside.data))
            return;
        if (!aside_is_there(n->aside.data) && !aside_is_there(n->aside_folder.data))
            return;
    }
}

static void free_names(names *n) {
    tf_buf_free(&n->old);
    tf_buf_free(&n->folder);
    tf_buf_free(&n->aside);
    tf_buf_free(&n->aside_folder);
}

static void note_move(const names *n, tf_buf *note) {
    tf_buf_addf(note, "%smoved the old %s to %s", note->length ? "; " : "", n->old.data, n->aside.data);
}

/* Renames `from`, if it is there. What has come to the new name meanwhile stays, where the file system can do that. */
static tf_err rename_new(const char *from, const char *to, tf_error *error) {
    if (!aside_is_there(from) || renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0 ||
        ((errno == EINVAL || errno == ENOSYS) && rename(from, to) == 0))
        return TF_OK;
    return tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "%s: can't be renamed to %s: %s", from, to,
                           strerror(errno));
}

/* Where a file can't have two names it has only the new one for a moment. */
static tf_err give_name(const names *n, tf_error *error) {
    if (is_same_file(n->old.data, n->aside.data) || link(n->old.data, n->aside.data) == 0)
        return TF_OK;
    return rename_new(n->old.data, n->aside.data, error);
}

tf_err aside_move(const char *output, tf_buf *note, tf_error *error) {
    names n;
    find_names(output, false, &n);
    tf_err err = rename_new(n.folder.data, n.aside_folder.data, error);
    if (err == TF_OK)
        err = rename_new(n.old.data, n.aside.data, error);
    if (err == TF_OK)
        note_move(&n, note);
    free_names(&n);
    return err;
}

tf_err aside_keep(const char *output, int64_t run, tf_buf *note, tf_error *error) {
    names n;
    find_names(output, true, &n);
    tf_err err = give_name(&n, error);
    tf_crash_point("aside.named");
    if (err == TF_OK)
        err = folder_hand_over(output, run, n.aside.data, error);
    tf_crash_point("aside.handed_over");
    if (err == TF_OK)
        note_move(&n, note);
    free_names(&n);
    return err;
}
