/* Where the parameters' values of a batch are worked out. Python processes read them there, without a copy. */
#ifndef TF_HOST_VALUES_H
#define TF_HOST_VALUES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct value_memory {
    void **of;   /* per parameter: room for a batch, as tf_space_fill stores it */
    char *start; /* of all of it */
    size_t size; /* bytes */
    int fd;      /* a file in memory that others can map; -1: there is none */
    int failure; /* errno of why there is none though it was wanted; 0: it was not */
} value_memory;

/* Makes room for `rows` values of each parameter. */
void values_open(value_memory *values, int params, size_t rows, bool is_shared);
void values_close(value_memory *values);

#endif
