/* Why tasks are run (reasons.h). */
#include "cli/reasons.h"

static const struct {
    const char *word; /* in JSON */
    const char *many; /* of several tasks */
} whys[TF_WHYS] = {
    [TF_WHY_NOT] = {"none", ""},
    [TF_WHY_NEW] = {"new", "have not been run"},
    [TF_WHY_FAILED] = {"failed", "failed last time"},
    [TF_WHY_UNFINISHED] = {"unfinished", "have not been run to their end"},
    [TF_WHY_PARAMS] = {"params", "have other parameters than last time"},
    [TF_WHY_CODE] = {"code", "run something else than last time"},
    [TF_WHY_FORCED] = {"forced", "are forced"},
    [TF_WHY_MISSING] = {"missing", "lack an output"},
    [TF_WHY_NEWER] = {"newer", "have an input that is newer than an output"},
    [TF_WHY_REMADE] = {"remade", "have an input that will be made again"},
    [TF_WHY_INPUTS] = {"inputs", "have other inputs than last time"},
    [TF_WHY_CONTENTS] = {"contents", "have inputs whose contents have changed"},
    [TF_WHY_NEEDED] = {"needed", "made a temporary output that is needed again"},
};

const char *reasons_word(tf_why why) {
    return whys[why].word;
}

const char *reasons_of_many(tf_why why) {
    return whys[why].many;
}

void reasons_sum_up(const tf_graph *graph, int stage, const tf_intervals *tasks, reason_sums *sums) {
    *sums = (reason_sums){0};
    for (size_t n = 0; n < tasks->count; n++)
        for (int64_t i = tasks->items[n].first, end; i < tasks->items[n].end; i = end) {
            const tf_why why = tf_graph_why(graph, stage, i);
            end = tf_graph_why_until(graph, stage, i, tasks->items[n].end);
            if (sums->count[why] == 0)
                sums->first[why] = i;
            sums->count[why] += end - i;
        }
}

/* ---- Again ---- */

/* Of the tasks that are run, those that were done. */
static void sum_up_again(const tf_graph *graph, int stage, reason_sums *sums) {
    const tf_stage_plan *plan = tf_graph_stage(graph, stage);
    tf_intervals again = {0}, dropped = {0};
    tf_intervals_add_all(&dropped, &plan->redo);
    tf_intervals_remove_all(&dropped, &plan->run);
    tf_intervals_add_all(&again, &plan->redo);
    tf_intervals_remove_all(&again, &dropped);
    reasons_sum_up(graph, stage, &again, sums);
    tf_intervals_free(&again);
    tf_intervals_free(&dropped);
}

static void say_again(const tf_loaded *l, int stage, int64_t count, int64_t first) {
    char number[32];
    tf_buf text = {0};
    tf_task_name(l->campaign, stage, first, &text);
    tf_buf_adds(&text, ": ");
    tf_graph_explain(l->graph, stage, first, &text);
    if (count == 1)
        tf_say("runs again, though it was done: %s", tf_buf_text(&text));
    else
        tf_say("%s tasks run again, though they were done, as %s", tf_format_count(count, number), tf_buf_text(&text));
    tf_buf_free(&text);
}

void reasons_say_again(const tf_loaded *l) {
    enum { MOST = 10 };
    int64_t said = 0, more = 0;
    char number[32];
    for (int s = 0; s < l->campaign->stages; s++) {
        reason_sums sums = {0};
        if (tf_graph_stage(l->graph, s)->redo.total > 0)
            sum_up_again(l->graph, s, &sums);
        for (tf_why w = TF_WHY_NEW; w < TF_WHYS; w++) {
            if (sums.count[w] == 0 || w == TF_WHY_FORCED)
                continue;
            if (said++ < MOST)
                say_again(l, s, sums.count[w], sums.first[w]);
            else
                more += sums.count[w];
        }
    }
    if (more > 0)
        tf_say("%s more tasks run again; see, before a run: taskfarm plan", tf_format_count(more, number));
}
