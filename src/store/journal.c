/* An entry of the journal (see journal.h) is a line of JSON, after a line with its checksum. */
#include "store/journal.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- Entries ---- */

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

/* Takes the JSON. */
static void add_entry(cJSON *json, tf_buf *out) {
    char *text = cJSON_PrintUnformatted(json);
    tf_buf_addf(out, "%016" PRIx64 "\n", tf_hash(text, strlen(text), 0));
    tf_buf_adds(out, text);
    tf_buf_addc(out, '\n');
    cJSON_free(text);
    cJSON_Delete(json);
}

static void write_all(const contents *c, bool dirty, tf_buf *out) {
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
    add_entry(json, out);
}

static void write_change(const journal_stage *stage, size_t stages, bool dirty, tf_buf *out) {
    cJSON *json = cJSON_CreateObject(), *list;
    cJSON_AddBoolToObject(json, "dirty", dirty);
    list = cJSON_AddArrayToObject(json, "stages");
    for (size_t s = 0; s < stages; s++) {
        cJSON *item = stage[s].whole ? stage_json(stage[s].stage) : cJSON_CreateObject();
        if (!stage[s].whole) {
            cJSON_AddStringToObject(item, "name", stage[s].stage->name);
            cJSON_AddBoolToObject(item, "finished", stage[s].stage->finished);
        }
        cJSON_AddItemToArray(list, item);
    }
    add_entry(json, out);
}

tf_err journal_write(const char *output, const char *name, const contents *c, bool dirty, tf_error *error) {
    int folder = folder_open(output, error);
    if (folder < 0)
        return error->code;
    tf_buf text = {0};
    write_all(c, dirty, &text);
    int failure = folder_replace(folder, name, text.data, text.length, true);
    close(folder);
    tf_buf_free(&text);
    return failure ? folder_failed(output, name, failure, error) : TF_OK;
}

/* Adds an entry, or writes all anew where the journal is not as it was left. The text is freed. */
static tf_err append(const char *output, folder_end *end, const contents *c, tf_buf *text, bool dirty,
                     tf_error *error) {
    static const char name[] = "journal";
    int folder = folder_open(output, error);
    int failure = folder >= 0 ? folder_append(folder, name, end, text->data, text->length) : 0;
    if (failure == ESTALE) {
        tf_buf_clear(text);
        write_all(c, dirty, text);
        failure = folder_replace(folder, name, text->data, text->length, true);
        *end = (folder_end){0};
        if (!failure)
            *end = folder_find_end(folder, name);
    }
    tf_buf_free(text);
    if (folder < 0)
        return error->code;
    close(folder);
    return failure ? folder_failed(output, name, failure, error) : TF_OK;
}

tf_err journal_add(const char *output, folder_end *end, const contents *c, const journal_stage *stage, size_t stages,
                   bool dirty, tf_error *error) {
    tf_buf text = {0};
    write_change(stage, stages, dirty, &text);
    return append(output, end, c, &text, dirty, error);
}

tf_err journal_add_incident(const char *output, folder_end *end, const contents *c, int number, const char *incident,
                            bool dirty, tf_error *error) {
    tf_buf text = {0};
    cJSON *json = cJSON_CreateObject();
    cJSON_AddBoolToObject(json, "dirty", dirty);
    cJSON_AddNumberToObject(json, "number", number);
    cJSON_AddStringToObject(json, "incident", incident);
    add_entry(json, &text);
    return append(output, end, c, &text, dirty, error);
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

/* `stage` has its name and nothing else. */
static void read_stage(const cJSON *json, contents_stage *stage) {
    const cJSON *tables = cJSON_GetObjectItemCaseSensitive(json, "datasets");
    stage->fingerprint = text_at(json, "fingerprint");
    stage->tasks = integer_at(json, "tasks");
    stage->finished = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "finished"));
    code_parse(cJSON_GetObjectItemCaseSensitive(json, "code"), stage->tasks, &stage->code);
    stage->table = tf_alloc_array((size_t)cJSON_GetArraySize(tables), sizeof *stage->table);
    for (const cJSON *table = tables ? tables->child : NULL; table; table = table->next) {
        stage->table[stage->tables++] = (contents_table){.path = text_at(table, "path"),
                                                         .offset = integer_at(table, "offset"),
                                                         .rows = integer_at(table, "rows"),
                                                         .row_bytes = integer_at(table, "row_bytes")};
    }
}

/* What is left of the text behind the entries that have been read. */
typedef struct rest {
    const char *text;
    size_t length;
} rest;

/* The JSON of the next entry; NULL if it is not whole. */
static cJSON *next_entry(rest *r) {
    enum { DIGITS = 16 };
    uint64_t check;
    const char *json = r->text + DIGITS + 1;
    if (r->length < DIGITS + 2 || r->text[DIGITS] != '\n' || sscanf(r->text, "%16" SCNx64, &check) != 1)
        return NULL;
    const char *end = memchr(json, '\n', r->length - DIGITS - 1);
    if (!end || tf_hash(json, (size_t)(end - json), 0) != check)
        return NULL;
    cJSON *entry = cJSON_ParseWithLength(json, (size_t)(end - json));
    if (entry) {
        r->length -= (size_t)(end + 1 - r->text);
        r->text = end + 1;
    }
    return entry;
}

/* Was the rest cut off as it was written? Then its lines are not all there, or, where the machine crashed, some of it
 * is zeros. */
static bool is_cut_off(const rest *r) {
    const char *line = memchr(r->text, '\n', r->length);
    const size_t first = line ? (size_t)(line + 1 - r->text) : 0;
    return !line || !memchr(line + 1, '\n', r->length - first) || memchr(r->text, '\0', r->length);
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

/* The first entry: all contents. */
static void read_all(const cJSON *json, contents *c) {
    const cJSON *stages = cJSON_GetObjectItemCaseSensitive(json, "stages");
    *c = (contents){.run = integer_at(json, "run"),
                    .elapsed = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "elapsed"))};
    const char *runs = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "runs"));
    c->runs = runs ? strdup(runs) : NULL;
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(json, "manifest");
    c->name = tf_alloc_array((size_t)cJSON_GetArraySize(names), sizeof *c->name);
    for (const cJSON *name = names ? names->child : NULL; name; name = name->next)
        c->name[c->names++] = strdup(cJSON_IsString(name) ? name->valuestring : "");
    for (const cJSON *stage = stages ? stages->child : NULL; stage; stage = stage->next)
        read_stage(stage, contents_add(c, text_at(stage, "name")));
}

/* One of the others: stages that have been laid out, or have got blobs, and such that are finished; or an incident. */
static void read_change(const cJSON *json, contents *c) {
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, "number");
    const char *incident = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "incident"));
    if (incident)
        contents_note_incident(c, cJSON_IsNumber(number) ? number->valueint : CONTENTS_NEXT, incident);
    const cJSON *stages = cJSON_GetObjectItemCaseSensitive(json, "stages");
    for (const cJSON *item = stages ? stages->child : NULL; item; item = item->next) {
        char *name = text_at(item, "name");
        contents_stage *stage = contents_find(c, name);
        if (cJSON_HasObjectItem(item, "datasets"))
            read_stage(item, stage ? contents_clear_stage(stage) : contents_add(c, strdup(name)));
        else if (stage)
            stage->finished = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "finished"));
        free(name);
    }
}

/* false: it is damaged. */
static bool read_entries(const tf_buf *text, contents *c, bool *dirty) {
    rest r = {text->data, text->length};
    for (bool first = true; first || r.length > 0; first = false) {
        cJSON *entry = next_entry(&r);
        if (!entry && (first || !is_cut_off(&r)))
            return false;
        const cJSON *state = cJSON_GetObjectItemCaseSensitive(entry, "dirty"); /* the last incident has none */
        *dirty = !entry || (state ? cJSON_IsTrue(state) : *dirty);
        if (!entry)
            return true;
        if (first)
            read_all(entry, c);
        else
            read_change(entry, c);
        cJSON_Delete(entry);
    }
    return true;
}

/* ---- Last words ---- */

/* What is added behind an entry that was cut off can't be read. */
static bool is_whole(const tf_buf *text) {
    rest r = {tf_buf_text(text), text->length};
    cJSON *entry;
    while (r.length > 0 && (entry = next_entry(&r)))
        cJSON_Delete(entry);
    return text->length > 0 && r.length == 0;
}

/* 0 or an errno. */
static int add_behind(int folder, const tf_buf *entry) {
    tf_buf before = {0};
    int failure = folder_read(folder, "journal", &before);
    const bool can = !failure && is_whole(&before);
    tf_buf_free(&before);
    if (!can)
        return failure ? failure : ESTALE;
    const int fd = folder_open_file(folder, "journal", O_WRONLY | O_APPEND);
    if (fd < 0 || write(fd, entry->data, entry->length) != (ssize_t)entry->length || fdatasync(fd) != 0)
        failure = errno ? errno : EIO;
    if (fd >= 0)
        close(fd);
    return failure;
}

tf_err journal_add_last_incident(const char *output, const char *incident, tf_error *error) {
    int folder = folder_open(output, error);
    if (folder < 0)
        return error->code;
    tf_buf text = {0};
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "incident", incident);
    add_entry(json, &text);
    const int failure = add_behind(folder, &text);
    tf_buf_free(&text);
    close(folder);
    return failure ? folder_failed(output, "journal", failure, error) : TF_OK;
}

/* ---- The whole ---- */

tf_err journal_read(const char *output, contents *c, bool *dirty, bool *there, tf_error *error) {
    tf_buf text = {0};
    *there = false;
    int folder = folder_open_any(output);
    if (folder < 0)
        return is_missing(errno) ? TF_OK : folder_failed(output, NULL, errno, error);
    int failure = read_text(folder, &text);
    close(folder);
    *there = !failure;
    tf_err err = TF_OK;
    if (failure && !is_missing(failure))
        err = folder_failed(output, "journal", failure, error);
    if (!failure && !read_entries(&text, c, dirty)) {
        contents_free(c);
        err = damaged(output, error);
    }
    tf_buf_free(&text);
    return err;
}
