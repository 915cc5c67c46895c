/* A column from the JSON object in the last line of stdout. */
#include "host/column_reader.h"

/* Says why the last line is no JSON object. */
static void fail_json(const cell *c, const answer *a) {
    char text[SHORT];
    if (a->length == 0)
        host_fail(c->host, "column \"%s\": stdout is empty, expected a JSON object in its last line", c->spec->name);
    else if (a->json || a->error.is_syntax)
        host_fail(c->host, "column \"%s\": the last line of stdout is not a JSON object: \"%s\"", c->spec->name,
                  shorten(a->line, a->length, text));
    else
        host_fail(c->host, "column \"%s\": the last line of stdout is not valid JSON: %s", c->spec->name,
                  a->error.text);
}

bool read_json(const cell *c, answer *a) {
    if (!a->is_parsed && !answer_find_line(c, a))
        return false;
    if (!a->is_parsed)
        a->json = json_read(a->line, a->length, JSON_ANSWER, &a->error);
    a->is_parsed = true;
    if (cJSON_IsObject(a->json))
        return cell_store_member(c, a->json, "the last line of stdout");
    if (!a->json && a->length == 0 && c->spec->optional)
        return true;
    fail_json(c, a);
    return false;
}
