/* Errors are values; their text is built where the cause is known and gains context on its way up. */
#include "base/base.h"

#include <stdio.h>
#include <string.h>

tf_err tf_error_set(tf_error *error, tf_err code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    error->code = code;
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return code;
}

tf_err tf_error_context(tf_error *error, const char *format, ...) {
    tf_buf text = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv(&text, format, args);
    va_end(args);
    tf_buf_addf(&text, ": %s", error->text);
    tf_error_set(error, error->code, "%s", tf_buf_text(&text));
    tf_buf_free(&text);
    return error->code;
}
