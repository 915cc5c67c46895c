/* The functions of the C library that may fail (see faults.h): each asks whether this call is to. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "faults.h"

#define FILE_OF(fd)         ((call_place){(fd), NULL})
#define PATH_OF(path)       ((call_place){AT_FDCWD, (path)})
#define PATH_IN(fold, path) ((call_place){(fold), (path)})
#define NO_FILE             ((call_place){-1, NULL})
#define FAULT_OF(name, at)  fault_at(name, at, __builtin_return_address(0))

/* `real` is the C library's function. */
#define REAL(type, name, parameters)                                                                                   \
    static type(*real) parameters;                                                                                     \
    if (!real)                                                                                                         \
        *(void **)&real = dlsym(RTLD_NEXT, #name);

#define FAILING(type, name, at, parameters, arguments, bad)                                                            \
    type name parameters;                                                                                              \
    type name parameters {                                                                                             \
        REAL(type, name, parameters)                                                                                   \
        const fault now = FAULT_OF(#name, at);                                                                         \
        const int failure = now.failure;                                                                               \
        if (now.kind != FAULT_ERROR)                                                                                   \
            return real arguments;                                                                                     \
        errno = failure;                                                                                               \
        return bad;                                                                                                    \
    }

/* Calls that may move less than `size` bytes. */
#define MOVING(name, parameters, arguments)                                                                            \
    ssize_t name parameters;                                                                                           \
    ssize_t name parameters {                                                                                          \
        REAL(ssize_t, name, parameters)                                                                                \
        const fault now = FAULT_OF(#name, FILE_OF(fd));                                                                \
        errno = now.kind == FAULT_ERROR ? now.failure : errno;                                                         \
        if (now.kind == FAULT_SHORT)                                                                                   \
            size = (size + 1) / 2;                                                                                     \
        return now.kind == FAULT_ERROR ? -1 : real arguments;                                                          \
    }

/* The same for several pieces of memory: of a short one the first half of the first piece. */
#define MOVING_PARTS(name, parameters, arguments)                                                                      \
    ssize_t name parameters;                                                                                           \
    ssize_t name parameters {                                                                                          \
        REAL(ssize_t, name, parameters)                                                                                \
        const fault now = FAULT_OF(#name, FILE_OF(fd));                                                                \
        errno = now.kind == FAULT_ERROR ? now.failure : errno;                                                         \
        struct iovec half = *parts;                                                                                    \
        if (now.kind == FAULT_SHORT) {                                                                                 \
            half.iov_len = (half.iov_len + 1) / 2;                                                                     \
            parts = &half;                                                                                             \
            number = 1;                                                                                                \
        }                                                                                                              \
        return now.kind == FAULT_ERROR ? -1 : real arguments;                                                          \
    }

MOVING(read, (int fd, void *data, size_t size), (fd, data, size))
MOVING(write, (int fd, const void *data, size_t size), (fd, data, size))
MOVING(pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at))
MOVING(pread64, (int fd, void *data, size_t size, off_t at), (fd, data, size, at))
MOVING(pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
MOVING(pwrite64, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
MOVING_PARTS(writev, (int fd, const struct iovec *parts, int number), (fd, parts, number))
MOVING_PARTS(preadv, (int fd, const struct iovec *parts, int number, off_t at), (fd, parts, number, at))
MOVING_PARTS(pwritev, (int fd, const struct iovec *parts, int number, off_t at), (fd, parts, number, at))

FAILING(int, fsync, FILE_OF(fd), (int fd), (fd), -1)
FAILING(int, fdatasync, FILE_OF(fd), (int fd), (fd), -1)
FAILING(int, ftruncate, FILE_OF(fd), (int fd, off_t size), (fd, size), -1)
FAILING(int, fallocate, FILE_OF(fd), (int fd, int mode, off_t from, off_t size), (fd, mode, from, size), -1)
FAILING(int, posix_fallocate, FILE_OF(fd), (int fd, off_t from, off_t size), (fd, from, size), failure)
FAILING(int, rename, PATH_OF(to), (const char *from, const char *to), (from, to), -1)
FAILING(int, renameat, PATH_IN(to_in, to), (int from_in, const char *from, int to_in, const char *to),
        (from_in, from, to_in, to), -1)
FAILING(int, link, PATH_OF(to), (const char *from, const char *to), (from, to), -1)
FAILING(int, mkdir, PATH_OF(path), (const char *path, mode_t mode), (path, mode), -1)
FAILING(int, mkdirat, PATH_IN(folder, path), (int folder, const char *path, mode_t mode), (folder, path, mode), -1)
FAILING(char *, mkdtemp, PATH_OF(pattern), (char *pattern), (pattern), NULL)
FAILING(int, unlink, PATH_OF(path), (const char *path), (path), -1)
FAILING(int, unlinkat, PATH_IN(folder, path), (int folder, const char *path, int flags), (folder, path, flags), -1)
FAILING(int, rmdir, PATH_OF(path), (const char *path), (path), -1)
FAILING(FILE *, fopen, PATH_OF(path), (const char *path, const char *mode), (path, mode), NULL)
FAILING(int, regcomp, NO_FILE, (regex_t * regex, const char *text, int flags), (regex, text, flags), failure)
FAILING(int, regexec, NO_FILE, (const regex_t *regex, const char *text, size_t most, regmatch_t *match, int flags),
        (regex, text, most, match, flags), failure)
FAILING(int, memfd_create, NO_FILE, (const char *name, unsigned flags), (name, flags), -1)
FAILING(int, socketpair, NO_FILE, (int domain, int type, int protocol, int pair[2]), (domain, type, protocol, pair), -1)
FAILING(int, pipe2, NO_FILE, (int pair[2], int flags), (pair, flags), -1)
FAILING(int, connect, NO_FILE, (int fd, const struct sockaddr *to, socklen_t size), (fd, to, size), -1)
FAILING(ssize_t, sendmsg, NO_FILE, (int fd, const struct msghdr *head, int flags), (fd, head, flags), -1)
FAILING(pid_t, fork, NO_FILE, (void), (), -1)
FAILING(pid_t, vfork, NO_FILE, (void), (), -1)
FAILING(void *, mmap, FILE_OF(fd), (void *where, size_t size, int protection, int flags, int fd, off_t from),
        (where, size, protection, flags, fd, from), MAP_FAILED)

/* These return the error. */
FAILING(int, posix_spawn, NO_FILE,
        (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
         char *const argv[], char *const envp[]),
        (pid, path, actions, attributes, argv, envp), failure)
FAILING(int, posix_spawnp, NO_FILE,
        (pid_t * pid, const char *file, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
         char *const argv[], char *const envp[]),
        (pid, file, actions, attributes, argv, envp), failure)

/* A descriptor is gone, whatever came of closing it. */
int close(int fd) {
    REAL(int, close, (int))
    const fault now = FAULT_OF("close", FILE_OF(fd));
    const int result = real(fd);
    errno = now.kind == FAULT_ERROR ? now.failure : errno;
    return now.kind == FAULT_ERROR ? -1 : result;
}

/* The mode is there if a file is to be made. */
static mode_t mode_of(int flags, va_list more) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}

#define OPENING(name, at, parameters, arguments)                                                                       \
    int name parameters {                                                                                              \
        REAL(int, name, parameters)                                                                                    \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        const mode_t mode = mode_of(flags, more);                                                                      \
        va_end(more);                                                                                                  \
        const fault now = FAULT_OF(#name, at);                                                                         \
        errno = now.kind == FAULT_ERROR ? now.failure : errno;                                                         \
        return now.kind == FAULT_ERROR ? -1 : real arguments;                                                          \
    }

OPENING(open, PATH_OF(path), (const char *path, int flags, ...), (path, flags, mode))
OPENING(open64, PATH_OF(path), (const char *path, int flags, ...), (path, flags, mode))
OPENING(openat, PATH_IN(folder, path), (int folder, const char *path, int flags, ...), (folder, path, flags, mode))
