/* Which datasets a stage has (see stage_tables.h). */
#include "store/stage_tables.h"

#include <stdlib.h>

void store_each_table(const tf_store *s, int stage, table_visit *visit, void *context) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    store_stage *st = &s->stage[stage];
    for (int p = 0; p < tf_space_params(spec->space); p++)
        visit(context, "params", tf_space_param(spec->space, p)->name, &st->param[p]);
    for (int c = 0; c < spec->columns; c++)
        visit(context, "results", spec->column[c].name, &st->column[c]);
    for (int i = 0; i < TASK_TABLES; i++)
        visit(context, "task", store_task_table(i)->name, &st->task[i]);
}

static void list_open(void *open, const char *folder, const char *name, table *t) {
    if (t->dataset > 0)
        contents_add_open(open, folder, name, t->dataset);
}

void store_list_open(const tf_store *s, int stage, contents_open *open) {
    store_each_table(s, stage, list_open, open);
}

int store_most_tables(const tf_stage_spec *spec) {
    return tf_space_params(spec->space) + spec->columns + TASK_TABLES;
}

int store_row_parts(const tf_stage_spec *spec, row_part *parts) {
    int count = 0;
    for (int c = 0; c < spec->columns; c++)
        if (tf_column_bytes(&spec->column[c]))
            parts[count++] = (row_part){.folder = "results",
                                        .name = spec->column[c].name,
                                        .column = c,
                                        .bytes = tf_column_bytes(&spec->column[c]),
                                        .grid = spec->column[c].grid};
    for (int i = 0; i < TASK_TABLES; i++)
        if (store_has_task_table(spec, i))
            parts[count++] = (row_part){.folder = "task",
                                        .name = store_task_table(i)->name,
                                        .column = -1,
                                        .task = i,
                                        .bytes = store_task_table(i)->bytes};
    return count;
}

int64_t store_expected_bytes(const tf_campaign *campaign) {
    int64_t bytes = 0;
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *spec = &campaign->stage[s];
        row_part *part = tf_alloc_array((size_t)spec->columns + TASK_TABLES, sizeof *part);
        size_t row = 0;
        for (int n = store_row_parts(spec, part); n-- > 0;)
            row += part[n].bytes;
        for (int p = 0; spec->store_params && p < tf_space_params(spec->space); p++)
            row += tf_space_cell_size(spec->space, p);
        bytes += (int64_t)row * tf_stage_so_far(spec);
        free(part);
    }
    return bytes;
}

/* Rows from .. from + count - 1 of those given. */
