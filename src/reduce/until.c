/* Are there rows enough? A stage's "until" is an expression of statistics of its first rows. */
#include <stdlib.h>

#include "reduce/reduce.h"
#include "reduce/reducing.h"

/* Rank 0 reads what others have written just now. On local disks, Lustre and GPFS a write is seen by all as soon as it
 * has returned; on NFS, where it is not, MPI-IO locks the file around each read and write, which makes it so. The loop
 * waits meanwhile: the stage has nothing to hand out before the answer is known. */
tf_err tf_reduce_is_enough(tf_store *s, int stage, int64_t count, bool *enough, tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    const tf_until_spec *until = &spec->until;
    tf_store alone = *s; /* the other ranks go on with other things */
    alone.team = tf_team_alone();
    reducing r = {.store = &alone, .stage = stage, .spec = &until->reduce, .limit = count, .error = error};
    reduce_result *result = tf_alloc_array((size_t)until->reduce.stats, sizeof *result);
    double *number = tf_alloc_array((size_t)until->reduce.stats, sizeof *number);
    const void **named = tf_alloc_array((size_t)until->names, sizeof *named);
    tf_err err = reduce_work_out(&r, result);
    for (int k = 0; k < until->reduce.stats && err == TF_OK; k++) {
        number[k] = result[k].numbers ? result[k].numbers[0] : (double)result[k].integers[0];
        named[until->name[k]] = &number[k];
    }
    double truth = 0;
    if (err == TF_OK) {
        tf_eval *eval = tf_eval_new(until->expr, 0, spec->name);
        tf_eval_run(eval, named, 0, 1, &truth);
        tf_eval_free(eval);
    }
    *enough = tf_eval_is_true(truth);
    reduce_end(&r, result);
    free(number);
    free(named);
    return err;
}
