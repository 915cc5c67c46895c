/* Limits of memory, by RLIMIT_DATA: heap, stacks and private writable mappings. What is only reserved does not count,
 * so that programs which map far more than they use are not hurt. */
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "host/host.h"

/* Bytes of data that this process has; -1: not known. */
static int64_t data_in_use(void) {
    long long pages[6];
    FILE *statm = fopen("/proc/self/statm", "re");
    int got = statm ? fscanf(statm, "%lld %lld %lld %lld %lld %lld", &pages[0], &pages[1], &pages[2], &pages[3],
                             &pages[4], &pages[5])
                    : 0;
    if (statm)
        fclose(statm);
    return got == 6 ? pages[5] * sysconf(_SC_PAGESIZE) : -1;
}

static void limit_self(rlim_t most) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_DATA, &limit) != 0)
        return;
    limit.rlim_cur = most < limit.rlim_max ? most : limit.rlim_max;
    setrlimit(RLIMIT_DATA, &limit);
}

void memory_limit_host(int64_t more) {
    int64_t used = data_in_use();
    limit_self(more > 0 && used >= 0 ? (rlim_t)(used + more) : RLIM_INFINITY);
}

void memory_limit_next_child(int64_t most) {
    enum { NEEDED = 1 << 20 }; /* by posix_spawn itself */
    int64_t used = most > 0 ? data_in_use() : -1;
    limit_self(most > 0 && used >= 0 && used + NEEDED < most ? (rlim_t)most : RLIM_INFINITY);
}

void memory_limit_child(pid_t pid, int64_t most) {
    if (most > 0)
        prlimit(pid, RLIMIT_DATA, &(struct rlimit){(rlim_t)most, (rlim_t)most}, NULL);
}
