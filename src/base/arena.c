/* Arenas: memory that is freed all at once. */
#include "base/base.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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
        return tf_alloc_array(count, SIZE_MAX); /* ends the process */
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
