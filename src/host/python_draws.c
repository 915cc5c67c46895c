/* Generators that are not a task's own, in words (see python_draws.h). */
#include "host/python_draws.h"

#include "base/base.h"

static const cJSON *member_of(const cJSON *object, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void tell_unseeded(const char *name, python_draws_visit *visit, void *context) {
    tf_buf text = {0};
    tf_buf_addf(&text,
                "the function uses %s, which is not seeded for each task of a batch: results depend on where it runs; "
                "let it have a parameter \"rng\" and draw from that",
                name);
    visit(context, "batch", tf_buf_text(&text));
    tf_buf_free(&text);
}

static void tell_lasting(const char *name, const char *type, python_draws_visit *visit, void *context) {
    tf_buf text = {0};
    tf_buf_addf(&text,
                "the function draws from \"%s\", a %s of which each process has its own, for all of its tasks: results "
                "depend on where tasks run, and tasks may get the same numbers; let it have a parameter \"rng\" and "
                "draw from that",
                name, type);
    visit(context, "python", tf_buf_text(&text));
    tf_buf_free(&text);
}

void python_draws_tell(const cJSON *said, python_draws_visit *visit, void *context) {
    const char *unseeded = cJSON_GetStringValue(member_of(said, "unseeded"));
    const cJSON *lasting = member_of(said, "lasting");
    const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(lasting, 0));
    const char *type = cJSON_GetStringValue(cJSON_GetArrayItem(lasting, 1));
    if (unseeded)
        tell_unseeded(unseeded, visit, context);
    if (name && type)
        tell_lasting(name, type, visit, context);
}
