/* Which call is to fail (see faults.h). It is read once, as the library is loaded; counts are in memory that a process
 * shares with those that it forks. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"

static struct plan {
    pid_t pid; /* of the rank; 0: not yet read, or nothing is to happen in this process */
    bool everywhere, records, has_fault;
    char call[32], how[16];
    uint64_t site; /* 0: any */
    long first, last;
    double seconds; /* that a hang takes; 0: for ever */
    char paths[4096];
    char held[4096]; /* is made as a call hangs; "": nothing is */
    long *count;     /* of calls so far */
} plan;

static _Thread_local bool is_within; /* a call of our own */

/* false: it is none. */
static bool read_fault(const char *text) {
    char *rest;
    const size_t name = strcspn(text, "@:");
    snprintf(plan.call, sizeof plan.call, "%.*s", (int)name, text);
    text += name;
    if (*text == '@') {
        plan.site = strtoull(text + 1, &rest, 16);
        text = rest;
    }
    if (*text != ':')
        return false;
    const size_t how = strcspn(text + 1, ":");
    snprintf(plan.how, sizeof plan.how, "%.*s", (int)how, text + 1);
    text += 1 + how;
    if (*text != ':')
        return false;
    plan.first = plan.last = strtol(text + 1, &rest, 10);
    if (*rest == '+')
        plan.last = rest[1] ? plan.first + strtol(rest + 1, &rest, 10) : __LONG_MAX__;
    return true;
}

static int own_rank(void) {
    const char *names[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        if (getenv(names[n]))
            return atoi(getenv(names[n]));
    return 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *fault = getenv("TASKFARM_FAIL"), *record = getenv("TASKFARM_FAIL_RECORD");
    const char *rank = getenv("TASKFARM_FAIL_RANK"), *in = getenv("TASKFARM_FAIL_IN");
    const char *paths = getenv("TASKFARM_FAIL_PATHS"), *seconds = getenv("TASKFARM_FAIL_SECONDS");
    const char *held = getenv("TASKFARM_FAIL_HELD");
    char table[4096] = "";
    is_within = true;
    unsetenv("LD_PRELOAD"); /* for programs that are started from here */
    if (record)
        snprintf(table, sizeof table, "%s.%d", record, own_rank());
    if ((record || fault) && (!rank || atoi(rank) == own_rank())) {
        site_open_table(record ? table : NULL);
        plan.count = mmap(NULL, sizeof *plan.count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        plan.everywhere = in && strcmp(in, "all") == 0;
        plan.seconds = seconds ? strtod(seconds, NULL) : 0;
        plan.records = record != NULL;
        snprintf(plan.paths, sizeof plan.paths, "%s", paths ? paths : "");
        snprintf(plan.held, sizeof plan.held, "%s", held ? held : "");
        plan.has_fault = fault && read_fault(fault);
        plan.pid = getpid();
    }
    is_within = false;
}

/* The whole path that a call is about; "": it is about none. */
static void find_path(call_place place, char path[4096]) {
    char link[64], folder[2048] = "";
    ssize_t length = 0;
    path[0] = '\0';
    if (place.path && place.path[0] == '/') {
        snprintf(path, 4096, "%s", place.path);
        return;
    }
    if (place.path && place.fd == AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/cwd");
    else
        snprintf(link, sizeof link, "/proc/self/fd/%d", place.fd);
    if (place.path || place.fd >= 0)
        length = readlink(link, folder, sizeof folder - 1);
    folder[length > 0 ? length : 0] = '\0';
    snprintf(path, 4096, place.path ? "%s/%s" : "%s%s", folder, place.path ? place.path : "");
}

static bool is_among_paths(const char *path) {
    char parts[sizeof plan.paths], *rest = parts, *part;
    memcpy(parts, plan.paths, sizeof parts);
    while ((part = strsep(&rest, ":")))
        if (*part && strstr(path, part))
            return true;
    return false;
}

/* As a call on a file system that is gone. */
static void hang_for_ever(void) {
    char byte;
    int ends[2];
    while (pipe(ends) != 0 || read(ends[0], &byte, 1) < 0)
        ;
}

static void hang(void) {
    if (plan.held[0])
        close(open(plan.held, O_WRONLY | O_CREAT, 0666));
    struct timespec left = {.tv_sec = (time_t)plan.seconds,
                            .tv_nsec = (long)(1e9 * (plan.seconds - (double)(time_t)plan.seconds))};
    if (plan.seconds == 0)
        hang_for_ever();
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

static bool is_meant(const char *call, call_place place, const void *caller, char path[4096]) {
    const bool has_path = place.path || place.fd >= 0;
    find_path(place, path);
    if (plan.paths[0] && !(has_path ? is_among_paths(path) : site_is_in_program(caller)))
        return false;
    if (plan.records) {
        site_note(call, path);
        return false;
    }
    if (strcmp(call, plan.call) != 0)
        return false;
    char functions[1];
    if (plan.site && site_find(functions, sizeof functions) != plan.site)
        return false;
    const long number = __atomic_add_fetch(plan.count, 1, __ATOMIC_RELAXED);
    return number >= plan.first && number <= plan.last;
}

fault fault_at(const char *call, call_place place, const void *caller) {
    fault found = {FAULT_NONE, 0};
    char path[4096];
    if (!plan.pid || is_within || (!plan.records && (!plan.has_fault || strcmp(call, plan.call) != 0)) ||
        (!plan.everywhere && getpid() != plan.pid))
        return found;
    const int before = errno;
    is_within = true;
    if (is_meant(call, place, caller, path)) {
        if (strcmp(plan.how, "hang") == 0)
            hang();
        else if (strcmp(plan.how, "short") == 0)
            found.kind = FAULT_SHORT;
        else
            found = (fault){FAULT_ERROR, atoi(plan.how)};
    }
    is_within = false;
    errno = before;
    return found;
}
