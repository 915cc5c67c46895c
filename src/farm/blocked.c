/* The system shows the number of the call and its arguments (proc(5), /proc/PID/syscall). The file is told by its
 * descriptor, or by its path, which is in the memory of this process: it is read by a call that fails where there is no
 * memory any more. Waiting, as MPI and this program do it, is none of the calls here. */
#include "farm/blocked.h"

#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"

typedef struct file_call {
    long number;
    const char *name;
    int fd, path; /* which arguments are a descriptor and a path; -1: none is */
} file_call;

static const file_call calls[] = {
    {SYS_read, "read", 0, -1},           {SYS_write, "write", 0, -1},         {SYS_pread64, "pread", 0, -1},
    {SYS_pwrite64, "pwrite", 0, -1},     {SYS_preadv, "preadv", 0, -1},       {SYS_pwritev, "pwritev", 0, -1},
    {SYS_fsync, "fsync", 0, -1},         {SYS_fdatasync, "fdatasync", 0, -1}, {SYS_ftruncate, "ftruncate", 0, -1},
    {SYS_fallocate, "fallocate", 0, -1}, {SYS_fcntl, "fcntl", 0, -1},         {SYS_flock, "flock", 0, -1},
    {SYS_close, "close", 0, -1},         {SYS_fstat, "fstat", 0, -1},         {SYS_openat, "open", -1, 1},
    {SYS_newfstatat, "stat", 0, 1},      {SYS_statx, "stat", 0, 1},           {SYS_statfs, "statfs", -1, 0},
    {SYS_faccessat, "access", -1, 1},    {SYS_mkdirat, "mkdir", -1, 1},       {SYS_unlinkat, "unlink", -1, 1},
    {SYS_renameat2, "rename", -1, 1},
#ifdef SYS_open /* on processors that have the older calls, too */
    {SYS_open, "open", -1, 0},           {SYS_stat, "stat", -1, 0},           {SYS_access, "access", -1, 0},
    {SYS_mkdir, "mkdir", -1, 0},         {SYS_unlink, "unlink", -1, 0},       {SYS_rename, "rename", -1, 0},
    {SYS_renameat, "rename", -1, 1},
#endif
};

static const file_call *find_call(long number) {
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == number)
            return &calls[i];
    return NULL;
}

static void read_path(unsigned long at, char *path, size_t size) {
    const struct iovec here = {path, size - 1}, there = {(void *)at, size - 1};
    const ssize_t got = process_vm_readv(getpid(), &here, 1, &there, 1, 0);
    path[got > 0 ? got : 0] = '\0';
}

static void find_open(unsigned long fd, char *path, size_t size) {
    char link[40];
    snprintf(link, sizeof link, "/proc/self/fd/%d", (int)fd);
    const ssize_t got = readlink(link, path, size - 1);
    path[got > 0 ? got : 0] = '\0';
}

void blocked_find(int thread, char text[BLOCKED_TEXT]) {
    char name[48], path[BLOCKED_TEXT - 20] = "";
    unsigned long argument[2];
    long number;
    tf_buf line = {0};
    text[0] = '\0';
    snprintf(name, sizeof name, "/proc/self/task/%d/syscall", thread);
    tf_read_file(name, &line);
    const bool is_in_call = sscanf(tf_buf_text(&line), "%ld %lx %lx", &number, &argument[0], &argument[1]) == 3;
    const file_call *call = is_in_call ? find_call(number) : NULL;
    tf_buf_free(&line);
    if (!call)
        return;
    if (call->path >= 0)
        read_path(argument[call->path], path, sizeof path);
    if (!*path && call->fd >= 0) /* of an empty path it is the descriptor that counts */
        find_open(argument[call->fd], path, sizeof path);
    snprintf(text, BLOCKED_TEXT, "%s%s%s", call->name, *path ? " of " : "", path);
}
