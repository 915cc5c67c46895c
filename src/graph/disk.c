/* The file system as the graph sees it: times of files, relative to the current folder. */
#include <fcntl.h>
#include <sys/stat.h>

#include "graph/graph.h"

static int64_t time_of(const struct stat *info) {
    return info->st_mtim.tv_sec * INT64_C(1000000000) + info->st_mtim.tv_nsec;
}

static int64_t disk_time(tf_disk *self, const char *path) {
    (void)self;
    struct stat info;
    return stat(path, &info) == 0 ? time_of(&info) : TF_DISK_MISSING;
}

static void disk_touch(tf_disk *self, const char *path) {
    (void)self;
    utimensat(AT_FDCWD, path, NULL, 0);
}

typedef struct passing {
    tf_disk_on_entry *take;
    void *context; /* its */
} passing;

static void pass_entry(void *context, const char *path, const struct stat *info) {
    const passing *p = context;
    p->take(p->context, path, time_of(info));
}

static void disk_each(tf_disk *self, const char *path, tf_disk_on_entry *take, void *context) {
    (void)self;
    tf_each_entry(path, pass_entry, &(passing){take, context});
}

tf_disk tf_disk_real(void) {
    return (tf_disk){.time = disk_time, .touch = disk_touch, .each = disk_each};
}
