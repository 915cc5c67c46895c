/* The file system, as the graph sees it: relative to the current folder. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "graph/graph.h"

static tf_disk_id id_of(const struct stat *info) {
    return (tf_disk_id){.device = info->st_dev, .inode = info->st_ino, .is_folder = S_ISDIR(info->st_mode)};
}

static int64_t in_ns(struct timespec time) {
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* A file that is dated in the future would be newer than all that is ever made of it. When it was given that date, or
 * written since, is known. */
static int64_t time_of(const struct stat *info) {
    struct timespec now;
    const int64_t written = in_ns(info->st_mtim), changed = in_ns(info->st_ctim);
    clock_gettime(CLOCK_REALTIME, &now);
    return written > in_ns(now) && changed < written ? changed : written;
}

static int64_t disk_time(tf_disk *self, const char *path, tf_disk_id *id) {
    (void)self;
    struct stat info;
    if (stat(path, &info) != 0)
        return TF_DISK_MISSING;
    *id = id_of(&info);
    return time_of(&info);
}

static int64_t disk_changed(tf_disk *self, const char *path) {
    (void)self;
    struct stat info;
    return stat(path, &info) == 0 ? in_ns(info.st_ctim) : TF_DISK_MISSING;
}

static bool disk_has_contents(tf_disk *self, const char *path) {
    (void)self;
    struct stat info;
    return stat(path, &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode);
}

static void disk_touch(tf_disk *self, const char *path) {
    (void)self;
    utimensat(AT_FDCWD, path, NULL, 0);
}

typedef struct receiver {
    tf_disk_on_entry *visit;
    void *context; /* of `visit` */
} receiver;

static bool pass_entry(void *context, const char *path, const struct stat *info) {
    const receiver *p = context;
    return p->visit(p->context, path, time_of(info));
}

static void disk_each(tf_disk *self, const char *path, tf_disk_on_entry *visit, void *context) {
    (void)self;
    tf_each_entry(path, pass_entry, &(receiver){visit, context});
}

static tf_disk_kind disk_look(tf_disk *self, const char *path, tf_disk_id *id) {
    (void)self;
    struct stat info;
    if (lstat(path, &info) != 0)
        return TF_DISK_NOTHING;
    *id = id_of(&info);
    return S_ISDIR(info.st_mode) ? TF_DISK_FOLDER : S_ISLNK(info.st_mode) ? TF_DISK_LINK : TF_DISK_FILE;
}

static bool disk_resolve(tf_disk *self, const char *path, tf_buf *out) {
    (void)self;
    char *resolved = realpath(path, NULL);
    if (resolved)
        tf_buf_adds(out, resolved);
    free(resolved);
    return resolved != NULL;
}

/* Copies the name with its first letter in the other case. false: it has no letter. */
static bool swap_case(const char *name, char out[256]) {
    size_t i = 0;
    while (name[i] && !isalpha((unsigned char)name[i]))
        i++;
    if (!name[i] || strlen(name) > 255)
        return false;
    strcpy(out, name);
    out[i] =
        (char)(isupper((unsigned char)name[i]) ? tolower((unsigned char)name[i]) : toupper((unsigned char)name[i]));
    return true;
}

/* Asks for an entry of the folder with its first letter in the other case. Of a folder without entries nothing is
 * known.
 */
static bool disk_folds(tf_disk *self, const char *folder) {
    (void)self;
    char other[256];
    struct stat one, two;
    bool folds = false, known = false;
    DIR *listing = opendir(folder);
    if (!listing)
        return false;
    for (const struct dirent *entry; !known && (entry = readdir(listing));) {
        known =
            swap_case(entry->d_name, other) && fstatat(dirfd(listing), entry->d_name, &one, AT_SYMLINK_NOFOLLOW) == 0;
        folds = known && fstatat(dirfd(listing), other, &two, AT_SYMLINK_NOFOLLOW) == 0 && one.st_dev == two.st_dev &&
                one.st_ino == two.st_ino;
    }
    closedir(listing);
    return folds;
}

tf_disk tf_disk_real(void) {
    return (tf_disk){.time = disk_time,
                     .changed = disk_changed,
                     .has_contents = disk_has_contents,
                     .touch = disk_touch,
                     .each = disk_each,
                     .look = disk_look,
                     .resolve = disk_resolve,
                     .folds = disk_folds};
}
