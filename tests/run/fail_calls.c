/* Preloaded into the program: makes system calls fail as TASKFARM_FAIL says, "CALL:ERRNO:N" or "CALL:ERRNO:N+": the
 * N-th call of a process fails, or it and all that follow. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int fails(const char *call, int *count) {
    const char *wanted = getenv("TASKFARM_FAIL");
    size_t length = strlen(call);
    if (!wanted || strncmp(wanted, call, length) != 0 || wanted[length] != ':')
        return 0;
    char *rest;
    long failure = strtol(wanted + length + 1, &rest, 10), number = strtol(rest + 1, &rest, 10);
    bool ever_after = *rest == '+';
    long passed = __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
    return passed == number || (ever_after && passed > number) ? (int)failure : 0;
}

#define FAILING(type, name, parameters, arguments, bad)                                                                \
    type name parameters;                                                                                              \
    type name parameters {                                                                                             \
        static int count;                                                                                              \
        static type(*real) parameters;                                                                                 \
        if (!real)                                                                                                     \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                                                 \
        int failure = fails(#name, &count);                                                                            \
        if (failure == 0)                                                                                              \
            return real arguments;                                                                                     \
        errno = failure;                                                                                               \
        return bad;                                                                                                    \
    }

FAILING(ssize_t, pwrite, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at), -1)
FAILING(ssize_t, pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at), -1)
FAILING(ssize_t, pwritev, (int fd, const struct iovec *parts, int number, off_t at), (fd, parts, number, at), -1)
FAILING(int, fdatasync, (int fd), (fd), -1)
FAILING(int, fsync, (int fd), (fd), -1)
FAILING(int, rename, (const char *from, const char *to), (from, to), -1)
FAILING(int, renameat, (int from_in, const char *from, int to_in, const char *to), (from_in, from, to_in, to), -1)
FAILING(int, link, (const char *from, const char *to), (from, to), -1)
FAILING(int, mkdir, (const char *path, mode_t mode), (path, mode), -1)
FAILING(int, mkdirat, (int folder, const char *path, mode_t mode), (folder, path, mode), -1)
FAILING(char *, mkdtemp, (char *pattern), (pattern), NULL)
FAILING(int, unlink, (const char *path), (path), -1)
FAILING(int, unlinkat, (int folder, const char *path, int flags), (folder, path, flags), -1)
FAILING(int, rmdir, (const char *path), (path), -1)
FAILING(int, ftruncate, (int fd, off_t size), (fd, size), -1)
FAILING(int, regcomp, (regex_t * regex, const char *text, int flags), (regex, text, flags), failure)
FAILING(int, regexec, (const regex_t *regex, const char *text, size_t most, regmatch_t *match, int flags),
        (regex, text, most, match, flags), failure)
FAILING(int, memfd_create, (const char *name, unsigned flags), (name, flags), -1)
FAILING(int, socketpair, (int domain, int type, int protocol, int pair[2]), (domain, type, protocol, pair), -1)
FAILING(int, pipe2, (int pair[2], int flags), (pair, flags), -1)
FAILING(int, posix_spawn,
        (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
         char *const argv[], char *const envp[]),
        (pid, path, actions, attributes, argv, envp), failure)
FAILING(pid_t, fork, (void), (), -1)
FAILING(ssize_t, sendmsg, (int fd, const struct msghdr *head, int flags), (fd, head, flags), -1)

int openat(int folder, const char *path, int flags, ...) {
    static int count;
    int (*real)(int, const char *, int, ...);
    va_list more;
    va_start(more, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(more, mode_t) : 0;
    va_end(more);
    *(void **)&real = dlsym(RTLD_NEXT, "openat");
    errno = fails("openat", &count);
    return errno ? -1 : real(folder, path, flags, mode);
}

/* It returns the error. */
int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]) {
    static int count;
    int (*real)(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *, char *const[],
                char *const[]);
    *(void **)&real = dlsym(RTLD_NEXT, "posix_spawnp");
    int failure = fails("posix_spawnp", &count);
    return failure ? failure : real(pid, file, actions, attributes, argv, envp);
}
