/* Rows are written before they are reported: the statuses in the file tell. */
#include "farm/written.h"

#include <stdlib.h>

/* What the worker would have reported of a row that it has written. */
static report_message report_of(const tf_stage_spec *spec, int stage, int64_t task, uint8_t status) {
    const bool has_files = tf_stage_has_files(spec);
    return (report_message){.stage = stage,
                            .first = task,
                            .count = 1,
                            .failed = has_files ? !tf_status_is_good(status) : tf_status_has_failed(status),
                            .excluded = status == TF_STATUS_EXCLUDED,
                            .skipped = status == TF_STATUS_SKIPPED};
}

typedef struct visitor {
    void (*visit)(void *context, int rank, const report_message *report);
    void *context;
    int rank;
} visitor;

static void visit_stage(const output *o, const tf_stage_spec *spec, int stage, const tf_intervals *holds,
                        const visitor *v) {
    enum { AT_ONCE = 1 << 16 };
    uint8_t *status = tf_alloc(AT_ONCE);
    tf_intervals held = {0}; /* a copy: tasks that are reported are not held any more */
    tf_error ignored;
    tf_interval piece = {0};
    tf_intervals_add_all(&held, holds);
    while (tf_intervals_next(&held, AT_ONCE, &piece)) {
        const int64_t count = piece.end - piece.first;
        if (o->status(o->context, stage, piece.first, count, status, &ignored) != TF_OK)
            break;
        for (int64_t i = 0; i < count; i++) {
            const report_message report = report_of(spec, stage, piece.first + i, status[i]);
            if (status[i] != TF_STATUS_PENDING)
                v->visit(v->context, v->rank, &report);
        }
    }
    tf_intervals_free(&held);
    free(status);
}

void written_visit(const output *o, const tf_campaign *campaign, const tf_sched *sched, int rank,
                   void (*visit)(void *context, int rank, const report_message *report), void *context) {
    const visitor v = {visit, context, rank};
    for (int s = 0; s < campaign->stages; s++) {
        const tf_intervals *holds = tf_sched_holds(sched, rank, s);
        if (holds->total > 0)
            visit_stage(o, &campaign->stage[s], s, holds, &v);
    }
}
