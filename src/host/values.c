/* The parameters' values of a batch (see values.h). A file of them is sealed: whoever has the descriptor, what is
 * mapped can't be cut off. */
#include "host/values.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"

enum { CELL = 8 }; /* bytes of a value: no type is larger */

/* Maps a new file in memory. false with errno. */
static bool map_file(value_memory *v) {
    const int fd = memfd_create("taskfarm-values", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return false;
    void *start = MAP_FAILED;
    if (ftruncate(fd, (off_t)v->size) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        start = mmap(NULL, v->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (start == MAP_FAILED) {
        const int why = errno;
        close(fd);
        errno = why;
        return false;
    }
    v->fd = fd;
    v->start = start;
    return true;
}

void values_open(value_memory *v, int params, size_t rows, bool is_shared) {
    const size_t column = rows * CELL;
    *v = (value_memory){.fd = -1, .size = column * (size_t)(params > 0 ? params : 1)};
    if (is_shared && !map_file(v))
        v->failure = errno;
    if (!v->start)
        v->start = tf_alloc(v->size);
    v->of = tf_alloc_array((size_t)params, sizeof *v->of);
    for (int p = 0; p < params; p++)
        v->of[p] = v->start + (size_t)p * column;
}

void values_close(value_memory *v) {
    if (v->fd >= 0) {
        munmap(v->start, v->size);
        close(v->fd);
    } else {
        free(v->start);
    }
    free(v->of);
    *v = (value_memory){.fd = -1};
}
