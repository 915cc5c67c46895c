/* What people read: progress lines, the bar, the summary. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "progress/progress.h"

/* All that was printed so far, from the start. */
static char *printed(FILE *out) {
    static char text[200000];
    fflush(out);
    rewind(out);
    size_t size = fread(text, 1, sizeof text - 1, out);
    text[size] = '\0';
    fseek(out, 0, SEEK_END);
    return text;
}

/* A run of 1000 tasks at eight a second, updated eight times a second (exact in binary), up to `until` seconds. */
static void run(tf_progress *progress, double until) {
    for (int tick = 0; tick <= (int)(8 * until); tick++) {
        tf_farm_progress now = {.tasks = 1000, .done = tick - tick / 50, .failed = tick / 50, .stages = 1};
        now.elapsed = 0.125 * tick;
        tf_progress_update(progress, &now);
    }
}

Test(progress, is_a_line_at_growing_intervals) {
    FILE *out = tmpfile();
    tf_progress *progress = tf_progress_new(TF_PROGRESS_AUTO, out); /* a file is no terminal */
    run(progress, 99);
    tf_progress_free(progress);
    cr_expect_str_eq(printed(out), "taskfarm: 8/1 000  8/s  2m04s left\n"
                                   "taskfarm: 24/1 000  8/s  2m02s left\n"
                                   "taskfarm: 64/1 000  1 failed  8/s  1m57s left\n"
                                   "taskfarm: 144/1 000  2 failed  8/s  1m47s left\n"
                                   "taskfarm: 304/1 000  6 failed  8/s  1m27s left\n"
                                   "taskfarm: 704/1 000  14 failed  8/s  37s left\n");
    fclose(out);
}

Test(progress, is_nothing_when_nothing_is_wanted) {
    FILE *out = tmpfile();
    tf_progress *progress = tf_progress_new(TF_PROGRESS_NONE, out);
    run(progress, 99);
    tf_progress_free(progress);
    cr_expect_str_eq(printed(out), "");
    fclose(out);
}

Test(progress, is_a_bar_that_leaves_nothing_behind) {
    FILE *out = tmpfile();
    tf_progress *progress = tf_progress_new(TF_PROGRESS_BAR, out);
    run(progress, 50);
    const char *text = printed(out), *last = strrchr(text, '\r');
    cr_expect_str_eq(last,
                     "\r\033[K 40% ["
                     "==============                     ] 400/1 000  8 failed  8/s  1m15s left",
                     "%s", last);
    cr_expect_null(strchr(text, '\n'));
    tf_progress_free(progress);
    text = printed(out);
    cr_expect_str_eq(text + strlen(text) - 4, "\r\033[K");
    fclose(out);
}

Test(summary, counts_and_says_why_tasks_failed) {
    tf_campaign *campaign = fixture_load("{\"name\": \"survey\", \"run\": {\"command\": \"true\"}}", NULL);
    tf_farm_result result = {.progress = {.tasks = 1000000, .done = 999993, .failed = 7, .elapsed = 12.5}};
    static const char late[] = "timeout after 30s";
    tf_tally_add_one(&result.failures, 0, "exit status 1: no sky", 21, 17);
    tf_tally_add(&result.failures, 0, late, sizeof late - 1, 4, (int64_t[]){99, 100, 300}, 3);
    tf_tally_add(&result.failures, 0, late, sizeof late - 1, 2, (int64_t[]){98, 1000}, 2);
    tf_tally_sort(&result.failures);
    FILE *out = tmpfile();
    tf_progress_summary(out, campaign, campaign->output, &result);
    cr_expect_str_eq(printed(out),
                     "taskfarm: survey: 999 993 done, 7 failed in 13s (80 000 tasks/s); results in survey.h5\n"
                     "  6 tasks failed: timeout after 30s: survey[98], [99], [100], ...\n"
                     "  failed survey[17]: exit status 1: no sky\n"
                     "  see: taskfarm show survey.h5 survey 98\n");
    tf_tally_free(&result.failures);
    fclose(out);
    tf_campaign_free(campaign);
}
