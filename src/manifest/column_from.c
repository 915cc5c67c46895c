/* What "from" of a column may say behind the colon. */
#include "manifest/column_source.h"
#include "manifest/identify.h"

#include <regex.h>
#include <string.h>

void source_load_regex(struct loader *l, const json_path *where, const char *text, const known_names *scope,
                       tf_column_spec *column) {
    (void)scope;
    column->regex = tf_arena_strdup(l->arena, text);
    check_regex(l, where, column->regex, REG_NEWLINE);
}

void source_identify_regex(const tf_column_spec *column, cJSON *list) {
    identify_text(list, column->regex);
}

void source_load_field(struct loader *l, const json_path *where, const char *text, const known_names *scope,
                       tf_column_spec *column) {
    enum { MOST_FIELDS = 1000000 };
    (void)scope;
    int64_t field;
    if (!tf_parse_int(text, &field) || field < 1 || field > MOST_FIELDS)
        diagnose(l->diags, where, TF_DIAG_BAD_VALUE, "\"%s\" is not the number of a field; the first is field:1", text);
    else
        column->field = (int)field;
}

void source_identify_field(const tf_column_spec *column, cJSON *list) {
    cJSON_AddItemToArray(list, cJSON_CreateNumber(column->field));
}

void source_load_file(struct loader *l, const json_path *where, const char *text, const known_names *scope,
                      tf_column_spec *column) {
    if (text[strspn(text, " \t\r\n")] == '\0')
        diagnose(l->diags, where, TF_DIAG_BAD_PATH, "the path is empty");
    column->file = template_parse(l, where, text, scope, false);
}

void source_identify_file(const tf_column_spec *column, cJSON *list) {
    identify_template(list, "file ", column->file);
}
