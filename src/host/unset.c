/* Marking what must be set, and finding what was not (see unset.h). */
#include "host/unset.h"

#include <math.h>
#include <string.h>

/* Quiet NaNs with a payload of ours. */
static const uint64_t mark64 = 0x7ff8746661726d21;
static const uint32_t mark32 = 0x7fc07466;

static bool is_watched(const tf_column_spec *column) {
    return tf_type_is_float(column->type) && !column->optional;
}

static char *cell_of(const batch_columns *c, const tf_stage_spec *stage, int k, int64_t row) {
    return (char *)c->columns[k] + (size_t)row * tf_column_bytes(&stage->column[k]);
}

void unset_mark(const batch_columns *c, const tf_stage_spec *stage, int64_t row, int64_t count) {
    for (int k = 0; k < stage->columns; k++) {
        const tf_column_spec *column = &stage->column[k];
        char *first = cell_of(c, stage, k, row);
        if (!is_watched(column))
            continue;
        if (column->type == TF_FLOAT64)
            for (int64_t i = 0; i < count; i++)
                ((uint64_t *)(void *)first)[i * column->elements] = mark64;
        else
            for (int64_t i = 0; i < count; i++)
                ((uint32_t *)(void *)first)[i * column->elements] = mark32;
    }
}

/* Is there a mark in a row of these? Without branches, since it reads a hundred million values a second. */
static bool has_mark(const tf_column_spec *column, const char *cells, int64_t count) {
    bool any = false;
    if (column->type == TF_FLOAT64)
        for (int64_t i = 0; i < count; i++)
            any |= ((const uint64_t *)(const void *)cells)[i * column->elements] == mark64;
    else
        for (int64_t i = 0; i < count; i++)
            any |= ((const uint32_t *)(const void *)cells)[i * column->elements] == mark32;
    return any;
}

static bool are_nan(const tf_column_spec *column, const char *cell) {
    bool all = true;
    for (int64_t i = 0; i < column->elements && all; i++)
        all = column->type == TF_FLOAT64 ? isnan(((const double *)(const void *)cell)[i])
                                         : isnan(((const float *)(const void *)cell)[i]);
    return all;
}

void unset_find(const batch_columns *c, const tf_stage_spec *stage, int64_t row, int64_t count, unset_found *found,
                void *context) {
    for (int k = 0; k < stage->columns; k++) {
        const tf_column_spec *column = &stage->column[k];
        if (!is_watched(column) || !has_mark(column, cell_of(c, stage, k, row), count))
            continue;
        for (int64_t i = row; i < row + count; i++) {
            char *cell = cell_of(c, stage, k, i);
            if (!has_mark(column, cell, 1))
                continue;
            if (found && are_nan(column, cell))
                found(context, i, column);
            tf_store_absent(column->type, 1, cell);
        }
    }
}
