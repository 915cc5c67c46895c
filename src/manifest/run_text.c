/* Command lines for people, as they could be pasted into a shell. */
#include "manifest/run.h"

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

/* Adds a template's source with single braces for doubled ones. */
static void add_braces(const char *source, tf_buf *out) {
    for (; *source; source++) {
        tf_buf_addc(out, *source);
        source += (*source == '{' || *source == '}') && source[1] == *source;
    }
}

/* Adds an argument for a shell. Braces need no quotes, unless bash would expand them. */
static void add_argument(const tf_template *argument, tf_buf *out) {
    tf_buf text = {0}, plain = {0}, quoted = {0};
    add_braces(tf_template_source(argument), &text);
    for (const char *c = tf_buf_text(&text); *c; c++)
        if (*c != '{' && *c != '}')
            tf_buf_addc(&plain, *c);
    tf_buf_add_quoted(&quoted, tf_buf_text(&plain));
    const bool needs_none = strcmp(tf_buf_text(&quoted), tf_buf_text(&plain)) == 0;
    if (needs_none && !strchr(tf_buf_text(&text), ',') && !strstr(tf_buf_text(&text), ".."))
        tf_buf_adds(out, tf_buf_text(&text));
    else
        tf_buf_add_copyable(out, tf_buf_text(&text), true);
    tf_buf_free(&quoted);
    tf_buf_free(&plain);
    tf_buf_free(&text);
}

void run_describe_process(const tf_stage_spec *stage, const tf_point *point, tf_buf *out) {
    const tf_run_spec *run = &stage->run;
    for (int i = 0; i < run->argc; i++) {
        tf_buf_adds(out, i ? " " : "");
        if (run->is_shell && point)
            tf_template_expand(run->argv[i], point, out);
        else if (run->is_shell)
            add_braces(tf_template_source(run->argv[i]), out);
        else if (point)
            add_words(run->argv[i], point, out);
        else
            add_argument(run->argv[i], out);
    }
}

/* Adds lines that set up what the command runs in. */
static void add_surroundings(const tf_run_spec *run, const tf_point *point, tf_buf *out) {
    tf_buf text = {0};
    if (run->cwd) {
        tf_template_expand(run->cwd, point, &text);
        tf_buf_adds(out, "cd ");
        tf_buf_add_copyable(out, tf_buf_text(&text), true);
        tf_buf_addc(out, '\n');
    }
    for (int e = 0; e < run->envc; e++) {
        tf_buf_clear(&text);
        tf_template_expand(run->env[e].value, point, &text);
        tf_buf_addf(out, "export %s=", run->env[e].name);
        tf_buf_add_copyable(out, tf_buf_text(&text), true);
        tf_buf_addc(out, '\n');
    }
    tf_buf_free(&text);
}

void tf_run_script(const tf_stage_spec *stage, const tf_point *point, tf_buf *out) {
    const tf_run_spec *run = &stage->run;
    tf_buf text = {0};
    add_surroundings(run, point, out);
    if (!run->stdin_text) {
        tf_run_text(stage, point, out);
        return;
    }
    tf_template_expand(run->stdin_text, point, &text);
    tf_buf_adds(out, "printf %s ");
    tf_buf_add_copyable(out, tf_buf_text(&text), true);
    tf_buf_adds(out, run->is_shell ? " | sh -c " : " | ");
    tf_buf_clear(&text);
    tf_run_text(stage, point, &text);
    if (run->is_shell)
        tf_buf_add_copyable(out, tf_buf_text(&text), true);
    else
        tf_buf_adds(out, tf_buf_text(&text));
    tf_buf_free(&text);
}
