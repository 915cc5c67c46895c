/* A column from a file that the command has written. */
#include "host/column_reader.h"

#include <errno.h>
#include <string.h>

/* A member of the JSON object that a file holds. */
static bool read_member(const cell *c, const char *path, const tf_buf *bytes) {
    json_error error = {0};
    cJSON *json = json_read(tf_buf_text(bytes), bytes->length, JSON_ANSWER, &error);
    bool sound = false;
    if (cJSON_IsObject(json))
        sound = cell_store_member(c, json, path);
    else
        host_fail(c->host, "column \"%s\": %s is not a JSON object%s%s", c->spec->name, path, json ? "" : ": ",
                  error.text);
    cJSON_Delete(json);
    return sound;
}

bool read_file(const cell *c, answer *a) {
    tf_point point = host_point(c->host, c->row);
    point.scratch = a->scratch;
    tf_buf path = {0}, bytes = {0};
    tf_template_expand(c->spec->file, &point, &path);
    const char *name = tf_buf_text(&path);
    const bool left = !answers_is_new(c->host, c->column, name);
    const int failure = left ? ENOENT : tf_read_file(name, &bytes);
    const bool is_json = path.length > 5 && strcmp(name + path.length - 5, ".json") == 0;
    bool sound = failure == ENOENT && c->spec->optional;
    if (left && !sound)
        host_fail(
            c->host,
            "column \"%s\": %s was there before the task ran, and the task has not written it; what a task only reads "
            "is to be named in \"inputs\"",
            c->spec->name, name);
    else if (failure && !sound)
        host_fail(c->host, "column \"%s\": %s: %s", c->spec->name, name, tf_read_failure(failure));
    else if (!failure)
        sound = is_json ? read_member(c, name, &bytes) : cell_store_text(c, tf_buf_text(&bytes), bytes.length, name);
    tf_buf_free(&path);
    tf_buf_free(&bytes);
    return sound;
}
