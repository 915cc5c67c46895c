/* What is said to people. All that goes to stdout and stderr goes through here (tests/lint.sh finds what does not). A
 * format is ours and is printed as it is; what is put into it is made visible. */
#include "base/base.h"

#include <stdio.h>
#include <unistd.h>

/* What goes to stderr is for people wherever it goes: mpirun reads it from a pipe and puts it on the user's terminal,
 * batch systems keep it in files that are looked at on one. */
static bool is_for_eyes(FILE *out) {
    return out == stderr || isatty(fileno(out));
}

void tf_print(FILE *out, const char *format, ...) {
    tf_buf text = {0};
    va_list args;
    va_start(args, format);
    if (is_for_eyes(out))
        tf_buf_addv_visible(&text, format, args);
    else
        tf_buf_addv(&text, format, args);
    va_end(args);
    tf_print_bytes(out, text.data, text.length);
    tf_buf_free(&text);
}

void tf_print_text(FILE *out, const char *text, size_t length) {
    tf_buf shown = {0};
    if (is_for_eyes(out))
        tf_buf_add_visible_lines(&shown, text, length);
    else
        tf_buf_add(&shown, text, length);
    tf_print_bytes(out, shown.data, shown.length);
    tf_buf_free(&shown);
}

void tf_print_json(FILE *out, const char *json) {
    tf_buf text = {0};
    tf_buf_add_visible_json(&text, json);
    tf_buf_addc(&text, '\n');
    tf_print_bytes(out, text.data, text.length);
    tf_buf_free(&text);
}

void tf_say(const char *format, ...) {
    tf_buf line = {0};
    va_list args;
    va_start(args, format);
    tf_buf_adds(&line, "taskfarm: ");
    tf_buf_addv_visible(&line, format, args);
    va_end(args);
    tf_buf_addc(&line, '\n');
    tf_print_bytes(stderr, line.data, line.length);
    tf_buf_free(&line);
}
