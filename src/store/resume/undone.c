/* Stages of which no row is done, nor any of the rows that were made of theirs: whatever of them has changed, nothing
 * is lost if they are made anew. What a row's status says is enough, whether or not anything vouches for the row. */
#include "store/resume/plan.h"

#include <stdlib.h>

static bool is_any_done(const uint8_t *status, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (tf_status_counts_as(status[i], TF_STATUS_DONE))
            return true;
    return false;
}

/* Gets some rows' statuses; false: they are enough. */
typedef bool on_statuses(void *context, const uint8_t *status, int64_t first, int64_t count);

static tf_err each_status(const old_output *old, const contents_table *dataset, int64_t tasks, on_statuses *visit,
                          void *context, tf_error *error) {
    enum { AT_ONCE = 1 << 20 };
    uint8_t *status = tf_alloc(AT_ONCE);
    bool goes_on = true;
    tf_err err = TF_OK;
    for (int64_t first = 0, end; goes_on && err == TF_OK; first = end) {
        first = old_skip_hole(old, dataset, first);
        if (first >= tasks)
            break;
        end = tasks - first < AT_ONCE ? tasks : first + AT_ONCE;
        err = old_read(old, dataset, 1, first, end - first, status, error);
        if (err == TF_OK)
            goes_on = visit(context, status, first, end - first);
    }
    free(status);
    return err;
}

static bool note_done(void *context, const uint8_t *status, int64_t first, int64_t count) {
    (void)first;
    bool *any = context;
    *any = is_any_done(status, count);
    return !*any;
}

/* Where there are no statuses the output is damaged: then there may be. */
static tf_err look_for_done(const old_output *old, const contents_stage *stage, bool *any, tf_error *error) {
    const contents_table *dataset = contents_table_at(stage, "task/status");
    *any = !dataset;
    return dataset ? each_status(old, dataset, stage->tasks, note_done, any, error) : TF_OK;
}

static bool note_failed(void *context, const uint8_t *status, int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (tf_status_has_failed(status[i]))
            tf_intervals_add(context, first + i, first + i + 1);
    return true;
}

tf_err plan_find_failed(const old_output *old, plan_stage *ps, tf_error *error) {
    const contents_table *dataset = contents_table_at(ps->old, "task/status");
    return dataset ? each_status(old, dataset, ps->old->tasks, note_failed, &ps->failed, error) : TF_OK;
}

tf_err plan_find_undone(const tf_store_plan *plan, const old_output *old, tf_error *error) {
    const tf_campaign *campaign = plan->campaign;
    bool *has_worth = tf_alloc_array((size_t)campaign->stages, sizeof *has_worth);
    int *found = tf_alloc_array((size_t)campaign->stages, sizeof *found), count = 0;
    tf_err err = TF_OK;
    for (int s = 0; s < campaign->stages && err == TF_OK; s++) {
        if (plan->stage[s].old)
            err = look_for_done(old, plan->stage[s].old, &has_worth[s], error);
        if (has_worth[s])
            found[count++] = s;
    }
    while (count > 0) {
        const tf_stage_spec *spec = &campaign->stage[found[--count]];
        for (int a = 0; a < spec->afters; a++) { /* it comes after all that it takes from */
            const int other = spec->after[a];
            if (has_worth[other] || !tf_stage_takes_from(spec, other))
                continue;
            has_worth[other] = true;
            found[count++] = other;
        }
    }
    for (int s = 0; s < campaign->stages; s++)
        plan->stage[s].undone = plan->stage[s].old && !has_worth[s];
    free(has_worth);
    free(found);
    return err;
}

void tf_store_tell_undone(const tf_store_plan *plan, tf_buf *out) {
    int more = 0;
    for (int s = 0; s < plan->campaign->stages; s++) {
        const plan_stage *ps = &plan->stage[s];
        const tf_stage_spec *spec = &plan->campaign->stage[s];
        if (!ps->undone || !ps->changed.length || tf_stage_has_files(spec))
            continue;
        if (out->length)
            more++;
        else
            tf_buf_addf(out, "stage \"%s\": %s; none of them is done: they are made anew", spec->name,
                        tf_buf_text(&ps->changed));
    }
    if (more > 0)
        tf_buf_addf(out, ", and so are those of %d more stage%s", more, more == 1 ? "" : "s");
}
