/* Stages whose function is called for many tasks at once, with arrays of their values. A batch is tasks kN to
 * (k + 1)N - 1, whatever was done before and wherever it runs: so results do not depend on that. */
#include "manifest/load.h"

#include <string.h>

/* Do blocks differ in their shape, because the last ones are cut off? */
static bool has_cut_blocks(const tf_grid *grid) {
    for (int d = 0; d < grid->rank; d++)
        if (grid->shape[d] % grid->chunk[d] != 0)
            return true;
    return false;
}

static bool has_clipped_halo(const tf_array_spec *array) {
    bool any = false;
    for (int d = 0; d < array->grid->inner; d++)
        any = any || array->halo[d] > 0;
    return any && !array->reflect;
}

static void refuse_uneven(struct loader *l, const json_path *where, const char *name, const char *why) {
    diagnose(l->diags, where, TF_DIAG_CONFLICT,
             "the blocks of \"%s\" differ in shape, %s, and can't be one array: leave \"batch\" out", name, why);
}

void check_batch(struct loader *l, const json_path *where, const tf_stage_spec *stage) {
    if (tf_stage_has_files(stage))
        diagnose(l->diags, where, TF_DIAG_CONFLICT,
                 "tasks with \"inputs\" or \"outputs\" run one by one, since their files are looked at for each: leave "
                 "\"batch\" out");
    for (int a = 0; a < stage->arrays; a++) {
        const tf_array_spec *array = &stage->array[a];
        if (!array->grid)
            continue;
        if (has_cut_blocks(array->grid))
            refuse_uneven(l, where, array->name, "since the last ones are cut off");
        else if (has_clipped_halo(array))
            refuse_uneven(l, where, array->name, "since their halo is cut off at the array's ends");
    }
    for (int c = 0; c < stage->columns; c++)
        if (stage->column[c].grid && has_cut_blocks(stage->column[c].grid))
            refuse_uneven(l, where, stage->column[c].name, "since the last ones are cut off");
}
