/* A stage's reductions in the file: /STAGE/reduce/NAME has a dataset a key and a dataset a statistic, one row a group.
 * First all is worked out, by reading alone; then it is written, by the first rank. */
#include <stdlib.h>
#include <string.h>

#include "store/attributes.h"
#include "store/change.h"
#include "store/file.h"
#include "store/make.h"
#include "store/meet.h"
#include "store/reduce.h"

/* Datasets on their way: made by all ranks, written by the first. */
typedef struct output {
    hid_t group;
    scales *dimensions; /* of the group */
    tf_store *store;
    int64_t groups;
    bool failed;
} output;

/* `first` names the dimension of the rows; further ones have names of their own. */
static void put(output *o, const char *name, hid_t type, const char *first, int rank, const hsize_t *shape,
                const void *data) {
    scale *of[TF_MAX_RANK + 2];
    for (int d = 0; d < rank && !o->failed; d++) {
        tf_buf label = {0};
        if (d == 0)
            tf_buf_adds(&label, first);
        else
            tf_buf_addf(&label, "%s_dim%d", name, d);
        of[d] = scales_get(o->dimensions, label.data, shape[d]);
        o->failed = !of[d];
        tf_buf_free(&label);
    }
    if (o->failed)
        return;
    hid_t dataset = store_dataset(o->store, o->group, name, type, rank, shape);
    o->failed = dataset < 0 || !scale_attach(dataset, rank, of);
    if (!o->failed && o->store->rank == 0 && shape[0] > 0)
        o->failed = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0;
    H5Dclose(dataset);
}

#define ROWS "group" /* the dimension of all that has one row a group */

static void put_rows(output *o, const char *name, hid_t type, const void *data) {
    hsize_t shape = (hsize_t)o->groups;
    put(o, name, type, ROWS, 1, &shape, data);
}

/* ---- Keys ---- */

static tf_value value_of(const reducing *r, int value) {
    return tf_stage_value(&r->store->campaign->stage[r->stage], value);
}

static void put_texts(output *o, const reducing *r, int key, const char *name) {
    size_t longest = 1;
    for (int64_t g = 0; g < r->groups; g++) {
        size_t length = strlen(reduce_key_text(r, g, key));
        longest = length > longest ? length : longest;
    }
    char *cells = tf_alloc_array((size_t)r->groups, longest);
    for (int64_t g = 0; g < r->groups; g++) {
        const char *text = reduce_key_text(r, g, key);
        for (size_t i = 0; text[i]; i++)
            cells[(size_t)g * longest + i] = text[i];
    }
    hid_t type = store_string_type(longest);
    put_rows(o, name, type, cells);
    H5Tclose(type);
    free(cells);
}

static void put_key(output *o, const reducing *r, int key) {
    const char *name = value_of(r, r->spec->key[key]).name;
    tf_type type = value_of(r, r->spec->key[key]).type;
    if (type == TF_STRING) {
        put_texts(o, r, key, name);
        return;
    }
    uint64_t *words = tf_alloc_array((size_t)r->groups, sizeof *words);
    uint8_t *truths = tf_alloc((size_t)r->groups);
    for (int64_t g = 0; g < r->groups; g++) {
        words[g] = reduce_key_word(r, g, key);
        truths[g] = words[g] != 0;
    }
    hid_t boolean = store_number_type(TF_BOOL);
    if (type == TF_BOOL)
        put_rows(o, name, boolean, truths);
    else
        put_rows(o, name,
                 tf_type_is_float(type) ? H5T_IEEE_F64LE
                 : type == TF_UINT64    ? H5T_STD_U64LE
                                        : H5T_STD_I64LE,
                 words);
    H5Tclose(boolean);
    free(words);
    free(truths);
}

/* ---- Statistics ---- */

static void put_stat(output *o, const reducing *r, const tf_stat_spec *stat, const reduce_result *result) {
    const tf_stage_spec *spec = &r->store->campaign->stage[r->stage];
    const tf_value v = value_of(r, stat->value);
    int rank = 1;
    hsize_t shape[TF_MAX_RANK + 2] = {(hsize_t)r->groups};
    for (int d = 0; !v.grid && d < v.rank; d++)
        shape[rank++] = (hsize_t)spec->column[v.column].shape[d];
    if (stat->kind == TF_STAT_HISTOGRAM || stat->kind == TF_STAT_TOPK)
        shape[rank++] = (hsize_t)stat->size;
    tf_buf name = {0};
    tf_buf_addf(&name, "%s.%s", v.name, stat->text);
    if (result->numbers)
        put(o, tf_buf_text(&name), H5T_IEEE_F64LE, ROWS, rank, shape, result->numbers);
    else
        put(o, tf_buf_text(&name), H5T_STD_I64LE, ROWS, rank, shape, result->integers);
    if (stat->kind == TF_STAT_TOPK) {
        tf_buf_adds(&name, r->spec->grid ? ".element" : ".task");
        put(o, tf_buf_text(&name), H5T_STD_I64LE, ROWS, rank, shape, result->integers);
    }
    if (stat->kind == TF_STAT_HISTOGRAM) {
        hsize_t edges = (hsize_t)stat->size + 1;
        tf_buf dimension = {0};
        tf_buf_addf(&dimension, "%s_edge", tf_buf_text(&name));
        tf_buf_adds(&name, ".edges");
        put(o, tf_buf_text(&name), H5T_IEEE_F64LE, dimension.data, 1, &edges, result->edges);
        tf_buf_free(&dimension);
    }
    tf_buf_free(&name);
}

/* Collective: makes the group and all that is in it. */
static bool put_reduction(const reducing *r, hid_t parent, const reduce_result *result) {
    const tf_reduce_spec *spec = r->spec;
    output o = {.store = r->store, .groups = r->groups};
    o.group = H5Gcreate2(parent, spec->name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (o.group < 0)
        return false;
    o.dimensions = scales_open(r->store, o.group);
    o.failed = store_attribute_text(o.group, "settings", spec->json) < 0;
    for (int k = 0; k < spec->keys; k++)
        put_key(&o, r, k);
    put_rows(&o, "rows", H5T_STD_I64LE, r->members);
    for (int k = 0; k < spec->stats; k++)
        put_stat(&o, r, &spec->stat[k], &result[k]);
    o.failed = !scales_close(o.dimensions) || o.failed;
    H5Gclose(o.group);
    return !o.failed;
}

/* ---- The whole ---- */

static tf_err work_out(reducing *r, reduce_result *result) {
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

static void end_reduction(reducing *r, reduce_result *result) {
    for (int k = 0; k < r->spec->stats; k++) {
        free(result[k].numbers);
        free(result[k].integers);
        free(result[k].edges);
    }
    reduce_close(r);
    free(result);
}

tf_err store_reduce(tf_store *s, int stage, int64_t tasks, tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    const store_stage *st = &s->stage[stage];
    bool old = store_is_there(st->group, "reduce");
    if (spec->reductions == 0 && !old)
        return TF_OK;
    reducing *r = tf_alloc_array((size_t)spec->reductions, sizeof *r);
    reduce_result **result = tf_alloc_array((size_t)spec->reductions, sizeof *result);
    tf_err err = tf_store_agree(s->comm, TF_OK, error); /* all ranks have written their texts */
    int open = 0;
    for (; open < spec->reductions && err == TF_OK; open++) {
        const tf_reduce_spec *reduction = &spec->reduction[open];
        r[open] = (reducing){.store = s, .stage = stage, .spec = reduction, .limit = tasks, .error = error};
        result[open] = tf_alloc_array((size_t)reduction->stats, sizeof **result);
        err = work_out(&r[open], result[open]);
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
            good = put_reduction(&r[n], group, result[n]);
        if (group > 0)
            H5Gclose(group);
        err = good ? TF_OK : store_error(s, error, "can't make the reductions of stage \"%s\"", spec->name);
        err = tf_store_agree(s->comm, err, error);
    }
    for (int n = 0; n < open; n++)
        end_reduction(&r[n], result[n]);
    free(r);
    free(result);
    return err;
}

/* ---- Until ---- */

/* Rank 0 reads what others have written just now. On local disks, Lustre and GPFS a write is seen by all as soon as it
 * has returned; on NFS, where it is not, MPI-IO locks the file around each read and write, which makes it so. The loop
 * waits meanwhile: the stage has nothing to hand out before the answer is known. */
tf_err tf_store_is_enough(tf_store *s, int stage, int64_t count, bool *enough, tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    const tf_until_spec *until = &spec->until;
    tf_store alone = *s; /* the other ranks go on with other things */
    alone.comm = MPI_COMM_NULL;
    alone.rank = 0;
    alone.ranks = 1;
    reducing r = {.store = &alone, .stage = stage, .spec = &until->reduce, .limit = count, .error = error};
    reduce_result *result = tf_alloc_array((size_t)until->reduce.stats, sizeof *result);
    double *number = tf_alloc_array((size_t)until->reduce.stats, sizeof *number);
    const void **named = tf_alloc_array((size_t)until->names, sizeof *named);
    tf_err err = work_out(&r, result);
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
    end_reduction(&r, result);
    free(number);
    free(named);
    return err;
}
