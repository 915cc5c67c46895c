/* Growing buffers. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(tf_buf *buf, size_t more) {
    size_t need = buf->length + more + 1;
    if (need <= buf->capacity)
        return;
    size_t capacity = buf->capacity ? buf->capacity * 2 : 64;
    if (capacity < need)
        capacity = need;
    buf->data = tf_realloc_array(buf->data, capacity, 1);
    buf->capacity = capacity;
}

void tf_buf_reserve(tf_buf *buf, size_t size) {
    if (size > buf->length)
        reserve(buf, size - buf->length);
}

void tf_buf_add(tf_buf *buf, const void *data, size_t size) {
    reserve(buf, size);
    if (size)
        memcpy(buf->data + buf->length, data, size);
    buf->length += size;
    buf->data[buf->length] = '\0';
}

void tf_buf_adds(tf_buf *buf, const char *text) {
    tf_buf_add(buf, text, strlen(text));
}

void tf_buf_addc(tf_buf *buf, char c) {
    tf_buf_add(buf, &c, 1);
}

void tf_buf_addv(tf_buf *buf, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length > 0) {
        reserve(buf, (size_t)length);
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
        buf->length += (size_t)length;
    }
    va_end(again);
}

void tf_buf_addf(tf_buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    tf_buf_addv(buf, format, args);
    va_end(args);
}

void tf_buf_clear(tf_buf *buf) {
    buf->length = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void tf_buf_free(tf_buf *buf) {
    free(buf->data);
    *buf = (tf_buf){0};
}

const char *tf_buf_text(const tf_buf *buf) {
    return buf->data ? buf->data : "";
}

void tf_buf_add_choice(tf_buf *buf, const char *word, int number, int count) {
    tf_buf_addf(buf, "%s%s", number == 0 ? "" : number + 1 < count ? ", " : " or ", word);
}
