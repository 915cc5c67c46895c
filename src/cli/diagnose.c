/* What verbs say (diagnose.h). */
#include "cli/diagnose.h"

#include <stdarg.h>

int cli_usage_error(const char *format, ...) {
    if (tf_launch_rank() != 0)
        return TF_ERR_USAGE;
    tf_buf text = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv_visible(&text, format, args);
    va_end(args);
    tf_say("%s", tf_buf_text(&text));
    tf_buf_free(&text);
    return TF_ERR_USAGE;
}

void cli_print_json(cJSON *json) {
    char *text = cJSON_Print(json);
    tf_print_json(stdout, text);
    cJSON_free(text);
    cJSON_Delete(json);
}
