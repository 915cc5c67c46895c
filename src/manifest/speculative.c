/* "speculative": a task that takes longer than it would elsewhere is started a second time. Of two attempts that run at
 * the same time one is dropped, whatever it has done: so both must leave nothing but their row. Files that a task makes
 * stand under their own names from the moment when they are opened, and two attempts would write them together. */
#include "manifest/load.h"
#include "manifest/run.h"

/* Why it can't be; NULL: it can. */
static const char *find_obstacle(const tf_stage_spec *stage) {
    if (stage->outputs > 0)
        return "a task with \"outputs\" can't be started a second time: both starts would write to the same files";
    if (stage->log)
        return "a task with a \"log\" can't be started a second time: both starts would write to the same file";
    if (stage->run.python && stage->run.python->batch)
        return "a task of a \"batch\" can't be started a second time by itself";
    return NULL;
}

void load_speculative(struct loader *l, const stage_json *json, tf_stage_spec *stage) {
    const stage_value member = stage_member(json, "speculative");
    if (!member.json || !json_flag(l->diags, member.up, member.object, "speculative") || !stage->run.kind)
        return;
    const char *obstacle = find_obstacle(stage);
    if (obstacle)
        diagnose(l->diags, &member.where, TF_DIAG_CONFLICT, "%s", obstacle);
    stage->speculative = stage->run.kind->may_repeat && !obstacle;
}
