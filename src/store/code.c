/* Which rows are of which code (see code.h). */
#include "store/code.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/code.h"

void code_free(code_history *h) {
    for (int v = 0; v < h->versions; v++) {
        tf_intervals_free(&h->version[v].rows);
        free(h->version[v].files);
    }
    free(h->version);
    *h = (code_history){0};
}

code_version *code_add_version(code_history *h, uint64_t hash, int64_t run, const char *files) {
    h->version = tf_realloc_array(h->version, (size_t)h->versions + 1, sizeof *h->version);
    code_version *version = &h->version[h->versions++];
    *version = (code_version){.hash = hash, .run = run, .files = strdup(files)};
    return version;
}

void code_copy(code_history *to, const code_history *from) {
    for (int v = 0; v < from->versions; v++) {
        const code_version *version = &from->version[v];
        tf_intervals_add_all(&code_add_version(to, version->hash, version->run, version->files)->rows, &version->rows);
    }
}

static bool has_same_rows(const tf_intervals *a, const tf_intervals *b) {
    return a->count == b->count && (a->count == 0 || memcmp(a->items, b->items, a->count * sizeof *a->items) == 0);
}

bool code_equal(const code_history *a, const code_history *b) {
    bool equal = a->versions == b->versions;
    for (int v = 0; v < a->versions && equal; v++)
        equal = a->version[v].hash == b->version[v].hash && a->version[v].run == b->version[v].run &&
                strcmp(a->version[v].files, b->version[v].files) == 0 &&
                has_same_rows(&a->version[v].rows, &b->version[v].rows);
    return equal;
}

/* ---- From run to run ---- */

/* Those of `rows` that are kept, where they are now. */
static void move_rows(const tf_intervals *rows, const tf_intervals *kept, const int64_t *place, tf_intervals *out) {
    tf_intervals gone = {0}, left = {0};
    tf_intervals_add_all(&left, rows);
    tf_intervals_add_all(&gone, rows);
    tf_intervals_remove_all(&gone, kept);
    tf_intervals_remove_all(&left, &gone);
    if (!place)
        tf_intervals_add_all(out, &left);
    for (size_t n = 0; place && n < left.count; n++)
        for (int64_t i = left.items[n].first; i < left.items[n].end; i++)
            tf_intervals_add(out, place[i], place[i] + 1);
    tf_intervals_free(&gone);
    tf_intervals_free(&left);
}

void code_go_on(const code_history *old, const char *files, int64_t run, const tf_intervals *kept, const int64_t *place,
                code_history *out) {
    const uint64_t hash = tf_code_hash(files);
    tf_intervals rest = {0};
    code_version now = {.hash = hash, .run = run, .files = (char *)(uintptr_t)files};
    tf_intervals_add_all(&rest, kept);
    for (int v = 0; v < old->versions; v++) {
        const code_version *version = &old->version[v];
        const bool last = v == old->versions - 1;
        if (version->hash == hash)
            now = *version;
        if (!last)
            tf_intervals_remove_all(&rest, &version->rows);
        tf_intervals rows = {0};
        move_rows(last ? &rest : &version->rows, kept, place, &rows);
        if (version->hash != hash && rows.total > 0)
            tf_intervals_add_all(&code_add_version(out, version->hash, version->run, version->files)->rows, &rows);
        tf_intervals_free(&rows);
    }
    const bool has_code = strcmp(files, "[]") != 0;
    if (old->versions == 0 && kept->total > 0 && has_code)
        move_rows(kept, kept, place, &code_add_version(out, 0, 0, "[]")->rows);
    code_add_version(out, now.hash, now.run, now.files);
    tf_intervals_free(&rest);
}

void code_drop_rows(code_history *h, const tf_intervals *rows) {
    int left = 0;
    for (int v = 0; v < h->versions; v++) {
        code_version *version = &h->version[v];
        tf_intervals_remove_all(&version->rows, rows);
        if (v == h->versions - 1 || version->rows.total > 0) {
            h->version[left++] = *version;
            continue;
        }
        tf_intervals_free(&version->rows);
        free(version->files);
    }
    h->versions = left;
}

int64_t code_other_rows(const code_history *h, tf_intervals *other) {
    int64_t unknown = 0;
    for (int v = 0; v < h->versions - 1; v++) {
        if (h->version[v].hash)
            tf_intervals_add_all(other, &h->version[v].rows);
        else
            unknown += h->version[v].rows.total;
    }
    return unknown;
}

void code_changed_files(const code_history *h, tf_buf *names) {
    for (int v = 0; v < h->versions - 1; v++)
        if (h->version[v].hash)
            tf_code_changed(h->version[v].files, h->version[h->versions - 1].files, names);
}

/* ---- In the journal ---- */

static void add_integer(cJSON *list, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    cJSON_AddItemToArray(list, cJSON_CreateString(text));
}

/* [[hash, run, files, first, end, first, end ...], ...] */
cJSON *code_json(const code_history *h) {
    cJSON *json = cJSON_CreateArray();
    for (int v = 0; v < h->versions; v++) {
        const code_version *version = &h->version[v];
        cJSON *item = cJSON_CreateArray();
        add_integer(item, (int64_t)version->hash);
        add_integer(item, version->run);
        cJSON_AddItemToArray(item, cJSON_CreateString(version->files));
        for (size_t n = 0; n < version->rows.count; n++) {
            add_integer(item, version->rows.items[n].first);
            add_integer(item, version->rows.items[n].end);
        }
        cJSON_AddItemToArray(json, item);
    }
    return json;
}

/* The next of a list; false if it is no number. */
static bool read_integer(const cJSON **item, int64_t *value) {
    const char *text = cJSON_GetStringValue(*item);
    *item = *item ? (*item)->next : NULL;
    return text && tf_parse_int(text, value);
}

bool code_add_rows(code_version *version, int64_t first, int64_t end, int64_t tasks) {
    if (first < 0 || first >= end || end > tasks)
        return false;
    tf_intervals_add(&version->rows, first, end);
    return true;
}

static bool parse_version(const cJSON *json, int64_t tasks, code_history *h) {
    const cJSON *item = cJSON_IsArray(json) ? json->child : NULL;
    int64_t hash, run, first, end;
    if (!read_integer(&item, &hash) || !read_integer(&item, &run) || !item || !item->valuestring)
        return false;
    code_version *version = code_add_version(h, (uint64_t)hash, run, item->valuestring);
    for (item = item->next; item;)
        if (!read_integer(&item, &first) || !read_integer(&item, &end) || !code_add_rows(version, first, end, tasks))
            return false;
    return true;
}

void code_parse(const cJSON *json, int64_t tasks, code_history *h) {
    bool good = true;
    for (const cJSON *item = json ? json->child : NULL; item && good; item = item->next)
        good = parse_version(item, tasks, h);
    if (!good)
        code_free(h);
}
