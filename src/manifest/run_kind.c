/* What a run is, as its kind says it. */
#include "manifest/run.h"

bool tf_run_is_command(const tf_run_spec *run) {
    return run->kind && run->kind->is_command;
}

bool tf_run_has_process(const tf_run_spec *run) {
    return run->kind && run->kind->has_process;
}

bool tf_run_records_times(const tf_run_spec *run) {
    return run->python ? !run->python->batch : tf_run_has_process(run);
}

bool run_takes_blocks(const tf_run_spec *run) {
    return run->kind && run->kind->takes_blocks;
}

void tf_run_text(const tf_stage_spec *stage, const tf_point *point, tf_buf *out) {
    stage->run.kind->describe(stage, point, out);
}
