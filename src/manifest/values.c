/* The values of a stage: its parameters, columns and arrays, numbered together. */
#include <string.h>

#include "manifest/load.h"

int tf_stage_values(const tf_stage_spec *stage) {
    return tf_space_params(stage->space) + stage->columns + stage->arrays;
}

tf_value tf_stage_value(const tf_stage_spec *stage, int value) {
    const int params = tf_space_params(stage->space);
    tf_value v = {.param = -1, .column = -1, .array = -1};
    if (value < params) {
        v.param = value;
        v.name = tf_space_param(stage->space, value)->name;
        v.type = tf_space_param(stage->space, value)->type;
    } else if (value < params + stage->columns) {
        const tf_column_spec *column = &stage->column[v.column = value - params];
        v.name = column->name;
        v.type = column->type;
        v.grid = column->grid;
        v.rank = column->rank;
    } else {
        const tf_array_spec *array = &stage->array[v.array = value - params - stage->columns];
        v.name = array->name;
        v.type = array->type;
        v.grid = array->grid;
    }
    return v;
}

int tf_stage_find_value(const tf_stage_spec *stage, const char *name) {
    for (int v = 0; v < tf_stage_values(stage); v++)
        if (strcmp(tf_stage_value(stage, v).name, name) == 0)
            return v;
    return -1;
}

expr_names value_names(struct loader *l, const tf_stage_spec *stage) {
    const int count = tf_stage_values(stage);
    expr_name *name = tf_arena_array(l->arena, (size_t)count, sizeof *name);
    for (int n = 0; n < count; n++) {
        tf_value v = tf_stage_value(stage, n);
        bool usable = (v.rank == 0 || v.grid) && v.type != TF_BYTES;
        name[n] = (expr_name){.name = usable ? v.name : "",
                              .type = v.type == TF_STRING ? TF_STRING : TF_FLOAT64,
                              .array = v.grid != NULL,
                              .width = v.array >= 0 ? stage->array[v.array].element : 0};
    }
    return (expr_names){.what = "the stage's parameters and columns", .count = count, .name = name, .has_index = true};
}
