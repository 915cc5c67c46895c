/* What is run, for people: command lines as they could be pasted. */
#include "manifest/manifest.h"

#include <string.h>

static void add_words(const tf_template *template, const tf_point *point, tf_buf *out) {
    tf_buf words = {0};
    int count = 1;
    if (tf_template_is_list(template)) {
        count = tf_template_expand_list(template, point, &words);
    } else {
        tf_template_expand(template, point, &words);
        tf_buf_addc(&words, '\0');
    }
    const char *word = tf_buf_text(&words);
    for (int n = 0; n < count; n++, word += strlen(word) + 1) {
        tf_buf_adds(out, n ? " " : "");
        tf_buf_add_copyable(out, word, false);
    }
    tf_buf_free(&words);
}

void tf_run_text(const tf_stage_spec *stage, const tf_point *point, tf_buf *out) {
    const tf_run_spec *run = &stage->run;
    switch (run->kind) {
    case TF_RUN_SHELL: tf_template_expand(run->argv[0], point, out); break;
    case TF_RUN_FUNCTION:
        tf_buf_addf(out, "%s:%s(%s)", run->library, run->symbol, strcmp(run->args, "{}") == 0 ? "" : run->args);
        break;
    case TF_RUN_EXPR:
        for (int c = 0; c < stage->columns; c++)
            tf_buf_addf(out, "%s%s = %s", c ? "\n" : "", stage->column[c].name, tf_expr_source(run->expr[c]));
        break;
    case TF_RUN_SERVICE:
    case TF_RUN_ARGV:
        for (int i = 0; i < run->argc; i++) {
            tf_buf_adds(out, i ? " " : "");
            add_words(run->argv[i], point, out);
        }
    }
}
