/* The surroundings of tasks in a process (see surroundings.h), and what people call them. */
#include "host/surroundings.h"

#include <locale.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/run.h"

enum { FOLDER = 1, UMASK = 2, SIGNALS = 4, LOCALE = 8, LIMITS = 16, ENVIRONMENT = 32 };

static const char *const names[] = {"the working folder", "the umask", "the blocked signals",
                                    "the locale",         "limits",    "environment variables"};

/* Reads the umask by setting it. A file that another thread makes meanwhile is private. */
static mode_t read_umask(void) {
    const mode_t now = umask(077);
    umask(now);
    return now;
}

static uint64_t hash_text(const char *text, uint64_t hash) {
    return text ? tf_hash(text, strlen(text) + 1, hash) : hash;
}

void surroundings_read(surroundings *now) {
    struct stat folder = {0};
    struct rlimit limit[RLIM_NLIMITS] = {{0}};
    const locale_t own = uselocale((locale_t)0);
    memset(now, 0, sizeof *now);
    if (stat(".", &folder) == 0) {
        now->device = folder.st_dev;
        now->inode = folder.st_ino;
    }
    now->umask = read_umask();
    sigprocmask(SIG_BLOCK, NULL, &now->signals);
    now->locale = tf_hash(&own, sizeof own, hash_text(setlocale(LC_ALL, NULL), 0));
    for (int i = 0; i < RLIM_NLIMITS; i++)
        getrlimit((__rlimit_resource_t)i, &limit[i]);
    now->limits = tf_hash(limit, sizeof limit, 0);
    for (char **entry = environ; entry && *entry; entry++)
        now->environment = hash_text(*entry, now->environment);
}

static bool same_signals(const sigset_t *a, const sigset_t *b) {
    bool same = true;
    for (int s = 1; s < NSIG; s++)
        same = same && sigismember(a, s) == sigismember(b, s);
    return same;
}

uint32_t surroundings_compare(const surroundings *a, const surroundings *b) {
    return (a->device != b->device || a->inode != b->inode ? FOLDER : 0) | (a->umask != b->umask ? UMASK : 0) |
           (same_signals(&a->signals, &b->signals) ? 0 : SIGNALS) | (a->locale != b->locale ? LOCALE : 0) |
           (a->limits != b->limits ? LIMITS : 0) | (a->environment != b->environment ? ENVIRONMENT : 0);
}

void tf_host_name_changes(uint32_t changes, tf_buf *text) {
    const char *between = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!(changes & 1u << i))
            continue;
        changes &= ~(1u << i);
        tf_buf_addf(text, "%s%s", between, names[i]);
        between = (changes & (changes - 1)) ? ", " : " and ";
    }
}
