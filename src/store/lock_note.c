/* A note is as old as the taking of the byte, and is not withdrawn: processes that a rank has started hold the byte
 * with it, and longer. So what it says is certain only where the process can be found that made it: on this machine, by
 * its number and the instant of its start. */
#include "store/lock_note.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOTE_BYTES = 128 };

#define LAST_TIME 253402300799.0 /* of four digits for the year: what comes later is no time at which a run began */

typedef struct note {
    int pid;
    unsigned uid;
    double since;   /* tf_wall() */
    uint64_t start; /* of the process, in the system's ticks since it was booted */
    uint64_t space; /* of process numbers */
    char host[64];
} note;

static const char format[] = "pid %d uid %u since %.0f start %llu space %llu host %s\n";

/* When the process began; 0: there is none. */
static uint64_t find_start(int pid) {
    enum { BEHIND_NAME = 20 }; /* the 22nd field; the second is a name in brackets */
    char path[64];
    tf_buf stat = {0};
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    tf_read_file(path, &stat);
    const char *at = strrchr(tf_buf_text(&stat), ')');
    for (int field = 0; at && field < BEHIND_NAME; field++)
        at = strchr(at + 1, ' ');
    unsigned long long start = 0;
    if (!at || sscanf(at, " %llu", &start) != 1)
        start = 0;
    tf_buf_free(&stat);
    return start;
}

static note note_of_this_process(void) {
    struct stat space = {0};
    note n = {.pid = getpid(), .uid = getuid(), .since = tf_wall()};
    n.start = find_start(n.pid);
    n.space = stat("/proc/self/ns/pid", &space) == 0 ? space.st_ino : 0;
    if (gethostname(n.host, sizeof n.host - 1) != 0 || strpbrk(n.host, " \n"))
        n.host[0] = '\0';
    return n;
}

void lock_note(int fd, int rank) {
    const note n = note_of_this_process();
    char bytes[NOTE_BYTES] = {0};
    snprintf(bytes, sizeof bytes, format, n.pid, n.uid, n.since, (unsigned long long)n.start,
             (unsigned long long)n.space, n.host);
    const ssize_t written = pwrite(fd, bytes, sizeof bytes, (off_t)rank * NOTE_BYTES);
    (void)written;
}

static bool read_note(int fd, int rank, note *n) {
    char bytes[NOTE_BYTES + 1] = "";
    unsigned long long start, space;
    char end = '\0';
    if (pread(fd, bytes, NOTE_BYTES, (off_t)rank * NOTE_BYTES) <= 0 ||
        sscanf(bytes, "pid %d uid %u since %lf start %llu space %llu host %63[-._A-Za-z0-9]%c", &n->pid, &n->uid,
               &n->since, &start, &space, n->host, &end) != 7 ||
        end != '\n' || n->pid < 1 || !(n->since >= 0 && n->since <= LAST_TIME))
        return false;
    n->start = start;
    n->space = space;
    return true;
}

/* "process 4412 of root on node2 (rank 0), since 2026-11-30T13:44:38Z" */
static void describe(const note *n, int rank, tf_buf *text) {
    char time[32];
    const struct passwd *user = getpwuid(n->uid);
    tf_buf_addf(text, "process %d of ", n->pid);
    if (user)
        tf_buf_adds(text, user->pw_name);
    else
        tf_buf_addf(text, "user %u", n->uid);
    tf_buf_addf(text, " on %s (rank %d), since %s", n->host, rank, tf_format_time(n->since, time));
}

void lock_note_tell(int fd, int rank, tf_buf *text) {
    note n;
    if (!read_note(fd, rank, &n))
        return;
    const note here = note_of_this_process();
    const bool is_near = n.space == here.space && strcmp(n.host, here.host) == 0;
    const bool is_there = is_near && n.start > 0 && find_start(n.pid) == n.start;
    tf_buf_adds(text, is_there ? ": " : "; its lock was taken by ");
    describe(&n, rank, text);
    if (is_near && !is_there)
        tf_buf_adds(text, ", which has ended: what it has started may hold it still");
    else if (!is_there)
        tf_buf_adds(text, ", as is noted there; that can't be checked from here");
}
