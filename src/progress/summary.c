/* The last words of a run. */
#include <stdlib.h>

#include "progress/progress.h"
#include "report/failures.h"

void tf_progress_summary(FILE *out, const tf_campaign *campaign, const tf_farm_result *result) {
    const tf_farm_progress *p = &result->progress;
    char done[32], failed[32], elapsed[32], rate_text[32];
    int64_t ended = p->done + p->failed, left = p->tasks - ended - p->skipped - p->withheld;
    double rate = p->elapsed > 0 ? (double)(ended - p->reused) / p->elapsed : 0;
    tf_print(out, "taskfarm: %s: %s done", campaign->name, tf_format_count(p->done - p->excluded, done));
    tf_print(out, ", %s failed", tf_format_count(p->failed, failed));
    if (p->skipped)
        tf_print(out, ", %s skipped", tf_format_count(p->skipped, done));
    if (p->reused > p->excluded_before)
        tf_print(out, ", %s of them before", tf_format_count(p->reused - p->excluded_before, done));
    if (p->excluded)
        tf_print(out, ", %s left out by where", tf_format_count(p->excluded, done));
    if (left)
        tf_print(out, ", %s %s", tf_format_count(left, done), p->stopping ? "left for the next run" : "not run");
    if (p->withheld)
        tf_print(out, ", %s not selected", tf_format_count(p->withheld, done));
    tf_print(out, " in %s", tf_format_duration(p->elapsed, elapsed));
    if (rate >= 10)
        tf_print(out, " (%s tasks/s)", tf_format_count((int64_t)rate, rate_text));
    else
        tf_print(out, " (%.2g tasks/s)", rate);
    tf_print(out, "; results in %s\n", campaign->output);
    const char **name = tf_alloc_array((size_t)campaign->stages, sizeof *name);
    for (int s = 0; s < campaign->stages; s++)
        name[s] = campaign->stage[s].name;
    failures_print(out, &result->failures, campaign->output, name);
    free(name);
}
