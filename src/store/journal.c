/* The journal (see journal.h) is a line of JSON, after a line with its checksum. */
#include "store/journal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Writing ---- */

/* Numbers beyond 2^53 would not survive as JSON numbers. */
static void add_integer(cJSON *object, const char *key, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    cJSON_AddStringToObject(object, key, text);
}

/* As text at once: there may be ten thousand, and a tree of them would take longer than all else of the journal. */
static void add_tables(cJSON *json, const contents_stage *stage) {
    tf_buf text = {0};
    tf_buf_addc(&text, '[');
    for (const contents_table *table = stage->table; table < stage->table + stage->tables; table++) {
        tf_buf_adds(&text, table > stage->table ? ",{\"path\":" : "{\"path\":");
        tf_buf_add_json(&text, table->path, strlen(table->path));
        tf_buf_addf(&text, ",\"offset\":\"%" PRId64 "\",\"rows\":\"%" PRId64 "\",\"row_bytes\":\"%" PRId64 "\"}",
                    table->offset, table->rows, table->row_bytes);
    }
    tf_buf_addc(&text, ']');
    cJSON_AddRawToObject(json, "datasets", text.data);
    tf_buf_free(&text);
}

static cJSON *stage_json(const contents_stage *stage) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", stage->name);
    cJSON_AddStringToObject(json, "fingerprint", stage->fingerprint);
    add_integer(json, "tasks", stage->tasks);
    cJSON_AddBoolToObject(json, "finished", stage->finished);
    cJSON_AddItemToObject(json, "code", code_json(&stage->code));
    add_tables(json, stage);
    return json;
}

static void write_json(const contents *c, bool dirty, tf_buf *out) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "format", "taskfarm journal");
    cJSON_AddNumberToObject(json, "format_version", 1);
    cJSON_AddBoolToObject(json, "dirty", dirty);
    add_integer(json, "run", c->run);
    cJSON *names = cJSON_AddArrayToObject(json, "manifest");
    for (int n = 0; n < c->names; n++)
        cJSON_AddItemToArray(names, cJSON_CreateString(c->name[n]));
    cJSON_AddNumberToObject(json, "elapsed", c->elapsed);
    if (c->runs)
        cJSON_AddStringToObject(json, "runs", c->runs);
    cJSON *stages = cJSON_AddArrayToObject(json, "stages");
    for (int s = 0; s < c->stages; s++)
        cJSON_AddItemToArray(stages, stage_json(&c->stage[s]));
    char *text = cJSON_PrintUnformatted(json);
    tf_buf_addf(out, "%016" PRIx64 "\n%s\n", tf_hash(text, strlen(text), 0), text);
    cJSON_free(text);
    cJSON_Delete(json);
}

tf_err journal_write(const char *output, const char *name, const contents *c, bool dirty, tf_error *error) {
    int folder = folder_open(output, error);
    if (folder < 0)
        return error->code;
    tf_buf text = {0};
    write_json(c, dirty, &text);
    int failure = folder_replace(folder, name, text.data, text.length, true);
    close(folder);
    tf_buf_free(&text);
    return failure ? folder_failed(output, name, failure, error) : TF_OK;
}

/* ---- Reading ---- */

static int64_t integer_at(const cJSON *object, const char *key) {
    int64_t value = 0;
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    if (text)
        tf_parse_int(text, &value);
    return value;
}

static char *text_at(const cJSON *object, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return strdup(text ? text : "");
}

static void read_stage(const cJSON *json, contents_stage *stage) {
    const cJSON *tables = cJSON_GetObjectItemCaseSensitive(json, "datasets");
    *stage = (contents_stage){.name = text_at(json, "name"),
                              .fingerprint = text_at(json, "fingerprint"),
                              .tasks = integer_at(json, "tasks"),
                              .finished = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "finished"))};
    code_parse(cJSON_GetObjectItemCaseSensitive(json, "code"), stage->tasks, &stage->code);
    stage->table = tf_alloc_array((size_t)cJSON_GetArraySize(tables), sizeof *stage->table);
    for (const cJSON *table = tables ? tables->child : NULL; table; table = table->next) {
        stage->table[stage->tables++] = (contents_table){.path = text_at(table, "path"),
                                                         .offset = integer_at(table, "offset"),
                                                         .rows = integer_at(table, "rows"),
                                                         .row_bytes = integer_at(table, "row_bytes")};
    }
}

/* The JSON of a journal whose checksum is right; NULL otherwise. */
static cJSON *parse(const tf_buf *text) {
    enum { DIGITS = 16 };
    uint64_t check;
    if (text->length < DIGITS + 2 || text->data[DIGITS] != '\n' || text->data[text->length - 1] != '\n' ||
        sscanf(text->data, "%16" SCNx64, &check) != 1)
        return NULL;
    const char *json = text->data + DIGITS + 1;
    size_t length = text->length - DIGITS - 2;
    return tf_hash(json, length, 0) == check ? cJSON_ParseWithLength(json, length) : NULL;
}

static tf_err damaged(const char *output, tf_error *error) {
    tf_buf path = {0};
    folder_path(output, "journal", &path);
    tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_INCOMPLETE, "%s: is damaged", path.data);
    tf_buf_free(&path);
    return error->code;
}

static bool is_missing(int failure) {
    return failure == ENOENT || failure == ENOTDIR;
}

/* While a new file takes the output's place, the journal that goes with it has another name for a moment, or until the
 * next run if it was killed in that moment. 0 or an errno. */
static int read_text(int folder, tf_buf *text) {
    if (faccessat(folder, "journal.next", F_OK, AT_SYMLINK_NOFOLLOW) == 0 &&
        faccessat(folder, "new.h5", F_OK, AT_SYMLINK_NOFOLLOW) != 0) {
        int failure = folder_read(folder, "journal.next", text);
        if (failure != ENOENT)
            return failure;
    }
    return folder_read(folder, "journal", text);
}

tf_err journal_read(const char *output, contents *c, bool *dirty, bool *there, tf_error *error) {
    tf_buf text = {0};
    *there = false;
    int folder = folder_open_any(output);
    if (folder < 0)
        return is_missing(errno) ? TF_OK : folder_failed(output, NULL, errno, error);
    int failure = read_text(folder, &text);
    close(folder);
    cJSON *json = failure ? NULL : parse(&text);
    *there = !failure;
    tf_err err = TF_OK;
    if (failure && !is_missing(failure))
        err = folder_failed(output, "journal", failure, error);
    else if (!failure && !json)
        err = damaged(output, error);
    if (json) {
        const cJSON *stages = cJSON_GetObjectItemCaseSensitive(json, "stages");
        *dirty = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "dirty"));
        *c = (contents){.run = integer_at(json, "run"),
                        .elapsed = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "elapsed"))};
        const char *runs = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "runs"));
        c->runs = runs ? strdup(runs) : NULL;
        const cJSON *names = cJSON_GetObjectItemCaseSensitive(json, "manifest");
        c->name = tf_alloc_array((size_t)cJSON_GetArraySize(names), sizeof *c->name);
        for (const cJSON *name = names ? names->child : NULL; name; name = name->next)
            c->name[c->names++] = strdup(cJSON_IsString(name) ? name->valuestring : "");
        c->stage = tf_alloc_array((size_t)cJSON_GetArraySize(stages), sizeof *c->stage);
        for (const cJSON *stage = stages ? stages->child : NULL; stage; stage = stage->next)
            read_stage(stage, &c->stage[c->stages++]);
    }
    cJSON_Delete(json);
    tf_buf_free(&text);
    return err;
}
