/* What is wrong with a file that is imported. */
#include "cli/import.h"

#include <stdarg.h>

int import_diagnose(const import_source *source, int line, const char *format, ...) {
    tf_buf text = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv_visible(&text, format, args);
    va_end(args);
    tf_print(stderr, "%s: line %d: %s\n", source->path, line, tf_buf_text(&text));
    tf_buf_free(&text);
    return TF_ERR_USAGE;
}
