/* Which rows of an old output can be kept. A stage's rows are its own as long as what they depend on is the same; if
 * only its space has grown, they move to where their points are now. A row that a run was killed at is told from one
 * that is done by its status, and by the record in a side file that vouches for it. */
#include "store/plan.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/folder.h"

const char *plan_fingerprint(const tf_store_plan *plan, int stage) {
    const char *text = plan->fingerprints.data;
    for (int s = 0; s < stage; s++)
        text += strlen(text) + 1;
    return text;
}

/* ---- Comparing ---- */

static const char *part_of(const cJSON *fingerprint, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(fingerprint, key));
    return text ? text : "";
}

static const struct {
    const char *key, *what;
    bool shown; /* both values are worth showing */
    bool form;  /* rows have another form */
    bool added; /* outputs of before do not have it: then it is not known */
} parts[] = {
    {"run", "what it runs", true, false, false},
    {"kind", "how it is run", true, false, true},
    {"where", "its \"where\"", true, false, false},
    {"results", "what it gives", true, true, false},
    {"parameters", "what its parameters are", true, true, false},
    {"points_of", "the stage that its points come from", true, false, true},
    {"arrays", "what its arrays are", true, false, false},
    {"files", "what its files are called", true, false, true},
    {"seed", "the seed", true, false, false},
    {"record", "its \"record\"", true, true, false},
};

bool plan_may_drop(const tf_store_plan *plan, int stage) {
    return plan->allows_change || tf_stage_has_files(&plan->campaign->stage[stage]);
}

static void add_value(tf_buf *out, const cJSON *value) {
    char *text = value ? cJSON_PrintUnformatted(value) : NULL;
    tf_buf_addf(out, "%.200s", text ? text : "nothing");
    cJSON_free(text);
}

static bool is_other(const cJSON *value, const cJSON *in) {
    return !cJSON_Compare(value, cJSON_GetObjectItemCaseSensitive(in, value->string), true);
}

/* Cells of a table may be taken for numbers or for texts: the manifest can say which. */
static void add_way_back(tf_buf *out, const char *name, const cJSON *then, const cJSON *now) {
    const char *a = cJSON_GetStringValue(then), *b = cJSON_GetStringValue(now);
    if (a && b && (strcmp(a, "string") == 0 || strcmp(b, "string") == 0))
        tf_buf_addf(out, "; \"types\": {\"%s\": \"%s\"} beside a csv keeps it", name, a);
}

/* Of two objects the first member that differs, which may be one of thousands; else both values. */
static void add_difference(tf_buf *out, const char *key, const char *then_text, const char *now_text) {
    cJSON *then = cJSON_Parse(then_text), *now = cJSON_Parse(now_text);
    const bool objects = cJSON_IsObject(then) && cJSON_IsObject(now);
    const cJSON *other = objects ? now->child : NULL;
    while (other && !is_other(other, then))
        other = other->next;
    if (!other && objects)
        for (other = then->child; other && !is_other(other, now);)
            other = other->next;
    if (other) {
        const cJSON *a = cJSON_GetObjectItemCaseSensitive(then, other->string);
        const cJSON *b = cJSON_GetObjectItemCaseSensitive(now, other->string);
        tf_buf_addf(out, " (%s: ", other->string);
        add_value(out, a);
        tf_buf_adds(out, " then, ");
        add_value(out, b);
        tf_buf_adds(out, " now");
        if (strcmp(key, "parameters") == 0)
            add_way_back(out, other->string, a, b);
        tf_buf_adds(out, ")");
    } else {
        tf_buf_addf(out, " (%.200s then, %.200s now)", then_text, now_text);
    }
    cJSON_Delete(then);
    cJSON_Delete(now);
}

/* What has changed since the stage was run goes into its plan; where its rows may not be dropped, that is an error.
 * Sets *space if the space is another. */
static tf_err compare(const tf_store_plan *plan, const char *path, int stage, const char *then_text, bool *space,
                      tf_error *error) {
    plan_stage *ps = &plan->stage[stage];
    const char *now_text = plan_fingerprint(plan, stage);
    cJSON *then = cJSON_Parse(then_text), *now = cJSON_Parse(now_text);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const char *a = part_of(then, parts[i].key), *b = part_of(now, parts[i].key);
        if (strcmp(a, b) == 0 || (parts[i].added && !*a))
            continue;
        ps->unusable = ps->unusable || parts[i].form;
        if (ps->changed.length)
            continue;
        tf_buf_addf(&ps->changed, "%s has changed since it was run", parts[i].what);
        if (parts[i].shown)
            add_difference(&ps->changed, parts[i].key, a, b);
    }
    *space = strcmp(part_of(then, "space"), part_of(now, "space")) != 0;
    cJSON_DeleteItemFromObjectCaseSensitive(then, "code"); /* it was there once, and is no matter of the layout */
    char *layout = cJSON_PrintUnformatted(then);
    ps->moves = !layout || strcmp(layout, now_text) != 0;
    cJSON_free(layout);
    ps->dropped = ps->unusable;
    cJSON_Delete(then);
    cJSON_Delete(now);
    if (!ps->changed.length || plan_may_drop(plan, stage))
        return TF_OK;
    return tf_error_set(error, TF_ERR_RUN,
                        "%s: of stage \"%s\" %s; --rerun code runs it anew, --fresh sets the old output aside and "
                        "starts anew, --output leaves it where it is",
                        path, plan->campaign->stage[stage].name, tf_buf_text(&ps->changed));
}

static bool is_first_part(const char *then_text, const tf_space *space, int64_t points) {
    cJSON *then = cJSON_Parse(then_text);
    char hash[20];
    uint64_t now = tf_space_hash(space, points);
    snprintf(hash, sizeof hash, "%016" PRIx64, now);
    bool same = now != 0 && strcmp(hash, part_of(then, "space")) == 0;
    cJSON_Delete(then);
    return same;
}

/* ---- Side files ---- */

static int stage_now(const tf_store_plan *plan, const contents *old, int32_t stage) {
    if (stage < 0 || stage >= old->names)
        return -1;
    return tf_campaign_stage(plan->campaign, old->name[stage], strlen(old->name[stage]));
}

/* Up to where the rows that a side file vouches for are known to be on disk. */
static int64_t synced_size(const char *bytes, size_t size) {
    int64_t synced = 0;
    for (size_t at = 0; at < size;) {
        const tf_record *record = tf_record_at(bytes + at, size - at);
        if (!record)
            break;
        if (record->kind == SIDE_SYNCED && record->length == sizeof(side_synced))
            synced = ((const side_synced *)(const void *)(record + 1))->size;
        at += tf_record_size((size_t)record->length);
    }
    return synced;
}

typedef struct record_walk {
    const tf_store_plan *plan;
    const old_output *old;
    on_record *take;
    void *context; /* its */
} record_walk;

static tf_err each_record_of(void *context, int fd, const char *path, tf_error *error) {
    const record_walk *walk = context;
    const char *bytes;
    size_t size;
    tf_err err = side_map_file(fd, path, &bytes, &size, error);
    int64_t synced = err == TF_OK ? synced_size(bytes, size) : 0;
    for (size_t at = 0; err == TF_OK && at < size;) {
        const tf_record *record = tf_record_at(bytes + at, size - at);
        if (!record)
            break;
        err = walk->take(walk->context, record, stage_now(walk->plan, &walk->old->contents, record->stage), (int64_t)at,
                         synced, error);
        at += tf_record_size((size_t)record->length);
    }
    side_unmap(bytes, size);
    return err;
}

tf_err plan_each_record(const tf_store_plan *plan, const old_output *old, on_record *take, void *context,
                        tf_error *error) {
    return old->fd < 0 ? TF_OK : old_each_side(old, each_record_of, &(record_walk){plan, old, take, context}, error);
}

/* ---- Rows that are good ---- */

typedef struct vouching {
    const tf_store_plan *plan;
    const old_output *old;
    tf_intervals *good, *torn; /* per stage of the campaign */
} vouching;

/* The hash of rows as they are in the file; false if they are not all there. */
static bool hash_old_rows(const old_output *old, const contents_stage *stage, const tf_stage_spec *spec, int64_t first,
                          int64_t count, uint64_t *hash) {
    row_part *list = tf_alloc_array((size_t)spec->columns + TASK_TABLES, sizeof *list);
    int count_parts = store_row_parts(spec, list);
    bool good = true;
    *hash = 0;
    for (int i = 0; i < count_parts && good; i++) {
        char path[300];
        tf_error ignored;
        snprintf(path, sizeof path, "%s/%s", list[i].folder, list[i].name);
        const contents_table *dataset = contents_table_at(stage, path);
        size_t size;
        good = dataset && dataset->row_bytes == (int64_t)list[i].bytes && count <= dataset->rows &&
               !__builtin_mul_overflow((size_t)count, list[i].bytes, &size);
        if (!good)
            break;
        char *data = tf_alloc(size);
        good = old_read(old, dataset, list[i].bytes, first, count, data, &ignored) == TF_OK;
        *hash = store_hash_rows(&list[i], first, count, data, *hash);
        free(data);
    }
    free(list);
    return good;
}

/* Takes the rows that a record vouches for; where they may not have reached the disk they are looked at. */
static tf_err take_vouched(void *context, const tf_record *record, int number, int64_t at, int64_t synced,
                           tf_error *error) {
    (void)error;
    const vouching *v = context;
    const side_rows *rows = (const side_rows *)(const void *)(record + 1);
    const contents_stage *stage = number >= 0 ? v->plan->stage[number].old : NULL;
    if (record->kind != SIDE_ROWS || record->length != sizeof *rows || !stage || stage->finished || record->index < 0 ||
        rows->count < 1 || rows->count > stage->tasks || record->index > stage->tasks - rows->count)
        return TF_OK;
    uint64_t hash = rows->hash;
    const bool whole = at < synced || (hash_old_rows(v->old, stage, &v->plan->campaign->stage[number], record->index,
                                                     rows->count, &hash) &&
                                       hash == rows->hash);
    tf_intervals_add(whole ? &v->good[number] : &v->torn[number], record->index, record->index + rows->count);
    return TF_OK;
}

/* Of `good` those whose status is done; with `failed` those, too, that have failed. */
static tf_err keep_done(const old_output *old, plan_stage *ps, const tf_intervals *good, bool failed, tf_error *error) {
    const contents_table *dataset = contents_table_at(ps->old, "task/status");
    if (!dataset)
        return tf_error_set(error, TF_ERR_RUN, "%s: is damaged: stage \"%s\" has no status", old->path, ps->old->name);
    enum { AT_ONCE = 1 << 20 };
    uint8_t *status = tf_alloc(AT_ONCE);
    tf_err err = TF_OK;
    tf_interval run = {0};
    while (err == TF_OK && tf_intervals_next(good, AT_ONCE, &run)) {
        const int64_t first = old_skip_hole(old, dataset, run.first), count = run.end - first;
        if (count <= 0)
            continue;
        err = old_read(old, dataset, 1, first, count, status, error);
        for (int64_t i = 0, end; i < count && err == TF_OK; i = end + 1) {
            const uint8_t *other = status + i;
            while (other < status + count && (failed ? *other != TF_STATUS_PENDING : tf_status_is_good(*other)))
                other++;
            end = other - status;
            tf_intervals_add(&ps->kept, first + i, first + end);
            if (end < count && (*other == TF_STATUS_FAILED || *other == TF_STATUS_TIMEOUT))
                tf_intervals_add(&ps->failed, first + end, first + end + 1);
        }
    }
    free(status);
    return err;
}

/* By a "where" of its own, or of a stage whose rows it takes. */
static bool may_exclude(const tf_stage_spec *spec) {
    return spec->wheres > 0 || tf_stage_takes_rows(spec);
}

/* Of the rows that `ps` keeps. */
static tf_err find_excluded(const tf_stage_spec *spec, const old_output *old, const plan_stage *ps,
                            tf_intervals *excluded, tf_error *error) {
    enum { AT_ONCE = 1 << 20 };
    const contents_table *dataset = ps->old ? contents_table_at(ps->old, "task/status") : NULL;
    if (!dataset || ps->unusable || !may_exclude(spec))
        return TF_OK;
    uint8_t *status = tf_alloc(AT_ONCE);
    tf_err err = TF_OK;
    tf_interval run = {0};
    while (err == TF_OK && tf_intervals_next(&ps->kept, AT_ONCE, &run)) {
        err = old_read(old, dataset, 1, run.first, run.end - run.first, status, error);
        for (int64_t i = run.first; i < run.end && err == TF_OK; i++)
            if (status[i - run.first] == TF_STATUS_EXCLUDED)
                tf_intervals_add(excluded, i, i + 1);
    }
    free(status);
    return err;
}

tf_err plan_find_excluded(const tf_store_plan *plan, const old_output *old, int stage, tf_intervals *excluded,
                          tf_error *error) {
    return find_excluded(&plan->campaign->stage[stage], old, &plan->stage[stage], excluded, error);
}

/* ---- Rows for which nothing vouches ---- */

static bool has_texts(const tf_stage_spec *spec) {
    for (int c = 0; c < spec->columns; c++)
        if (tf_type_size(spec->column[c].type) == 0)
            return true;
    return false;
}

/* Rows that are done by their status alone: side files are lost, or a crash of the machine was faster than the disk.
 * They are made again. Who salvages takes them, since the status is written last; not those of which a record says that
 * they are something else, nor those whose results have texts, which are lost as well. */
static tf_err find_unvouched(const tf_store_plan *plan, const old_output *old, int stage, const tf_intervals *good,
                             const tf_intervals *torn, tf_error *error) {
    plan_stage *ps = &plan->stage[stage], claimed = {.old = ps->old};
    if (!ps->old || ps->old->finished || ps->unusable || plan->keeps_failed)
        return TF_OK;
    tf_intervals rest = {0}, excluded = {0};
    ps->trusted = plan->salvages && !has_texts(&plan->campaign->stage[stage]);
    tf_intervals_add(&rest, 0, ps->old->tasks);
    tf_intervals_remove_all(&rest, good);
    if (ps->trusted)
        tf_intervals_remove_all(&rest, torn);
    tf_err err = keep_done(old, &claimed, &rest, false, error);
    if (err == TF_OK)
        err = find_excluded(&plan->campaign->stage[stage], old, &claimed, &excluded, error);
    ps->unvouched = claimed.kept.total - excluded.total;
    if (ps->trusted)
        tf_intervals_add_all(&ps->kept, &claimed.kept);
    else
        ps->dropped = ps->dropped || (plan->salvages && ps->unvouched > 0);
    tf_intervals_add_all(&ps->failed, &claimed.failed);
    tf_intervals_free(&claimed.kept);
    tf_intervals_free(&claimed.failed);
    tf_intervals_free(&excluded);
    tf_intervals_free(&rest);
    return err;
}

int64_t tf_store_lost(const tf_store_plan *plan, int stage) {
    const plan_stage *ps = &plan->stage[stage];
    return ps->trusted ? 0 : ps->unvouched;
}

static void add_lost(const tf_store_plan *plan, int stage, tf_buf *out) {
    const tf_stage_spec *spec = &plan->campaign->stage[stage];
    const plan_stage *ps = &plan->stage[stage];
    const bool one = ps->unvouched == 1, captures = spec->capture_stdout > 0 || spec->capture_stderr > 0;
    char count[32];
    if (ps->unvouched == 0)
        return;
    tf_buf_addf(out, "%s%s %s task%s of stage \"%s\"", out->length ? ", " : "",
                has_texts(spec)           ? "texts of"
                : ps->trusted && captures ? "captured output of"
                                          : "what vouches for",
                tf_format_count(ps->unvouched, count), one ? "" : "s", spec->name);
    if (!ps->trusted)
        tf_buf_addf(out, ", which %s again", one ? "runs" : "run");
}

void tf_store_tell_lost(const tf_store_plan *plan, tf_buf *out) {
    tf_buf list = {0}, folder = {0};
    for (int s = 0; s < plan->campaign->stages; s++)
        add_lost(plan, s, &list);
    folder_path(plan->campaign->output, NULL, &folder);
    if (plan->lost)
        tf_buf_addf(out, "lost with %s: %s", folder.data, list.length ? list.data : "nothing");
    else if (list.length)
        tf_buf_addf(out, "%s lacks %s", folder.data, list.data);
    if (out->length && plan->salvages)
        tf_buf_adds(out, "; after a crash of the machine --fresh is safer, since rows may not have reached the disk");
    tf_buf_free(&folder);
    tf_buf_free(&list);
}

/* ---- The plan ---- */

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
    int64_t tasks = tf_space_size(spec->space);
    if (spec->inputs == 0 || ps->kept.total == 0)
        return;
    ps->input_set = read_record(old, ps, "task/input_set", tasks, error);
    ps->input_hash = read_record(old, ps, "task/input_hash", tasks, error);
    ps->started = read_record(old, ps, "task/start", tasks, error);
    ps->ended = read_record(old, ps, "task/duration", tasks, error);
    for (int64_t i = 0; ps->started && ps->ended && i < tasks; i++)
        ps->ended[i] += ps->started[i];
}

static tf_err match_stages(const tf_store_plan *plan, const old_output *old, bool *spaces, tf_error *error) {
    const tf_campaign *campaign = plan->campaign;
    for (int i = 0; i < old->contents.stages; i++) {
        const contents_stage *stage = &old->contents.stage[i];
        int s = tf_campaign_stage(campaign, stage->name, strlen(stage->name));
        if (s < 0)
            return tf_error_set(error, TF_ERR_RUN,
                                "%s: has a stage \"%s\", and the manifest has not: it is another campaign's output; "
                                "choose another name with --output, or --fresh sets it aside",
                                old->path, stage->name);
        plan->stage[s].old = stage;
        tf_err err = compare(plan, old->path, s, stage->fingerprint, &spaces[s], error);
        if (err != TF_OK)
            return err;
    }
    return TF_OK;
}

/* Of which code the rows that are kept are, but for those that "where" leaves out, which are of none. Who winds a run
 * up has seen none of it. */
static tf_err find_code(const tf_store_plan *plan, const old_output *old, int number, tf_error *error) {
    static const code_history none;
    plan_stage *ps = &plan->stage[number];
    const code_history *before = ps->old && !old->lost ? &ps->old->code : &none;
    const tf_stage_spec *spec = &plan->campaign->stage[number];
    if (plan->keeps_failed) {
        code_copy(&ps->code, before);
        return TF_OK;
    }
    tf_intervals made = {0}, excluded = {0};
    tf_err err = plan_find_excluded(plan, old, number, &excluded, error);
    tf_intervals_add_all(&made, &ps->kept);
    tf_intervals_remove_all(&made, &excluded);
    cJSON *runs = old->contents.runs ? cJSON_Parse(old->contents.runs) : NULL;
    tf_buf files = {0}, names = {0};
    tf_code_files(spec, before->versions ? before->version[before->versions - 1].files : NULL, &files);
    code_go_on(before, tf_buf_text(&files), cJSON_GetArraySize(runs) + 1, &made, ps->place, &ps->code);
    code_other_rows(&ps->code, &ps->other_code);
    code_changed_files(&ps->code, &names);
    if (ps->other_code.total > 0)
        tf_code_tell(&names, ps->other_code.total, &ps->code_changed);
    cJSON_Delete(runs);
    tf_buf_free(&files);
    tf_buf_free(&names);
    tf_intervals_free(&made);
    tf_intervals_free(&excluded);
    return err;
}

void tf_store_tell_code(const tf_store_plan *plan, tf_buf *out) {
    tf_buf names = {0};
    tf_intervals other = {0};
    int64_t rows = 0;
    for (int s = 0; s < plan->campaign->stages; s++) {
        code_other_rows(&plan->stage[s].code, &other);
        code_changed_files(&plan->stage[s].code, &names);
        rows += other.total;
        tf_intervals_free(&other);
    }
    if (rows > 0)
        tf_code_tell(&names, rows, out);
    if (rows > 0)
        tf_buf_addf(out, "; %s kept; --rerun code makes %s anew", rows == 1 ? "it is" : "they are",
                    rows == 1 ? "it" : "them");
    tf_buf_free(&names);
}

static tf_err keep_rows(const tf_store_plan *plan, const old_output *old, const bool *spaces, tf_error *error) {
    const tf_campaign *campaign = plan->campaign;
    tf_intervals *good = tf_alloc_array((size_t)campaign->stages, sizeof *good);
    tf_intervals *torn = tf_alloc_array((size_t)campaign->stages, sizeof *torn);
    tf_err err = plan_each_record(plan, old, take_vouched, &(vouching){plan, old, good, torn}, error);
    for (int s = 0; s < campaign->stages && err == TF_OK; s++) {
        plan_stage *ps = &plan->stage[s];
        int64_t tasks = tf_space_size(campaign->stage[s].space);
        if (ps->old && ps->old->finished)
            tf_intervals_add(&good[s], 0, ps->old->tasks);
        if (ps->old && !ps->unusable)
            err = keep_done(old, ps, &good[s], plan->keeps_failed, error);
        if (err == TF_OK)
            err = find_unvouched(plan, old, s, &good[s], &torn[s], error);
        const int64_t all = ps->kept.total;
        ps->other_points =
            ps->old && spaces[s] && !is_first_part(ps->old->fingerprint, campaign->stage[s].space, ps->old->tasks);
        if (err == TF_OK && ps->other_points && !ps->unusable)
            err = plan_find_places(plan, old, s, error);
        ps->dropped = ps->dropped || ps->kept.total < all;
        find_pending(ps, tasks);
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
static bool was_interrupted(const contents *c) {
    cJSON *runs = c->runs ? cJSON_Parse(c->runs) : NULL;
    bool any = false;
    for (const cJSON *run = runs ? runs->child : NULL; run; run = run->next)
        any = any || !cJSON_GetObjectItemCaseSensitive(run, "end");
    cJSON_Delete(runs);
    return any;
}

tf_err plan_make(tf_store_plan *plan, const old_output *old, tf_error *error) {
    const tf_campaign *campaign = plan->campaign;
    plan->lost = old->lost;
    plan->interrupted = old->lost || was_interrupted(&old->contents);
    bool *spaces = tf_alloc_array((size_t)campaign->stages, sizeof *spaces);
    tf_err err = match_stages(plan, old, spaces, error);
    if (err == TF_OK)
        err = keep_rows(plan, old, spaces, error);
    free(spaces);
    return err;
}
