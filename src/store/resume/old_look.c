/* An output may change while it is looked at: whoever sees that it has looks again. */
#include <poll.h>
#include <sys/stat.h>

#include "store/lock.h"
#include "store/resume/plan.h"

void old_look_begin(old_look *look, const char *path) {
    struct stat info = {0};
    look->held = lock_is_held(path);
    stat(path, &info);
    look->device = info.st_dev;
    look->inode = info.st_ino;
}

bool old_look_again(old_look *look, const char *path, bool good) {
    enum { TRIES = 100, PAUSE = 50 /* ms */ };
    struct stat info = {0};
    stat(path, &info);
    const bool replaced = info.st_dev != look->device || info.st_ino != look->inode;
    const bool changed = replaced || (look->held && (!good || !lock_is_held(path)));
    if (!changed || look->tries++ == TRIES)
        return false;
    poll(NULL, 0, PAUSE);
    return true;
}
