/* The mark by which a process knows itself (see own.h). */
#include "host/own.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The mark if there is no memory for one: then, and before Linux 4.14, children are not recognized. */
static const uint8_t always = 1;

const uint8_t *own_mark_new(void) {
    const size_t size = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *mark = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mark == MAP_FAILED)
        return &always;
    *mark = 1;
    madvise(mark, size, MADV_WIPEONFORK);
    mprotect(mark, size, PROT_READ);
    return mark;
}

void own_mark_free(const uint8_t *mark) {
    if (mark != &always)
        munmap((void *)(uintptr_t)mark, (size_t)sysconf(_SC_PAGESIZE));
}

void own_end_child(const char *stage, const char *function) {
    tf_say("stage \"%s\": %s has forked, and its child returned from the function: the child has been ended; a child "
           "must end with _exit()",
           stage, function);
    _exit(EXIT_FAILURE);
}
