#include "manifest/identify.h"

void identify_text(cJSON *list, const char *text) {
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

void identify_template(cJSON *list, const char *before, const tf_template *template) {
    if (!template)
        return;
    tf_buf text = {0};
    tf_buf_adds(&text, before);
    tf_template_resolved(template, &text);
    identify_text(list, tf_buf_text(&text));
    tf_buf_free(&text);
}

void identify_expr(cJSON *list, const tf_expr *expr) {
    tf_buf text = {0};
    tf_expr_resolved(expr, &text);
    identify_text(list, tf_buf_text(&text));
    tf_buf_free(&text);
}
