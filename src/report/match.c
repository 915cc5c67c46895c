/* Rows by the hash of their parameters (see match.h): those of the shorter stage are held, those of the longer one are
 * looked for among them. */
#include "report/match.h"

#include <math.h>
#include <stdlib.h>

typedef struct matching {
    view *const *of;
    const match_param *param;
    int params;
    int64_t piece;
    const match_rows *visit;
    view_values values;
} matching;

/* Equal numbers get equal hashes: -0.0 is 0.0, and a NaN is a NaN. */
static uint64_t mix_float(tf_type type, const void *values, int64_t row, uint64_t hash) {
    double value;
    tf_load_doubles(type, values, row, 1, &value);
    value = isnan(value) ? NAN : value + 0.0;
    return tf_hash(&value, sizeof value, hash);
}

static tf_err mix_param(matching *m, int side, int field, int64_t first, int64_t count, tf_spot *spots,
                        tf_error *error) {
    view_values *v = &m->values;
    const tf_type type = view_field(m->of[side], field)->type;
    const size_t size = tf_type_size(type);
    tf_err err = view_read(m->of[side], field, first, count, v, error);
    for (int64_t i = 0; i < count && err == TF_OK; i++) {
        if (tf_type_is_float(type)) {
            spots[i].hash = mix_float(type, v->numbers, i, spots[i].hash);
            continue;
        }
        size_t length = size;
        const char *at = size > 0 ? (const char *)v->numbers + (size_t)i * size : tf_blobs_at(&v->texts, i, &length);
        spots[i].hash = tf_hash(at, length, spots[i].hash);
    }
    view_values_free(v); /* the next parameter may be of texts */
    return err;
}

static tf_err hash_rows(matching *m, int side, int64_t first, int64_t count, tf_spot *spots, tf_error *error) {
    tf_err err = TF_OK;
    for (int64_t i = 0; i < count; i++)
        spots[i] = (tf_spot){.index = first + i};
    for (int p = 0; p < m->params && err == TF_OK; p++)
        err = mix_param(m, side, m->param[p].field[side], first, count, spots, error);
    return err;
}

static int64_t next_piece(const matching *m, int64_t first, int64_t end) {
    return end - first < m->piece ? end - first : m->piece;
}

static tf_err hold_rows(matching *m, int side, tf_spot *spots, int64_t rows, tf_error *error) {
    tf_err err = TF_OK;
    for (int64_t first = 0; first < rows && err == TF_OK; first += m->piece)
        err = hash_rows(m, side, first, next_piece(m, first, rows), spots + first, error);
    if (err == TF_OK)
        tf_spots_sort(spots, rows);
    return err;
}

/* A piece of the longer stage, whose spots have the rows that they belong to in the shorter one. */
static tf_err take_piece(const matching *m, int longer, int64_t first, const tf_spot *spots, int64_t count,
                         tf_error *error) {
    tf_err err = TF_OK;
    for (int64_t i = 0, end; i < count && err == TF_OK; i = end) {
        end = i + 1;
        if (spots[i].index < 0) {
            m->visit->alone(m->visit->context, longer, first + i);
            continue;
        }
        while (end < count && spots[end].index == spots[i].index + end - i)
            end++;
        int64_t row[2];
        row[longer] = first + i;
        row[1 - longer] = spots[i].index;
        err = m->visit->run(m->visit->context, row, end - i, error);
    }
    return err;
}

tf_err match_points(view *const of[2], const match_param *param, int params, int64_t piece, const match_rows *visit,
                    tf_error *error) {
    matching m = {.of = of, .param = param, .params = params, .piece = piece, .visit = visit};
    const int longer = view_tasks(of[1]) > view_tasks(of[0]) ? 1 : 0, shorter = 1 - longer;
    const int64_t few = view_tasks(of[shorter]), many = view_tasks(of[longer]);
    tf_spot *held = tf_alloc_array((size_t)few, sizeof *held), *found = tf_alloc_array((size_t)piece, sizeof *found);
    bool *is_found = tf_alloc_array((size_t)few, sizeof *is_found);
    tf_err err = hold_rows(&m, shorter, held, few, error);
    for (int64_t first = 0; first < many && err == TF_OK; first += piece) {
        const int64_t count = next_piece(&m, first, many);
        err = hash_rows(&m, longer, first, count, found, error);
        for (int64_t i = 0; i < count && err == TF_OK; i++) {
            found[i].index = tf_spots_claim(held, few, found[i].hash);
            if (found[i].index >= 0)
                is_found[found[i].index] = true;
        }
        if (err == TF_OK)
            err = take_piece(&m, longer, first, found, count, error);
    }
    for (int64_t row = 0; row < few && err == TF_OK; row++)
        if (!is_found[row])
            visit->alone(visit->context, shorter, row);
    free(is_found);
    free(found);
    free(held);
    return err;
}
