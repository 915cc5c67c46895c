/* Items of a list of code (see code_list.h). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "manifest/code_list.h"

const char *code_text(const cJSON *item, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, key));
    return text ? text : "";
}

const cJSON *code_find(const cJSON *list, const char *path) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) if (strcmp(code_text(item, "path"), path) == 0) return item;
    return NULL;
}

bool code_has_same(const cJSON *a, const cJSON *b, const char *key) {
    return strcmp(code_text(a, key), code_text(b, key)) == 0;
}

static void add_number(cJSON *object, const char *key, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    cJSON_AddStringToObject(object, key, text);
}

void code_add_stamp(cJSON *item, const struct stat *info) {
    const double settled = 2; /* s */
    const bool is_settled = (double)info->st_mtim.tv_sec + settled < tf_wall();
    add_number(item, "size", info->st_size);
    add_number(item, "time", is_settled ? info->st_mtim.tv_sec * INT64_C(1000000000) + info->st_mtim.tv_nsec : 0);
    add_number(item, "inode", (int64_t)info->st_ino);
}

bool code_has_same_stamp(const cJSON *a, const cJSON *b) {
    return strcmp(code_text(a, "time"), "0") != 0 && code_has_same(a, b, "size") && code_has_same(a, b, "time") &&
           code_has_same(a, b, "inode");
}

bool code_has_stamp(const cJSON *item) {
    struct stat info;
    const char *where = code_text(item, "where");
    if (stat(*where ? where : code_text(item, "path"), &info) != 0)
        return false;
    cJSON *now = cJSON_CreateObject();
    code_add_stamp(now, &info);
    const bool same = code_has_same_stamp(item, now);
    cJSON_Delete(now);
    return same;
}

void code_find_program(const char *name, tf_buf *where) {
    const char *path = getenv("PATH");
    tf_buf_clear(where);
    if (strchr(name, '/')) {
        tf_buf_adds(where, name);
        return;
    }
    for (size_t length; path && *path; path += length + (path[length] == ':')) {
        length = strcspn(path, ":");
        tf_buf_clear(where);
        tf_buf_addf(where, "%.*s/%s", (int)length, length ? path : ".", name);
        if (access(where->data, X_OK) == 0)
            return;
    }
    tf_buf_clear(where);
}
