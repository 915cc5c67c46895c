/* A list of actions, and the one message that tells of them. */
#include "farm/steps.h"

#include <stdlib.h>

#include "farm/protocol.h"

enum { MOST = 256 }; /* of a message */

steps steps_new(void) {
    return (steps){.step = tf_alloc_array(MOST, sizeof(tf_action))};
}

void steps_free(steps *s) {
    free(s->step);
}

bool steps_is_one(const tf_action *action) {
    return action->kind == TF_ACTION_LAYOUT || action->kind == TF_ACTION_FINISH;
}

bool steps_have(const steps *s, int stage) {
    for (int n = 0; n < s->count; n++)
        if (s->step[n].stage == stage)
            return true;
    return false;
}

bool steps_are_full(const steps *s) {
    return s->count == MOST;
}

void steps_add(steps *s, const tf_action *action) {
    s->step[s->count++] = *action;
}

void steps_send(const steps *s, const transport *t, const untils *u) {
    collect_message message[MOST] = {0};
    for (int n = 0; n < s->count; n++) {
        const tf_action *step = &s->step[n];
        message[n] = (collect_message){.what = step->kind == TF_ACTION_FINISH ? COLLECT_FINISH : COLLECT_LAYOUT,
                                       .stage = step->stage,
                                       .enough = untils_enough(u, step->stage)};
    }
    transport_send_all(t, TAG_COLLECT, message, (size_t)s->count * sizeof *message);
}
