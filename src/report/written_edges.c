/* Dependencies as they are written (written_edges.h). No stage is loaded, and nothing is opened. */
#include "report/written_edges.h"

#include <cjson/cJSON.h>
#include <string.h>

typedef enum link_kind { LINK_NONE, LINK_ORDER, LINK_DATA } link_kind;

/* Is it this text, or a list that has it? */
static bool names(const cJSON *json, const char *text) {
    const char *own = cJSON_GetStringValue(json);
    bool found = own && strcmp(own, text) == 0;
    for (const cJSON *item = cJSON_IsArray(json) ? json->child : NULL; item && !found; item = item->next)
        found = names(item, text);
    return found;
}

/* Has the value, at any depth, a member `key` with this text? */
static bool refers(const cJSON *json, const char *key, const char *text) {
    bool found = false;
    for (const cJSON *item = json ? json->child : NULL; item && !found; item = item->next)
        found = (item->string && strcmp(item->string, key) == 0 && names(item, text)) || refers(item, key, text);
    return found;
}

/* Are they the same but for what stands between braces? Parameters of two stages may have other names. */
static bool is_same_template(const char *a, const char *b) {
    while (*a && *a == *b) {
        const bool opens = *a == '{' && a[1] != '{' && b[1] != '{';
        a += opens ? strcspn(a, "}") : 1;
        b += opens ? strcspn(b, "}") : 1;
    }
    return *a == *b;
}

/* Has the value, at any depth, this text as a template? */
static bool has_template(const cJSON *json, const char *text) {
    const char *own = cJSON_GetStringValue(json);
    bool found = own && is_same_template(own, text);
    for (const cJSON *item = json ? json->child : NULL; item && !found; item = item->next)
        found = has_template(item, text);
    return found;
}

static int makers_of(const cJSON *stages, const char *text) {
    int makers = 0;
    for (const cJSON *stage = stages->child; stage; stage = stage->next)
        makers += has_template(cJSON_GetObjectItemCaseSensitive(stage, "outputs"), text);
    return makers;
}

/* Is some text of the inputs that of an output, which no other stage makes? */
static bool reads_output(const cJSON *stages, const cJSON *outputs, const cJSON *inputs) {
    const char *text = cJSON_GetStringValue(inputs);
    bool found = text && has_template(outputs, text) && makers_of(stages, text) == 1;
    for (const cJSON *item = inputs ? inputs->child : NULL; item && !found; item = item->next)
        found = reads_output(stages, outputs, item);
    return found;
}

static link_kind link_of(const cJSON *stages, const cJSON *from, const cJSON *to, const char *name) {
    const cJSON *inputs = cJSON_GetObjectItemCaseSensitive(to, "inputs");
    if (refers(inputs, "outputs_of", name) || refers(cJSON_GetObjectItemCaseSensitive(to, "over"), "from", name) ||
        reads_output(stages, cJSON_GetObjectItemCaseSensitive(from, "outputs"), inputs))
        return LINK_DATA;
    return names(cJSON_GetObjectItemCaseSensitive(to, "after"), name) ? LINK_ORDER : LINK_NONE;
}

void written_edges(const char *manifest, on_written_edge *visit, void *context) {
    enum { MOST = 500 }; /* stages: more are not drawn */
    cJSON *json = cJSON_Parse(manifest);
    const cJSON *stages = cJSON_GetObjectItemCaseSensitive(json, "stages");
    const bool few = cJSON_GetArraySize(stages) <= MOST;
    for (const cJSON *from = few && stages ? stages->child : NULL; from; from = from->next) {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(from, "name"));
        for (const cJSON *to = name ? from->next : NULL; to; to = to->next) {
            const char *its = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(to, "name"));
            const link_kind kind = its ? link_of(stages, from, to, name) : LINK_NONE;
            if (kind != LINK_NONE)
                visit(context, name, its, kind == LINK_ORDER);
        }
    }
    cJSON_Delete(json);
}
