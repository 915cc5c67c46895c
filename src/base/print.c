/* The one place that writes to a stream. */
#include "base/base.h"

#include <stdio.h>

bool tf_print_bytes(FILE *out, const void *bytes, size_t size) {
    return size == 0 || fwrite(bytes, 1, size, out) == size;
}
