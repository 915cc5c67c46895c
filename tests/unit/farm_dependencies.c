/* Dependencies between tasks, as the master has them looked after: what they tell workers and the scheduler. */
#include "farm_memory.h"
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "farm/dependencies.h"

enum { HELPER = 1 };

/* Stage 0 makes a file a task, and a temporary one; task i of stage 1 reads both, all of stage 2 read what task 0 made.
 */
static const char manifest[] =
    "{\"defaults\": {\"over\": {\"i\": {\"range\": [4]}}, \"run\": {\"command\": [\"true\"]}}, \"stages\": ["
    "{\"name\": \"make\", \"outputs\": [\"a{i}\", {\"path\": \"t{i}\", \"temp\": true}]}, "
    "{\"name\": \"read\", \"inputs\": [\"a{i}\", \"t{i}\"]}, "
    "{\"name\": \"all\", \"inputs\": \"a0\"}]}";

typedef struct scene {
    farm farm;
    tf_campaign *campaign;
    tf_disk disk;
    tf_graph *graph;
    tf_sched *sched;
    dependencies *d;
} scene;

static int64_t missing(tf_disk *disk, const char *path, tf_disk_id *id) {
    (void)disk, (void)path, (void)id;
    return TF_DISK_MISSING;
}

static int64_t there(tf_disk *disk, const char *path, tf_disk_id *id) {
    (void)disk, (void)path, (void)id;
    return 1;
}

/* Outputs that are there are taken for good. */
static scene *open_scene(bool has_outputs) {
    scene *s = tf_alloc(sizeof *s);
    tf_diags diags = {.file = "test.json"};
    const tf_intervals nothing = {0};
    tf_past past[FARM_STAGES];
    const tf_wish wish = {.touch = has_outputs};
    tf_sched_stage stages[FARM_STAGES] = {0};
    for (int i = 0; i < FARM_STAGES; i++)
        past[i] = (tf_past){.done = &nothing};
    s->campaign = fixture_load(manifest, NULL);
    s->disk = (tf_disk){.time = has_outputs ? there : missing};
    s->graph = tf_graph_new(s->campaign, &s->disk, &diags);
    cr_assert(s->graph && tf_graph_plan(s->graph, past, &wish, &diags), "%s", tf_buf_text(&diags.lines));
    for (int i = 0; i < s->campaign->stages; i++)
        stages[i] = (tf_sched_stage){.tasks = 4, .linked = true, .pending = &tf_graph_stage(s->graph, i)->run};
    s->sched = tf_sched_new(stages, s->campaign->stages);
    farm_open(&s->farm, &(farm_setting){.campaign = s->campaign, .graph = s->graph, .ranks = 2});
    s->d = dependencies_new(s->campaign, s->graph, s->sched, &s->farm.node[0].transport);
    return s;
}

static void close_scene(scene *s) {
    dependencies_free(s->d);
    tf_sched_free(s->sched);
    farm_close(&s->farm);
    tf_graph_free(s->graph);
    tf_campaign_free(s->campaign);
    free(s);
}

static bool hear(scene *s, parcel *next) {
    const transport *t = &s->farm.node[HELPER].transport;
    return t->receive(t->context, next);
}

static void expect_settled(scene *s, int stage, tf_status status, int64_t first, int64_t count, const char *why) {
    parcel next;
    cr_assert(hear(s, &next) && next.tag == TAG_SETTLE, "nothing is settled of stage %d", stage);
    const settle_message *m = next.payload;
    cr_expect(m->stage == stage && m->status == (int32_t)status && m->first == first && m->count == count,
              "tasks %lld + %lld of stage %d are settled", (long long)m->first, (long long)m->count, m->stage);
    cr_expect_str_eq(m->message, why);
}

static void expect_silence(scene *s) {
    parcel next;
    cr_expect(!hear(s, &next), "%d comes", next.tag);
}

static void lay_out(scene *s) {
    for (int stage = 0; stage < s->campaign->stages; stage++)
        dependencies_laid_out(s->d, stage, HELPER);
}

static int64_t pending(const scene *s, int stage) {
    return tf_sched_stage_counts(s->sched, stage).pending;
}

Test(dependencies, skip_what_reads_files_of_a_failed_task) {
    scene *s = open_scene(false);
    lay_out(s);
    dependencies_ended(s->d, 0, 3, 1, false, HELPER);
    expect_settled(s, 1, TF_STATUS_SKIPPED, 3, 1, "make[i=3] has failed");
    expect_silence(s);
    cr_expect_eq(tf_sched_stage_counts(s->sched, 1).skipped, 1);
    close_scene(s);
}

Test(dependencies, tell_of_tasks_side_by_side_at_once) {
    scene *s = open_scene(false);
    lay_out(s);
    dependencies_ended(s->d, 0, 0, 1, false, HELPER);
    parcel next;
    int messages = 0;
    int64_t rows = 0;
    for (; hear(s, &next); messages++)
        rows += ((const settle_message *)next.payload)->count;
    cr_expect(messages == 2 && rows == 5, "%d messages for %lld rows", messages, (long long)rows);
    close_scene(s);
}

Test(dependencies, keep_rows_of_a_stage_until_it_is_laid_out) {
    scene *s = open_scene(false);
    dependencies_laid_out(s->d, 0, HELPER);
    dependencies_ended(s->d, 0, 1, 1, false, HELPER);
    expect_silence(s);
    cr_expect_eq(pending(s, 1), 4);
    dependencies_laid_out(s->d, 1, HELPER);
    expect_settled(s, 1, TF_STATUS_SKIPPED, 1, 1, "make[i=1] has failed");
    cr_expect_eq(pending(s, 1), 3);
    close_scene(s);
}

Test(dependencies, write_nothing_of_a_stage_that_is_finished) {
    scene *s = open_scene(false);
    lay_out(s);
    dependencies_finished(s->d, 1);
    dependencies_ended(s->d, 0, 1, 1, false, HELPER);
    expect_silence(s);
    cr_expect_eq(pending(s, 1), 4);
    close_scene(s);
}

Test(dependencies, write_nothing_when_nobody_lives) {
    scene *s = open_scene(false);
    lay_out(s);
    dependencies_ended(s->d, 0, 1, 1, false, NOBODY);
    expect_silence(s);
    cr_expect_eq(pending(s, 1), 4);
    close_scene(s);
}

Test(dependencies, remove_temporary_files_when_all_have_read_them) {
    scene *s = open_scene(false);
    lay_out(s);
    dependencies_ended(s->d, 0, 2, 1, true, HELPER);
    expect_silence(s);
    dependencies_ended(s->d, 1, 2, 1, true, HELPER);
    parcel next;
    cr_assert(hear(s, &next) && next.tag == TAG_REMOVE);
    cr_expect(((const remove_message *)next.payload)->stage == 0 && ((const remove_message *)next.payload)->index == 2);
    expect_silence(s);
    close_scene(s);
}

Test(dependencies, take_outputs_that_are_there_for_done) {
    scene *s = open_scene(true);
    dependencies_laid_out(s->d, 0, HELPER);
    expect_settled(s, 0, TF_STATUS_DONE, 0, 4, "");
    expect_silence(s);
    close_scene(s);
}
