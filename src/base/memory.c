/* Allocation that never returns NULL (see base.h for why that is safe here), and arenas. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

struct block {
    struct block *next;
    size_t used;
    size_t size;
    _Alignas(16) char data[];
};

struct tf_arena {
    struct block *newest;
};

enum { BLOCK_SIZE = 64 * 1024 };

tf_arena *tf_arena_new(void) {
    return tf_alloc(sizeof(tf_arena));
}

void tf_arena_free(tf_arena *arena) {
    if (!arena)
        return;
    for (struct block *block = arena->newest; block;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(arena);
}

void *tf_arena_alloc(tf_arena *arena, size_t size) {
    size = (size + 15) & ~(size_t)15;
    struct block *block = arena->newest;
    if (!block || block->size - block->used < size) {
        size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
        block = tf_alloc(sizeof *block + room);
        block->size = room;
        block->next = arena->newest;
        arena->newest = block;
    }
    void *memory = block->data + block->used;
    block->used += size;
    return memory;
}

void *tf_arena_array(tf_arena *arena, size_t count, size_t size) {
    if (size && count > SIZE_MAX / 2 / size)
        out_of_memory(SIZE_MAX);
    return tf_arena_alloc(arena, count * size);
}

char *tf_arena_strndup(tf_arena *arena, const char *text, size_t length) {
    char *copy = tf_arena_alloc(arena, length + 1);
    memcpy(copy, text, length);
    return copy;
}

char *tf_arena_strdup(tf_arena *arena, const char *text) {
    return tf_arena_strndup(arena, text, strlen(text));
}

char *tf_arena_printf(tf_arena *arena, const char *format, ...) {
    tf_buf buf = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv(&buf, format, args);
    va_end(args);
    char *copy = tf_arena_strndup(arena, tf_buf_text(&buf), buf.length);
    tf_buf_free(&buf);
    return copy;
}
