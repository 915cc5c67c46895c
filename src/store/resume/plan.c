/* Which rows of an old output can be kept. A stage's rows are its own as long as what they depend on is the same; if
 * only its space has grown, they move to where their points are now. */
#include "store/resume/plan.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/code.h"

/* Tasks by the rows that are kept of them. */
static void find_pending(plan_stage *ps, int64_t tasks) {
    for (size_t n = 0; n < ps->kept.count; n++) {
        tf_interval run = ps->kept.items[n];
        if (!ps->place)
            tf_intervals_add(&ps->done, run.first, run.end);
        for (int64_t i = run.first; ps->place && i < run.end; i++)
            tf_intervals_add(&ps->done, ps->place[i], ps->place[i] + 1);
    }
    tf_intervals_add(&ps->pending, 0, tasks);
    tf_intervals_remove_all(&ps->pending, &ps->done);
    if (ps->place || ps->unusable)
        tf_intervals_free(&ps->failed);
}

/* What was recorded of tasks that are done, by task; NULL if it was not. */
static void *read_record(const old_output *old, const plan_stage *ps, const char *path, int64_t tasks,
                         tf_error *error) {
    const contents_table *dataset = ps->old ? contents_table_at(ps->old, path) : NULL;
    if (!dataset || dataset->row_bytes != 8 || ps->unusable)
        return NULL;
    enum { AT_ONCE = 1 << 14 };
    uint64_t *values = tf_alloc_array((size_t)tasks, sizeof *values), *rows = tf_alloc_array(AT_ONCE, sizeof *rows);
    tf_interval run = {0};
    while (tf_intervals_next(&ps->kept, AT_ONCE, &run)) {
        if (old_read(old, dataset, sizeof *rows, run.first, run.end - run.first, rows, error) != TF_OK)
            break;
        for (int64_t i = run.first; i < run.end; i++)
            values[ps->place ? ps->place[i] : i] = rows[i - run.first];
    }
    free(rows);
    return values;
}

static void read_records(const old_output *old, plan_stage *ps, const tf_stage_spec *spec, tf_error *error) {
    int64_t tasks = tf_stage_so_far(spec);
    if (spec->inputs == 0 || ps->kept.total == 0)
        return;
    ps->input_set = read_record(old, ps, "task/input_set", tasks, error);
    ps->input_hash = read_record(old, ps, "task/input_hash", tasks, error);
    ps->started = read_record(old, ps, "task/start", tasks, error);
    ps->ended = read_record(old, ps, "task/duration", tasks, error);
    for (int64_t i = 0; ps->started && ps->ended && i < tasks; i++)
        ps->ended[i] += ps->started[i];
}

/* Compares each stage of the old output. `changed`: there is one that is not as it was. */
static tf_err match_stages(const tf_store_plan *plan, const old_output *old, bool *changed, tf_error *error) {
    const tf_campaign *campaign = plan->campaign;
    for (int i = 0; i < old->contents.stages; i++) {
        const contents_stage *stage = &old->contents.stage[i];
        int s = tf_campaign_stage(campaign, stage->name, strlen(stage->name));
        if (s < 0)
            return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_CAMPAIGN_CHANGED,
                                   "%s: has a stage \"%s\", and the manifest has not: it is another campaign's output; "
                                   "choose another name with --output, or --fresh sets it aside",
                                   old->path, stage->name);
        plan->stage[s].old = stage;
        plan_compare(plan, s);
        *changed = *changed || plan->stage[s].changed.length || plan->stage[s].other_points;
    }
    return TF_OK;
}

/* What has changed is made anew where nothing is lost by it, or where rows may be dropped; else it is an error. */
static tf_err judge_changes(const tf_store_plan *plan, const old_output *old, tf_error *error) {
    tf_err err = plan_find_undone(plan, old, error);
    for (int i = 0; i < old->contents.stages && err == TF_OK; i++) {
        const char *name = old->contents.stage[i].name;
        const int s = tf_campaign_stage(plan->campaign, name, strlen(name));
        plan_stage *ps = &plan->stage[s];
        if (ps->changed.length && !ps->undone && !plan_may_drop(plan, s))
            err = plan_refuse_change(plan, old->path, s, error);
        ps->unusable = ps->unusable || (ps->undone && (ps->changed.length || ps->other_points));
        ps->dropped = ps->dropped && !ps->undone;
    }
    return err;
}

static void add_idle(plan_stage *ps, const tf_intervals *excluded) {
    if (!ps->place)
        tf_intervals_add_all(&ps->idle, excluded);
    for (size_t n = 0; ps->place && n < excluded->count; n++)
        for (int64_t i = excluded->items[n].first; i < excluded->items[n].end; i++)
            tf_intervals_add(&ps->idle, ps->place[i], ps->place[i] + 1);
}

/* Of which code the rows that are kept are, but for those of tasks that are left out, which are of none. Who winds a
 * run up has seen none of it. */
static tf_err find_code(const tf_store_plan *plan, const old_output *old, int number, tf_error *error) {
    static const code_history none;
    plan_stage *ps = &plan->stage[number];
    const code_history *before = ps->old && !old->lost ? &ps->old->code : &none;
    const tf_stage_spec *spec = &plan->campaign->stage[number];
    if (plan->keeps_failed) {
        code_copy(&plan->start.code[number], before);
        return TF_OK;
    }
    tf_intervals made = {0}, excluded = {0};
    tf_err err = plan_find_excluded(plan, old, number, &excluded, &(int64_t){0}, error);
    tf_intervals_add_all(&made, &ps->kept);
    tf_intervals_remove_all(&made, &excluded);
    add_idle(ps, &excluded);
    cJSON *runs = old->contents.runs ? cJSON_Parse(old->contents.runs) : NULL;
    tf_buf files = {0}, names = {0};
    tf_code_files(spec, before->versions ? before->version[before->versions - 1].files : NULL, tf_buf_text(&ps->common),
                  &plan->asker, &files);
    code_go_on(before, tf_buf_text(&files), cJSON_GetArraySize(runs) + 1, &made, ps->place, &plan->start.code[number]);
    code_other_rows(&plan->start.code[number], &ps->other_code);
    code_changed_files(&plan->start.code[number], &names);
    if (ps->other_code.total > 0)
        tf_code_tell(&names, ps->other_code.total, &ps->code_changed);
    cJSON_Delete(runs);
    tf_buf_free(&files);
    tf_buf_free(&names);
    tf_intervals_free(&made);
    tf_intervals_free(&excluded);
    return err;
}

void tf_store_tell_code(const tf_store_plan *plan, const char *remedy, tf_buf *out) {
    tf_buf names = {0};
    tf_intervals other = {0};
    int64_t rows = 0;
    for (int s = 0; s < plan->campaign->stages; s++) {
        code_other_rows(&plan->start.code[s], &other);
        code_changed_files(&plan->start.code[s], &names);
        rows += other.total;
        tf_intervals_free(&other);
    }
    if (rows > 0)
        tf_code_tell(&names, rows, out);
    if (rows > 0)
        tf_buf_addf(out, "; %s kept", rows == 1 ? "it is" : "they are");
    if (rows > 0 && remedy)
        tf_buf_addf(out, "; %s makes %s anew", remedy, rows == 1 ? "it" : "them");
    tf_buf_free(&names);
}

/* Rows of which a number would be lost are dropped where rows may be; else that is an error. */
static tf_err judge_wider(const tf_store_plan *plan, const old_output *old, int number, tf_error *error) {
    plan_stage *ps = &plan->stage[number];
    const bool was_usable = !ps->unusable;
    const tf_err err = plan_check_wider(old, ps, &plan->campaign->stage[number], error);
    const bool refuses = err == TF_OK && was_usable && ps->unusable && !plan_may_drop(plan, number);
    return refuses ? plan_refuse_change(plan, old->path, number, error) : err;
}

static tf_err keep_rows(const tf_store_plan *plan, const old_output *old, tf_error *error) {
    const tf_campaign *campaign = plan->campaign;
    tf_intervals *good = tf_alloc_array((size_t)campaign->stages, sizeof *good);
    tf_intervals *torn = tf_alloc_array((size_t)campaign->stages, sizeof *torn);
    tf_err err = plan_read_vouched(plan, old, good, torn, error);
    for (int s = 0; s < campaign->stages && err == TF_OK; s++) {
        plan_stage *ps = &plan->stage[s];
        int64_t tasks = tf_stage_so_far(&campaign->stage[s]);
        if (ps->old && ps->old->finished)
            tf_intervals_add(&good[s], 0, ps->old->tasks);
        if (ps->old && !ps->unusable)
            err = plan_keep_done(old, ps, &good[s], plan->keeps_failed, error);
        if (err == TF_OK)
            err = plan_find_unvouched(plan, old, s, &good[s], &torn[s], error);
        const int64_t all = ps->kept.total;
        if (err == TF_OK)
            err = judge_wider(plan, old, s, error);
        if (err == TF_OK && ps->other_points && !ps->unusable)
            err = plan_find_places(plan, old, s, error);
        ps->dropped = ps->dropped || ps->kept.total < all;
        find_pending(ps, tasks);
        if (err == TF_OK && ps->unusable && ps->undone && !ps->other_points)
            err = plan_find_failed(old, ps, error);
        if (err == TF_OK)
            err = find_code(plan, old, s, error);
        if (err == TF_OK)
            read_records(old, ps, &campaign->stage[s], error);
    }
    for (int s = 0; s < campaign->stages; s++) {
        tf_intervals_free(&good[s]);
        tf_intervals_free(&torn[s]);
    }
    free(good);
    free(torn);
    return err;
}

/* Has one of the runs so far no end? */
static bool was_interrupted(const contents *c, double *from) {
    cJSON *runs = c->runs ? cJSON_Parse(c->runs) : NULL;
    const cJSON *run = runs ? runs->child : NULL;
    while (run && cJSON_HasObjectItem(run, "end"))
        run = run->next;
    *from = run ? tf_utc_parse(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(run, "start"))) : 0;
    cJSON_Delete(runs);
    return run != NULL;
}

tf_err plan_make(tf_store_plan *plan, const old_output *old, tf_error *error) {
    plan->lost = old->lost;
    plan->interrupted = was_interrupted(&old->contents, &plan->killed_from) || old->lost;
    bool changed = false;
    tf_err err = match_stages(plan, old, &changed, error);
    if (err == TF_OK && changed && !plan->keeps_failed)
        err = judge_changes(plan, old, error);
    return err == TF_OK ? keep_rows(plan, old, error) : err;
}
