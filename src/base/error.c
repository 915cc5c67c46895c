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
    char inner[sizeof error->text];
    memcpy(inner, error->text, sizeof inner);
    va_list args;
    va_start(args, format);
    int length = vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    if (length >= 0 && (size_t)length < sizeof error->text)
        snprintf(error->text + length, sizeof error->text - (size_t)length, ": %s", inner);
    return error->code;
}
