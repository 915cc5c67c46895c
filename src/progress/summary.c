/* The last words of a run. */
#include <stdlib.h>

#include "progress/progress.h"
#include "report/failures.h"
#include "report/notices.h"
#include "report/reductions.h"
#include "report/stops.h"
#include "store/notices.h"

/* How long this run took, and how many tasks it ran in a second. */
static void print_pace(FILE *out, const tf_farm_progress *p, const char *before) {
    const double rate = p->elapsed > 0 ? (double)(p->done + p->failed - p->reused) / p->elapsed : 0;
    char elapsed[32], rate_text[32];
    tf_print(out, "%s %s", before, tf_format_duration(p->elapsed, elapsed));
    if (rate >= 10)
        tf_print(out, " (%s tasks/s)", tf_format_count((int64_t)rate, rate_text));
    else
        tf_print(out, " (%.2g tasks/s)", rate);
}

void tf_progress_summary(FILE *out, const tf_campaign *campaign, const char *output, const tf_farm_result *result) {
    const tf_farm_progress *p = &result->progress;
    const int64_t by_where = p->excluded - p->left_out_before.cancelled;
    const int64_t before = p->reused - p->left_out_before.total;
    const int64_t ended = p->done + p->failed, left = p->tasks - ended - p->skipped - p->withheld;
    char count[32];
    tf_print(out, "taskfarm: %s: %s done", campaign->name, tf_format_count(p->done - p->excluded, count));
    tf_print(out, ", %s failed", tf_format_count(p->failed, count));
    const bool is_cut_short = p->stopping || result->parted; /* stages that have not begun need all ranks */
    if (p->skipped)
        tf_print(out, ", %s skipped", tf_format_count(p->skipped, count));
    if (before > 0)
        tf_print(out, ", %s of them before", tf_format_count(before, count));
    if (by_where)
        tf_print(out, ", %s left out by where", tf_format_count(by_where, count));
    if (p->left_out_before.cancelled)
        tf_print(out, ", %s cancelled", tf_format_count(p->left_out_before.cancelled, count));
    if (left)
        tf_print(out, ", %s %s", tf_format_count(left, count), is_cut_short ? "left for the next run" : "not run");
    if (p->withheld)
        tf_print(out, ", %s not selected", tf_format_count(p->withheld, count));
    if (ended == p->reused && p->skipped == 0 && left == 0)
        tf_print(out, "; nothing was to be done");
    else
        print_pace(out, p, before > 0 ? "; the rest in" : " in");
    tf_print(out, "; results in %s%s\n", output, left && is_cut_short ? "; the same command line goes on" : "");
    const char **name = tf_alloc_array((size_t)campaign->stages, sizeof *name);
    for (int s = 0; s < campaign->stages; s++)
        name[s] = campaign->stage[s].name;
    failures_print(out, &result->failures, output, name);
    cJSON *notices = tf_notices_json(campaign, p->noticed, p->notices);
    notices_print(out, notices, true);
    cJSON_Delete(notices);
    for (int i = 0; i < result->stops; i++)
        stops_print(out, name[result->stop[i].stage], result->stop[i].why);
    if (result->stops > 0)
        tf_print(out, "  once that is mended the same command line goes on\n");
    free(name);
}

void tf_progress_reductions(FILE *out, const tf_campaign *campaign, const char *output) {
    tf_error error;
    bool any = false;
    for (int s = 0; s < campaign->stages; s++)
        any = any || campaign->stage[s].reductions > 0;
    tf_reader *reader = any ? tf_reader_open_own(campaign->output, &error) : NULL;
    if (reader)
        reductions_print_all(out, reader, output);
    else if (any)
        tf_print(out, "  %s\n", error.text);
    tf_reader_close(reader);
}
