/* Many ranks that write one file meet at the servers that hold it. Lustre spreads a file over as many as it is told
 * when the file is made, and can't be told later; GPFS does so by itself. Both lock blocks: rows of different ranks
 * that lie in one block wait for each other, and so datasets begin with a block. */
#include "store/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { LUSTRE = 0x0BD00BD0, GPFS = 0x47504653 }; /* statfs.f_type */

disk_info disk_find(const char *path) {
    disk_info found = {0};
    struct statfs system;
    struct stat info;
    const char *slash = strrchr(path, '/');
    tf_buf folder = {0};
    tf_buf_add(&folder, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    if (statfs(folder.data, &system) == 0 && stat(folder.data, &info) == 0) {
        found.kind = (uint32_t)system.f_type == LUSTRE ? DISK_LUSTRE
                     : (uint32_t)system.f_type == GPFS ? DISK_GPFS
                                                       : DISK_OTHER;
        found.block = info.st_blksize;
        found.laid_out = found.kind == DISK_LUSTRE && getxattr(folder.data, "lustre.lov", NULL, 0) > 0;
    }
    tf_buf_free(&folder);
    return found;
}

int64_t disk_alignment(const disk_info *disk, const tf_campaign *campaign) {
    enum { MOST = 16 << 20 };
    if (campaign->stripe_size > 0)
        return campaign->stripe_size;
    if (disk->kind == DISK_OTHER || disk->block < 1)
        return 1;
    return disk->block < MOST ? disk->block : MOST;
}

striping disk_stripes(const disk_info *disk, const tf_campaign *campaign, int64_t bytes) {
    enum { MOST = 64, USUAL = 4 << 20 };
    const int64_t each = 1 << 30;
    striping wanted = {.count = campaign->stripes, .size = campaign->stripe_size};
    if (disk->kind != DISK_LUSTRE)
        return (striping){0};
    if (wanted.count || wanted.size || disk->laid_out || bytes < 2 * each)
        return wanted;
    return (striping){.count = bytes / each < MOST ? (int)(bytes / each) : MOST, .size = USUAL};
}

static int run(char *const *argv) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    pid_t pid;
    int failure = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failure)
        return -failure;
    int status = tf_child_wait(pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool disk_create(const char *path, const striping *stripes, tf_buf *why) {
    enum { MOST_WORDS = 8 };
    char count[32], size[32];
    const char *word[MOST_WORDS] = {"lfs", "setstripe"};
    int words = 2;
    if (stripes->count) {
        snprintf(count, sizeof count, "%d", stripes->count);
        word[words++] = "-c";
        word[words++] = count;
    }
    if (stripes->size) {
        snprintf(size, sizeof size, "%lld", (long long)stripes->size);
        word[words++] = "-S";
        word[words++] = size;
    }
    word[words++] = path;
    int status = run((char *const *)(uintptr_t)word);
    if (why->length && status)
        tf_buf_adds(why, "; ");
    if (status < 0)
        tf_buf_addf(why, "%s has the stripes of its folder: lfs can't be run: %s", path, strerror(-status));
    else if (status > 0)
        tf_buf_addf(why, "%s has the stripes of its folder: lfs setstripe ended with exit status %d", path, status);
    return status == 0;
}

void disk_prepare(const char *path, const tf_campaign *campaign, int64_t bytes, tf_buf *note) {
    const disk_info under = disk_find(path);
    const striping wanted = disk_stripes(&under, campaign, bytes);
    if ((wanted.count || wanted.size) && access(path, F_OK) != 0)
        disk_create(path, &wanted, note);
}
