/* Before anything runs: do the scripts exist that interpreters are to run? A script can't be an output that tasks
 * declare, but a stage that comes before this one may write it all the same. In a text for the shell what stands before
 * may do so, or change the folder. */
#include "host/preflight.h"
#include "manifest/code.h"

#include <errno.h>
#include <unistd.h>

/* What is looked for, and what was found. */
typedef struct script_search {
    const tf_stage_spec *stage;
    tf_diags *diags; /* NULL: nothing is reported */
    bool is_lacking; /* a script is not there */
} script_search;

static void look_for_script(void *context, const tf_code_word *word) {
    script_search *s = context;
    if (word->kind != TF_CODE_SCRIPT || word->in_shell)
        return;
    tf_buf path = {0}, text = {0};
    tf_buf_addf(&path, "%s%s", *word->text == '/' ? "" : word->folder, word->text);
    if (access(tf_buf_text(&path), F_OK) != 0 && errno == ENOENT) {
        s->is_lacking = true;
        tf_buf_addf(&text, "there is no script %s", tf_buf_text(&path));
        if (s->diags)
            preflight_diagnose(s->diags, s->stage, s->stage->run.key, TF_DIAG_FILE_MISSING, tf_buf_text(&text));
    }
    tf_buf_free(&text);
    tf_buf_free(&path);
}

void preflight_scripts(const tf_stage_spec *stage, tf_diags *diags) {
    script_search search = {.stage = stage, .diags = diags};
    if (stage->afters == 0)
        tf_code_words(&stage->run, look_for_script, &search);
}

bool preflight_lacks_scripts(const tf_stage_spec *stage) {
    script_search search = {.stage = stage};
    tf_code_words(&stage->run, look_for_script, &search);
    return search.is_lacking;
}
