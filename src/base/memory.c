/* Allocation that never returns NULL (see base.h for why that is safe here). */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static _Noreturn void out_of_memory(size_t size) {
    char text[128]; /* tf_say would ask for memory */
    const int length =
        snprintf(text, sizeof text,
                 "taskfarm: out of memory (%zu bytes asked for); everything finished is safe in the output\n", size);
    tf_print_bytes(stderr, text, (size_t)length);
    _exit(TF_ERR_RUN);
}

void *tf_alloc(size_t size) {
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        out_of_memory(size);
    return memory;
}

void *tf_alloc_array(size_t count, size_t size) {
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory)
        out_of_memory(count * size);
    return memory;
}

void *tf_realloc_array(void *old, size_t count, size_t size) {
    void *memory = reallocarray(old, count ? count : 1, size ? size : 1);
    if (!memory)
        out_of_memory(count * size);
    return memory;
}
