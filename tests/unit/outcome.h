/* What became of a stage's tasks: a tf_on_rows that collects rows, task by task. */
#ifndef TF_TESTS_OUTCOME_H
#define TF_TESTS_OUTCOME_H

#include "fixture.h"
#include "host/run.h"

#include <stdlib.h>

enum { OUTCOME_KINDS = TF_RECORD_COLUMN + 8, OUTCOME_TASKS = 2000 };

typedef struct outcome {
    const tf_campaign *campaign;
    int64_t ended;
    uint8_t status[OUTCOME_TASKS]; /* tf_status */
    int32_t exit_code[OUTCOME_TASKS], signal[OUTCOME_TASKS];
    double number[OUTCOME_TASKS][8];          /* per column: its first element, as a double */
    char *text[OUTCOME_TASKS][OUTCOME_KINDS]; /* NULL: none */
    tf_interval left[100];
    int lefts;
} outcome;

static inline outcome *outcome_new(const tf_campaign *campaign) {
    outcome *o = tf_alloc(sizeof *o);
    o->campaign = campaign;
    return o;
}

static inline void outcome_free(outcome *o) {
    for (int i = 0; i < OUTCOME_TASKS; i++)
        for (int k = 0; k < OUTCOME_KINDS; k++)
            free(o->text[i][k]);
    free(o);
}

static inline double outcome_number(tf_type type, const void *cell) {
    switch (type) {
    case TF_BOOL:
    case TF_UINT8: return *(const uint8_t *)cell;
    case TF_INT8: return *(const int8_t *)cell;
    case TF_INT16: return *(const int16_t *)cell;
    case TF_INT32: return *(const int32_t *)cell;
    case TF_INT64: return (double)*(const int64_t *)cell;
    case TF_UINT64: return (double)*(const uint64_t *)cell;
    case TF_FLOAT32: return (double)*(const float *)cell;
    case TF_FLOAT64: return *(const double *)cell;
    default: cr_assert_fail("a type that outcomes do not keep");
    }
    return 0;
}

/* A tf_on_rows. */
static inline tf_err outcome_add_rows(void *context, int slot, const tf_rows *rows, tf_interval left, tf_error *error) {
    (void)slot, (void)error;
    outcome *o = context;
    const tf_stage_spec *stage = &o->campaign->stage[rows->stage];
    if (left.first < left.end)
        o->left[o->lefts++] = left;
    int64_t failed = 0;
    for (int64_t row = 0; row < rows->count; row++) {
        int64_t index = rows->first + row;
        cr_assert_eq(o->status[index], TF_STATUS_PENDING, "task %lld ended twice", (long long)index);
        o->ended++;
        o->status[index] = rows->status[row];
        failed += rows->status[row] != TF_STATUS_DONE;
        cr_assert_eq(rows->attempts[row], 1);
        if (rows->start) {
            o->exit_code[index] = rows->exit_code ? rows->exit_code[row] : 0;
            o->signal[index] = rows->signal ? rows->signal[row] : 0;
            cr_assert(rows->duration[row] >= 0 && rows->start[row] > 1e9);
        }
        for (int c = 0; c < stage->columns; c++) {
            const tf_column_spec *column = &stage->column[c];
            size_t size = tf_type_size(column->type) * (size_t)column->elements;
            if (size)
                o->number[index][c] = outcome_number(column->type, (const char *)rows->columns[c] + (size_t)row * size);
        }
    }
    cr_assert_eq(rows->failed, failed);
    for (size_t at = 0; at < rows->blobs_size;) {
        const tf_record *record = tf_record_at((const char *)rows->blobs + at, rows->blobs_size - at);
        cr_assert_not_null(record, "a damaged text record");
        char **text = &o->text[record->index][record->kind];
        free(*text);
        *text = tf_alloc(record->length + 1);
        memcpy(*text, record + 1, record->length);
        at += tf_record_size(record->length);
    }
    return TF_OK;
}

/* Runs all tasks of stage 0 in this process. */
static inline outcome *outcome_run_here(const tf_campaign *campaign) {
    outcome *o = outcome_new(campaign);
    tf_error error;
    int64_t tasks = tf_space_size(campaign->stage[0].space);
    cr_assert(tasks <= OUTCOME_TASKS);
    cr_assert_eq(tf_host_run_here(campaign, 0, 0, tasks, 1, NULL, NULL, outcome_add_rows, o, &error), TF_OK, "%s",
                 error.text);
    cr_assert_eq(o->ended, tasks);
    return o;
}

static inline const char *outcome_text(const outcome *o, int64_t index, int kind) {
    return o->text[index][kind] ? o->text[index][kind] : "";
}

#endif
