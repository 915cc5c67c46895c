/* Before MPI starts, on one rank: what an earlier run left under the output's name is looked at, or with --fresh set
 * aside, the file and the folder of its side files together. Nothing else changes before tf_store_prepare. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/lock.h"
#include "store/resume/aside.h"
#include "store/resume/plan.h"

/* What can't be an output. */
static tf_err refuse(const char *output, bool *old, tf_error *error) {
    struct stat info = {0};
    bool there = stat(output, &info) == 0;
    *old = there && info.st_size > 0;
    if (there && S_ISDIR(info.st_mode))
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_NOT_AN_OUTPUT,
                               "%s: the output is a folder; choose another name with --output", output);
    if (there && !S_ISREG(info.st_mode))
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_NOT_AN_OUTPUT,
                               "%s: the output is not a regular file; choose another name with --output", output);
    if (there && access(output, W_OK) != 0)
        return tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "%s: can't be written: %s", output,
                               strerror(errno));
    return TF_OK;
}

static const char *ways_out(tf_diag_id id) {
    switch (id) {
    case TF_DIAG_NOT_AN_OUTPUT: return "; choose another name with --output";
    case TF_DIAG_OUTPUT_DAMAGED:
    case TF_DIAG_NEWER_OUTPUT: return "; --fresh sets it aside and starts anew";
    case TF_DIAG_OUTPUT_INCOMPLETE:
        return "; --salvage goes on with the rows that are whole without it, --fresh sets the output aside and starts "
               "anew";
    default: return "";
    }
}

/* What is wrong with an old output is said by those who read it; what a run can do about it, here. */
static tf_err advise(tf_error *error) {
    const size_t length = strlen(error->text);
    snprintf(error->text + length, sizeof error->text - length, "%s", ways_out(error->id));
    return error->code;
}

/* The ranks of a run that is wound up have been told to leave, or were given up. */
static lock_claim claim_of(const tf_store_plan *plan) {
    return plan->keeps_failed ? LOCK_OF_RELICT : LOCK_OF_RUN;
}

/* An output may have other names, and runs by them. */
static tf_err lock_output(tf_store_plan *plan, tf_error *error) {
    const char *output = plan->campaign->output;
    plan->start.file = open(output, O_RDWR | O_CLOEXEC);
    if (plan->start.file < 0)
        return errno == ENOENT ? TF_OK
                               : tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "%s: can't be written: %s",
                                                 output, strerror(errno));
    return lock_file(plan->start.file, output, claim_of(plan), error);
}

static void unlock_output(tf_store_plan *plan) {
    if (plan->start.file >= 0)
        close(plan->start.file);
    plan->start.file = -1;
}

/* With --fresh: holding the old run's locks, so that nobody is at work there. */
static tf_err start_anew(tf_store_plan *plan, bool old, tf_error *error) {
    const char *output = plan->campaign->output;
    tf_buf folder = {0};
    folder_path(output, NULL, &folder);
    const bool has_folder = aside_is_there(folder.data);
    tf_buf_free(&folder);
    if (old && old_is_ours(output, error) != TF_OK)
        return advise(error);
    int lock = has_folder ? lock_acquire(output, LOCK_OF_RUN, error) : -1;
    if (has_folder && lock < 0)
        return error->code;
    tf_err err = lock_output(plan, error);
    if (err == TF_OK && (old || has_folder))
        err = aside_move(output, &plan->note, error);
    unlock_output(plan);
    if (err != TF_OK)
        folder_leave(output, &lock);
    else if (lock >= 0)
        close(lock);
    return err;
}

/* The code of a stage as the old output has it; NULL: it has none. */
static const char *old_code(const contents_stage *old) {
    return old && old->code.versions ? old->code.version[old->code.versions - 1].files : NULL;
}

/* What the output settles of each stage, before anything is compared. */
static void read_settled(tf_store_plan *plan) {
    for (int s = 0; s < plan->campaign->stages; s++) {
        const tf_stage_spec *spec = &plan->campaign->stage[s];
        const contents_stage *old = contents_find(&plan->old.contents, spec->name);
        tf_stage_set_round(spec, plan->campaign->seed, old ? tf_fingerprint_round(old->fingerprint) : 0);
        if (old)
            tf_stage_keep_batch(spec, old->fingerprint);
        if (spec->run.python && spec->run.python->commons > 0)
            tf_common_files(spec, old_code(old), &plan->stage[s].common);
    }
}

static void make_fingerprints(tf_store_plan *plan) {
    tf_buf_clear(&plan->start.fingerprints);
    for (int s = 0; s < plan->campaign->stages; s++) {
        const tf_buf *common = &plan->stage[s].common;
        plan->start.fingerprint_at[s] = plan->start.fingerprints.length;
        tf_fingerprint(plan->campaign, s, common->length ? common->data : NULL, &plan->start.fingerprints);
        tf_buf_addc(&plan->start.fingerprints, '\0');
    }
}

/* Tasks that are still to run must not draw what those have drawn that were at their indices before. */
static void settle_rounds(tf_store_plan *plan) {
    bool any = false;
    for (int s = 0; s < plan->campaign->stages; s++) {
        const tf_stage_spec *spec = &plan->campaign->stage[s];
        const int64_t before = spec->streams->round;
        const int64_t round = plan->stage[s].unusable ? 0 : before + plan_has_moved(&plan->stage[s]);
        tf_stage_set_round(spec, plan->campaign->seed, round);
        any = any || round != before;
    }
    if (any)
        make_fingerprints(plan);
}

tf_store_plan *tf_store_plan_new(const tf_campaign *campaign, tf_store_mode mode, bool allows_change,
                                 const tf_code_asker *asker, tf_error *error) {
    const char *output = campaign->output;
    const bool only_looks = mode == TF_STORE_LOOK || mode == TF_STORE_LOOK_FRESH || mode == TF_STORE_LOOK_SALVAGE;
    tf_store_init();
    tf_store_plan *plan = tf_alloc(sizeof *plan);
    *plan = (tf_store_plan){.campaign = campaign,
                            .asker = asker ? *asker : (tf_code_asker){0},
                            .keeps_failed = mode == TF_STORE_WIND_UP,
                            .allows_change = allows_change,
                            .salvages = mode == TF_STORE_SALVAGE || mode == TF_STORE_LOOK_SALVAGE,
                            .old = {.path = output, .fd = -1},
                            .start = {.lock = -1, .file = -1}};
    plan->stage = tf_alloc_array((size_t)campaign->stages, sizeof *plan->stage);
    plan->start.code = tf_alloc_array((size_t)campaign->stages, sizeof *plan->start.code);
    plan->start.fingerprint_at = tf_alloc_array((size_t)campaign->stages, sizeof *plan->start.fingerprint_at);
    bool there = false;
    tf_err err = refuse(output, &there, error);
    if (err == TF_OK && mode == TF_STORE_FRESH)
        err = start_anew(plan, there, error);
    if (err == TF_OK && !only_looks) {
        plan->start.lock = lock_acquire(output, claim_of(plan), error);
        err = plan->start.lock >= 0 ? lock_output(plan, error) : error->code;
    }
    if (err == TF_OK) {
        if (mode != TF_STORE_LOOK_FRESH)
            err = old_open(output, (only_looks ? 0 : OLD_TIDIES) | (plan->salvages ? OLD_SALVAGES : 0), &plan->old,
                           error);
        read_settled(plan);
        make_fingerprints(plan);
        if (err == TF_OK)
            err = plan_make(plan, &plan->old, error);
        if (err == TF_OK) {
            settle_rounds(plan);
            return plan;
        }
        advise(error);
    }
    if (!only_looks)
        folder_leave(output, &plan->start.lock);
    tf_store_plan_free(plan);
    return NULL;
}

tf_err tf_store_redo(tf_store_plan *plan, int stage, const tf_intervals *tasks, tf_error *error) {
    plan_stage *ps = &plan->stage[stage];
    tf_intervals_remove_all(&ps->done, tasks);
    code_drop_rows(&plan->start.code[stage], tasks);
    tf_intervals_add_all(&ps->pending, tasks);
    if (!ps->place)
        tf_intervals_remove_all(&ps->kept, tasks);
    tf_intervals gone = {0};
    for (size_t n = 0; ps->place && n < ps->kept.count; n++)
        for (int64_t i = ps->kept.items[n].first; i < ps->kept.items[n].end; i++)
            if (tf_intervals_contain(tasks, ps->place[i], ps->place[i] + 1))
                tf_intervals_add(&gone, i, i + 1);
    tf_intervals_remove_all(&ps->kept, &gone);
    tf_intervals_free(&gone);
    tf_intervals excluded = {0};
    ps->left_out.cancelled = 0;
    const tf_err err = plan_find_excluded(plan, &plan->old, stage, &excluded, &ps->left_out.cancelled, error);
    ps->left_out.total = excluded.total;
    tf_intervals_free(&excluded);
    return err;
}

tf_left_out tf_store_left_out(const tf_store_plan *plan, int stage) {
    return plan->stage[stage].left_out;
}

void tf_store_tell_left_out(const tf_left_out *left_out, tf_buf *out) {
    const int64_t by_where = left_out->total - left_out->cancelled;
    char count[32];
    if (by_where > 0)
        tf_buf_addf(out, ", %s %s left out by where", tf_format_count(by_where, count), by_where == 1 ? "is" : "are");
    if (left_out->cancelled > 0)
        tf_buf_addf(out, ", %s %s cancelled", tf_format_count(left_out->cancelled, count),
                    left_out->cancelled == 1 ? "is" : "are");
}

void tf_store_tell(tf_store_plan *plan, const char *about) {
    free(plan->start.about);
    plan->start.about = strdup(about);
}

const char *tf_store_code(const tf_store_plan *plan, int stage) {
    const code_history *h = &plan->start.code[stage];
    return h->versions ? h->version[h->versions - 1].files : "[]";
}

void tf_store_let_go(tf_store_plan *plan) {
    close(plan->start.lock);
    close(plan->start.file);
    plan->start.lock = plan->start.file = -1;
}

tf_store_start *tf_store_plan_start(tf_store_plan *plan) {
    return plan ? &plan->start : NULL;
}

/* By the same expression, of the same types, and of tasks that are where they were. */
static int64_t find_enough(const plan_stage *ps, const tf_expr *until) {
    const contents_stage *old = ps->old;
    const bool is_there = !ps->place && !ps->was;
    const bool same = until && old && old->until && strcmp(old->until, tf_expr_source(until)) == 0 && is_there;
    return same && old->enough > 0 && tf_intervals_contain(&ps->done, 0, old->enough) ? old->enough : 0;
}

/* A run that came to its end has left nothing of tasks that it did not begin, and what it broke off it has removed. */
static int64_t count_begun(const tf_store_plan *plan, const plan_stage *ps) {
    const bool may_be = plan->interrupted || ps->dropped;
    return ps->old && may_be && !ps->other_points ? ps->old->tasks : 0;
}

void tf_store_past(const tf_store_plan *plan, int stage, tf_past *past) {
    const plan_stage *ps = &plan->stage[stage];
    *past = (tf_past){.done = &ps->done,
                      .failed = &ps->failed,
                      .idle = &ps->idle,
                      .changed = ps->changed.length ? tf_buf_text(&ps->changed) : NULL,
                      .other_points = ps->other_points,
                      .dropped = ps->dropped,
                      .interrupted = ps->old && plan->interrupted,
                      .begun = count_begun(plan, ps),
                      .begun_from = ps->dropped ? 0 : plan->killed_from,
                      .other_outputs = !ps->old || ps->other_outputs,
                      .other_code = &ps->other_code,
                      .code_changed = tf_buf_text(&ps->code_changed),
                      .enough = find_enough(ps, plan->campaign->stage[stage].until.expr),
                      .input_set = ps->input_set,
                      .input_hash = ps->input_hash,
                      .started = ps->started,
                      .ended = ps->ended};
}

const tf_intervals *tf_store_pending(const tf_store_plan *plan, int stage) {
    return &plan->stage[stage].pending;
}

bool tf_store_is_finished(const tf_store_plan *plan, int stage) {
    return plan->stage[stage].finished;
}

const char *tf_store_note(const tf_store_plan *plan) {
    return tf_buf_text(&plan->note);
}

void tf_store_plan_free(tf_store_plan *plan) {
    if (!plan)
        return;
    for (int s = 0; s < plan->campaign->stages; s++) {
        tf_intervals_free(&plan->stage[s].kept);
        tf_intervals_free(&plan->stage[s].done);
        tf_intervals_free(&plan->stage[s].pending);
        tf_intervals_free(&plan->stage[s].failed);
        tf_intervals_free(&plan->stage[s].idle);
        tf_buf_free(&plan->stage[s].changed);
        tf_buf_free(&plan->stage[s].common);
        code_free(&plan->start.code[s]);
        tf_intervals_free(&plan->stage[s].other_code);
        tf_buf_free(&plan->stage[s].code_changed);
        free(plan->stage[s].place);
        free(plan->stage[s].was);
        free(plan->stage[s].input_set);
        free(plan->stage[s].input_hash);
        free(plan->stage[s].started);
        free(plan->stage[s].ended);
    }
    old_close(&plan->old);
    free(plan->stage);
    free(plan->start.code);
    free(plan->start.about);
    tf_buf_free(&plan->start.fingerprints);
    free(plan->start.fingerprint_at);
    tf_buf_free(&plan->note);
    contents_free(&plan->start.contents);
    unlock_output(plan);
    if (plan->start.lock >= 0 && !plan->prepared)
        folder_leave(plan->campaign->output, &plan->start.lock);
    else if (plan->start.lock >= 0)
        close(plan->start.lock);
    free(plan);
}
