/* The system's soft limit of descriptors is made for shells, and for programs that use select(): often 1024. A rank
 * raises its own to the hard limit as long as it has slots. The spawner was forked before: it, its hosts and what tasks
 * start keep the limit that the user has. */
#include "slots/descriptors.h"

#include <sys/resource.h>

#include "batch/batch.h"
#include "slots/slots.h"

enum {
    A_SLOT = 1 + BATCH_BUFFERS, /* a socket, and its buffers */
    OTHERS = 40                 /* 32 were measured: MPI, HDF5, the output, a slot that is started anew */
};

tf_err tf_slots_check_descriptors(int slots, tf_error *error) {
    struct rlimit limit;
    const uint64_t needed = (uint64_t)slots * A_SLOT + OTHERS;
    /* One slot is not refused: it may do with fewer, and there is nothing to ask for less of. */
    if (slots <= 1 || getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max >= needed)
        return TF_OK;
    const uint64_t fit = limit.rlim_max >= OTHERS + 2 * A_SLOT ? (limit.rlim_max - OTHERS) / A_SLOT : 1;
    return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_SYSTEM_LIMIT,
                           "%d slots need %llu open files, of which the system allows %llu: that is enough for %llu "
                           "slot%s; raise the hard limit (ulimit -Hn), or ask for fewer slots (--slots)",
                           slots, (unsigned long long)needed, (unsigned long long)limit.rlim_max,
                           (unsigned long long)fit, fit == 1 ? "" : "s");
}

static void set_soft_limit(uint64_t soft) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = soft < limit.rlim_max ? (rlim_t)soft : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

tf_err descriptors_raise(int slots, uint64_t *before, tf_error *error) {
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    *before = 0;
    if (tf_slots_check_descriptors(slots, error) != TF_OK)
        return error->code;
    *before = limit.rlim_cur;
    set_soft_limit(limit.rlim_max);
    return TF_OK;
}

void descriptors_lower(uint64_t before) {
    if (before > 0)
        set_soft_limit(before);
}
