/* What a Python function's code is: its interpreter is asked, which runs none of it. */
#include <stdlib.h>

#include "host/preflight.h"
#include "host/python_ask.h"
#include "host/python_slot.h"
#include "host/run.h"

/* Seconds that an answer may take: of many files on a slow disk. */
static double longest(void) {
    const double most = 30;
    return python_patience_within(most);
}

typedef struct asked {
    const char *modules;
    tf_buf *answer;
    bool is_answered;
} asked;

static void ask(host *h, void *context) {
    asked *a = context;
    tf_stage_spec *spec = tf_alloc(sizeof *spec);
    const tf_stage_spec *own = h->spec;
    int status;
    *spec = *own;
    spec->need.memory = 0; /* that is the tasks' */
    h->spec = spec;
    const python_question question = {.verb = "code", .text = a->modules, .seconds = longest()};
    a->is_answered = python_ask(h, &question, a->answer, &status) == PYTHON_ANSWERED;
    h->spec = own;
    free(spec);
}

bool tf_host_ask_code(const tf_campaign *campaign, int stage, const char *modules, tf_buf *answer) {
    asked a = {.modules = modules, .answer = answer};
    preflight_with_host(campaign, stage, ask, &a);
    return a.is_answered;
}
