/* Before anything runs, if that is wanted: does a Python function's module import, and does the function go with its
 * stage? Its interpreter is asked, and calls nothing of it. */
#include "host/preflight.h"
#include "host/python_ask.h"
#include "host/python_draws.h"
#include "host/python_slot.h"
#include "host/python_stage.h"
#include "host/unstarted.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <sys/wait.h>

/* Seconds that imports may take; one that takes longer is given up. */
static double longest(void) {
    const double most = 20;
    return python_patience_within(most);
}

static const char *text_of(const cJSON *object, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

/* What the function is of, for messages. */
static const char *place_of(const tf_stage_spec *stage) {
    const tf_python_target *target = &stage->run.python->target;
    return *target->file ? target->file : target->module;
}

static void warn(const tf_stage_spec *stage, const char *member, tf_diags *diags, tf_diag_id id, const char *text) {
    tf_buf pointer = {0};
    tf_buf_addf(&pointer, "%s/run/%s", stage->pointer, member);
    tf_diags_warn(diags, tf_buf_text(&pointer), id, "%s", text);
    tf_buf_free(&pointer);
}

/* ---- Without an answer ---- */

static void judge_end(const host *h, int status, tf_diags *diags) {
    tf_buf text = {0};
    char reason[64];
    if (WIFSIGNALED(status))
        tf_buf_addf(&text, "the interpreter was killed by %s while it imported %s",
                    tf_format_signal(WTERMSIG(status), reason), place_of(h->spec));
    else
        tf_buf_addf(&text, "the interpreter ended while it imported %s: exit status %d", place_of(h->spec),
                    WEXITSTATUS(status));
    unstarted_add_last_line(&h->err, &text);
    preflight_diagnose(diags, h->spec, "python", TF_DIAG_IMPORT_FAILS, tf_buf_text(&text));
    tf_buf_free(&text);
}

static void warn_of_silence(const tf_stage_spec *stage, tf_diags *diags) {
    tf_buf text = {0};
    char time[64];
    tf_buf_addf(&text, "%s was not imported within %s", place_of(stage), tf_format_duration(longest(), time));
    warn(stage, "python", diags, TF_DIAG_IMPORT_FAILS, tf_buf_text(&text));
    tf_buf_free(&text);
}

/* ---- What it says ---- */

/* What answers are judged for. */
typedef struct judged {
    const tf_stage_spec *stage;
    tf_diags *diags;
} judged;

static void warn_of_draws(void *context, const char *member, const char *text) {
    const judged *of = context;
    warn(of->stage, member, of->diags, TF_DIAG_UNSEEDED, text);
}

/* false: it is no answer. */
static bool judge_answer(const tf_stage_spec *stage, const char *text, tf_diags *diags) {
    cJSON *answer = cJSON_Parse(text);
    const cJSON *mismatches = cJSON_GetObjectItemCaseSensitive(answer, "mismatches"), *one;
    const char *failed = text_of(answer, "failed"), *member = text_of(answer, "member");
    if (failed && member)
        preflight_diagnose(diags, stage, member, TF_DIAG_IMPORT_FAILS, failed);
    cJSON_ArrayForEach(one, mismatches) if (cJSON_IsString(one))
        preflight_diagnose(diags, stage, "python", TF_DIAG_MISMATCH, one->valuestring);
    python_draws_tell(answer, warn_of_draws, &(judged){stage, diags});
    const bool is_answer = (failed && member) || mismatches;
    cJSON_Delete(answer);
    return is_answer;
}

void python_try_start(host *h, int stage, tf_diags *diags) {
    enum { KEPT = 4096 }; /* bytes of its standard error */
    tf_buf question = {0}, answer = {0};
    int status = 0;
    h->spec = &h->campaign->stage[stage];
    capture_start(&h->err, KEPT);
    python_stage_add(h->campaign, h->spec, &question);
    const python_question asked = {
        .verb = "check", .text = tf_buf_text(&question), .seconds = longest(), .in_cwd = true};
    const python_answer what = python_ask(h, &asked, &answer, &status);
    if (what == PYTHON_NOT_STARTED)
        preflight_diagnose(diags, h->spec, "interpreter", TF_DIAG_IMPORT_FAILS, tf_buf_text(&h->outcome.message));
    else if (what == PYTHON_LATE)
        warn_of_silence(h->spec, diags);
    else if (what != PYTHON_LEFT && !judge_answer(h->spec, tf_buf_text(&answer), diags))
        judge_end(h, status, diags);
    tf_buf_free(&question);
    tf_buf_free(&answer);
}
