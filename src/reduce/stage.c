/* A stage's reductions: first all of them are worked out, by reading alone; then they are written, as one change. */
#include <stdlib.h>

#include "reduce/reduce.h"
#include "reduce/reducing.h"
#include "store/attributes.h"
#include "store/change.h"
#include "store/meet.h"

static tf_err reduce_all(tf_store *s, int stage, int64_t tasks, tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    const store_stage *st = &s->stage[stage];
    bool old = store_is_there(st->group, "reduce");
    if (spec->reductions == 0 && !old)
        return TF_OK;
    reducing *r = tf_alloc_array((size_t)spec->reductions, sizeof *r);
    reduce_result **result = tf_alloc_array((size_t)spec->reductions, sizeof *result);
    tf_err err = store_agree(s, TF_OK, error); /* all ranks have written their blobs */
    store_guard(s, true);                      /* until the change that follows has ended */
    store_show_rows(s);
    int open = 0;
    for (; open < spec->reductions && err == TF_OK; open++) {
        const tf_reduce_spec *reduction = &spec->reduction[open];
        r[open] = (reducing){.store = s, .stage = stage, .spec = reduction, .limit = tasks, .error = error};
        result[open] = tf_alloc_array((size_t)reduction->stats, sizeof **result);
        err = reduce_work_out(&r[open], result[open]);
    }
    tf_crash_point("reduce.worked_out");
    if (err == TF_OK)
        err = store_make_room(s, stage, spec->reductions, error);
    if (err == TF_OK)
        err = store_begin_change(s, error);
    if (err == TF_OK) {
        if (old)
            H5Ldelete(st->group, "reduce", H5P_DEFAULT);
        hid_t group = spec->reductions ? H5Gcreate2(st->group, "reduce", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT) : 0;
        bool good = group >= 0;
        for (int n = 0; n < spec->reductions && good; n++)
            good = reduce_write(&r[n], group, result[n]);
        if (group > 0)
            H5Gclose(group);
        err = good ? TF_OK : store_error(s, error, "can't make the reductions of stage \"%s\"", spec->name);
        err = store_agree(s, err, error);
    }
    for (int n = 0; n < open; n++)
        reduce_end(&r[n], result[n]);
    free(r);
    free(result);
    return err;
}

tf_err tf_reduce_stage(tf_store *s, int stage, int64_t tasks, tf_error *error) {
    store_begin_vigil(s);
    const tf_err err = reduce_all(s, stage, tasks, error);
    store_end_vigil(s);
    return err;
}
