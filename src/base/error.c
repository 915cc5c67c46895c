/* Errors are values; their text is built where the cause is known and gains context on its way up. */
#include "base/base.h"

#include <stdio.h>
#include <string.h>

static tf_diag_id id_of_code(tf_err code) {
    switch (code) {
    case TF_OK: return TF_DIAG_NONE;
    case TF_ERR_TASKS: return TF_DIAG_TASKS_FAILED;
    case TF_ERR_USAGE: return TF_DIAG_USAGE;
    case TF_ERR_RUN: return TF_DIAG_RUN_FAILED;
    case TF_ERR_STOPPED: return TF_DIAG_STOPPED;
    }
    return TF_DIAG_NONE;
}

static void TF_PRINTF(4, 0) set(tf_error *error, tf_err code, tf_diag_id id, const char *format, va_list args) {
    error->code = code;
    error->id = id;
    vsnprintf(error->text, sizeof error->text, format, args);
}

tf_err tf_error_set(tf_error *error, tf_err code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    set(error, code, id_of_code(code), format, args);
    va_end(args);
    return code;
}

tf_err tf_error_set_as(tf_error *error, tf_err code, tf_diag_id id, const char *format, ...) {
    va_list args;
    va_start(args, format);
    set(error, code, id, format, args);
    va_end(args);
    return code;
}

const char *tf_error_id(const tf_error *error) {
    return tf_diag_name(error->id ? error->id : id_of_code(error->code));
}

tf_err tf_error_context(tf_error *error, const char *format, ...) {
    tf_buf text = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv(&text, format, args);
    va_end(args);
    tf_buf_addf(&text, ": %s", error->text);
    tf_error_set_as(error, error->code, error->id, "%s", tf_buf_text(&text));
    tf_buf_free(&text);
    return error->code;
}
