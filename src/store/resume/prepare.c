/* Before MPI starts, on one rank: the output is made ready for the run that was planned. */
#include "store/folder.h"
#include "store/resume/plan.h"

static void add_reused(tf_store_plan *plan) {
    int64_t kept = 0, tasks = 0;
    tf_left_out left_out = {0};
    char some[32], all[32];
    for (int s = 0; s < plan->campaign->stages; s++) {
        kept += plan->stage[s].done.total;
        left_out.total += plan->stage[s].left_out.total;
        left_out.cancelled += plan->stage[s].left_out.cancelled;
        tasks += tf_stage_so_far(&plan->campaign->stage[s]);
    }
    tf_buf_addf(&plan->note, "%s%s: going on: %s of %s tasks are done", plan->note.length ? "; " : "",
                plan->campaign->output, tf_format_count(kept - left_out.total, some), tf_format_count(tasks, all));
    tf_store_tell_left_out(&left_out, &plan->note);
    plan_tell_wider(plan, &plan->note);
    tf_buf lost = {0};
    tf_store_tell_lost(plan, &lost);
    if (lost.length)
        tf_buf_addf(&plan->note, "; %s", lost.data);
    else if (plan->salvages)
        tf_buf_addf(&plan->note, "; there is nothing to salvage");
    tf_buf_free(&lost);
}

tf_err tf_store_prepare(tf_store_plan *plan, tf_error *error) {
    tf_err err = plan_carry_out(plan, &plan->old, error);
    plan->prepared = err == TF_OK;
    if (err == TF_OK && plan->old.fd >= 0)
        add_reused(plan);
    else if (err == TF_OK && plan->salvages)
        tf_buf_addf(&plan->note, "%s: there is nothing to salvage", plan->campaign->output);
    for (int s = 0; s < plan->campaign->stages; s++) /* what `old` knew of it goes */
        plan->stage[s].old = NULL;
    old_close(&plan->old);
    if (err != TF_OK)
        folder_leave(plan->campaign->output, &plan->start.lock);
    return err;
}
