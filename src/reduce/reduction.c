/* A reduction from its rows to its statistics, by reading alone. */
#include "reduce/reducing.h"

#include <stdlib.h>

tf_err reduce_work_out(reducing *r, reduce_result *result) {
    const tf_stage_spec *spec = &r->store->campaign->stage[r->stage];
    int values = tf_stage_values(spec);
    tf_err err = reduce_open(r);
    for (int v = 0; v < values && err == TF_OK; v++) {
        bool any = false;
        for (int k = 0; k < r->spec->stats; k++)
            any = any || r->spec->stat[k].value == v;
        if (any)
            err = reduce_value(r, v, result);
    }
    return err;
}

void reduce_end(reducing *r, reduce_result *result) {
    for (int k = 0; k < r->spec->stats; k++) {
        free(result[k].numbers);
        free(result[k].integers);
        free(result[k].rows);
        free(result[k].edges);
    }
    reduce_close(r);
    free(result);
}
