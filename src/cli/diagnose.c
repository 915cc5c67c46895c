/* What verbs say (diagnose.h). */
#include "cli/diagnose.h"

#include <stdarg.h>

#include "manifest/json_read.h"

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

static void print_json(cJSON *json, bool in_one_line) {
    char *text = in_one_line ? cJSON_PrintUnformatted(json) : json_print_indented(json);
    tf_print_json(stdout, text);
    cJSON_free(text);
    cJSON_Delete(json);
}

void cli_print_json(cJSON *json) {
    print_json(json, false);
}

/* An error of a run or an output has no pointer (NULL). */
static cJSON *add_diagnostic(cJSON *list, const char *id, bool is_warning, const char *pointer, const char *text) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "id", id);
    cJSON_AddStringToObject(item, "severity", is_warning ? "warning" : "error");
    if (pointer)
        cJSON_AddStringToObject(item, "pointer", pointer);
    cJSON_AddStringToObject(item, "text", text);
    cJSON_AddItemToArray(list, item);
    return item;
}

void cli_add_diagnostics(cJSON *list, const tf_diags *diags) {
    for (const tf_diag *d = diags->item; d < diags->item + diags->items; d++) {
        cJSON *item = add_diagnostic(list, tf_diag_name(d->id), d->is_warning, d->pointer, d->text);
        if (d->line) {
            cJSON_AddNumberToObject(item, "line", d->line);
            cJSON_AddNumberToObject(item, "column", d->column);
        }
    }
}

void cli_add_failure(cJSON *list, const tf_diags *diags, const tf_error *error) {
    if (diags)
        cli_add_diagnostics(list, diags);
    if (error && *error->text)
        add_diagnostic(list, tf_error_id(error), false, NULL, error->text);
}

int cli_fail(const options *o, const tf_diags *diags, const tf_error *error) {
    const bool has_error = error && *error->text;
    if (diags)
        tf_print_text(stderr, tf_buf_text(&diags->lines), diags->lines.length);
    if (has_error)
        tf_say("%s", error->text);
    if (o->json) {
        cJSON *json = cJSON_CreateObject();
        cli_add_failure(cJSON_AddArrayToObject(json, "diagnostics"), diags, error);
        print_json(json, o->watch);
    }
    return error ? (int)error->code : TF_ERR_USAGE;
}
