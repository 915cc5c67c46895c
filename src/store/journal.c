/* The journal (see journal.h) is a line of JSON, after a line with its checksum. */
#include "store/journal.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void journal_folder(const char *output, tf_buf *path) {
    tf_buf_addf(path, "%s.d", output);
}

void journal_path(const char *output, const char *name, tf_buf *path) {
    journal_folder(output, path);
    tf_buf_addf(path, "/%s", name);
}

/* ---- The folder ---- */

/* All entries of the folder but those called `keep` or `also`. */
static tf_err remove_all_but(const char *output, const char *keep, const char *also, tf_error *error) {
    tf_buf folder = {0}, path = {0};
    journal_folder(output, &folder);
    DIR *dir = opendir(folder.data);
    int failure = dir || errno == ENOENT ? 0 : errno;
    for (const struct dirent *entry; dir && !failure && (entry = readdir(dir));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || strcmp(entry->d_name, keep) == 0 ||
            strcmp(entry->d_name, also) == 0 || strcmp(entry->d_name, "lock") == 0)
            continue;
        tf_buf_clear(&path);
        tf_buf_addf(&path, "%s/%s", folder.data, entry->d_name);
        failure = tf_remove_tree(path.data);
    }
    if (dir)
        closedir(dir);
    if (failure)
        tf_error_set(error, TF_ERR_RUN, "%s: can't be removed: %s", path.length ? path.data : folder.data,
                     strerror(failure));
    tf_buf_free(&folder);
    tf_buf_free(&path);
    return failure ? error->code : TF_OK;
}

tf_err journal_remove_runs(const char *output, int64_t run, tf_error *error) {
    char keep[40];
    snprintf(keep, sizeof keep, "run-%lld", (long long)run);
    return remove_all_but(output, keep, "journal", error);
}

void journal_leave_folder(const char *output, int *lock) {
    tf_buf path = {0};
    if (*lock < 0)
        return;
    journal_folder(output, &path);
    size_t folder = path.length;
    tf_buf_adds(&path, "/lock");
    unlink(path.data); /* while we hold it: who opens it from now on makes another */
    close(*lock);
    *lock = -1;
    path.data[folder] = '\0';
    rmdir(path.data); /* not if another run has come meanwhile */
    tf_buf_free(&path);
}

tf_err journal_remove_folder(const char *output, int *lock, tf_error *error) {
    tf_err err = remove_all_but(output, "journal", "", error); /* as long as there are texts there is a journal */
    if (err == TF_OK)
        err = remove_all_but(output, "", "", error);
    if (err == TF_OK)
        journal_leave_folder(output, lock);
    return err;
}

/* ---- Writing ---- */

/* Numbers beyond 2^53 would not survive as JSON numbers. */
static void add_integer(cJSON *object, const char *key, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    cJSON_AddStringToObject(object, key, text);
}

static cJSON *stage_json(const contents_stage *stage) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", stage->name);
    cJSON_AddStringToObject(json, "fingerprint", stage->fingerprint);
    add_integer(json, "tasks", stage->tasks);
    cJSON_AddBoolToObject(json, "finished", stage->finished);
    cJSON *tables = cJSON_AddArrayToObject(json, "datasets");
    for (int t = 0; t < stage->tables; t++) {
        cJSON *table = cJSON_CreateObject();
        cJSON_AddStringToObject(table, "path", stage->table[t].path);
        add_integer(table, "offset", stage->table[t].offset);
        add_integer(table, "rows", stage->table[t].rows);
        add_integer(table, "row_bytes", stage->table[t].row_bytes);
        cJSON_AddItemToArray(tables, table);
    }
    return json;
}

static void build(const contents *c, bool dirty, tf_buf *out) {
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

/* 0 or an errno. */
static int write_file(const char *path, const tf_buf *bytes) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return errno;
    int failure = 0;
    for (size_t done = 0; done < bytes->length && !failure;) {
        ssize_t put = write(fd, bytes->data + done, bytes->length - done);
        if (put > 0)
            done += (size_t)put;
        else if (put == 0 || errno != EINTR)
            failure = put == 0 ? ENOSPC : errno;
    }
    if (!failure && fdatasync(fd) != 0)
        failure = errno;
    if (close(fd) != 0 && !failure)
        failure = errno;
    return failure;
}

tf_err journal_write(const char *output, const char *name, const contents *c, bool dirty, tf_error *error) {
    tf_buf text = {0}, path = {0}, next = {0};
    build(c, dirty, &text);
    journal_path(output, name, &path);
    journal_path(output, "journal.new", &next);
    int failure = write_file(next.data, &text);
    if (!failure && rename(next.data, path.data) != 0)
        failure = errno;
    if (failure)
        tf_error_set(error, TF_ERR_RUN, "%s: %s", path.data, strerror(failure));
    tf_buf_free(&text);
    tf_buf_free(&path);
    tf_buf_free(&next);
    return failure ? error->code : TF_OK;
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

tf_err journal_read(const char *output, contents *c, bool *dirty, bool *there, tf_error *error) {
    tf_buf path = {0}, text = {0};
    journal_path(output, "journal", &path);
    int failure = tf_read_file(path.data, &text);
    tf_err err = TF_OK;
    cJSON *json = failure ? NULL : parse(&text);
    *there = json != NULL;
    if (failure && failure != ENOENT && failure != ENOTDIR)
        err = tf_error_set(error, TF_ERR_RUN, "%s: %s", path.data, strerror(failure));
    else if (!failure && !json)
        err =
            tf_error_set(error, TF_ERR_RUN, "%s: is damaged; --fresh sets the output aside and starts anew", path.data);
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
    tf_buf_free(&path);
    tf_buf_free(&text);
    return err;
}
