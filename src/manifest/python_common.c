/* Common values of Python functions, as far as their contents go. */
#include "manifest/python_common.h"
#include "manifest/code_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads as many bytes as there are room for, but at the end of the file. -1 with errno. */
static ssize_t read_block(int fd, char *bytes, size_t size) {
    size_t length = 0;
    for (ssize_t got = 1; got != 0 && length < size;) {
        got = read(fd, bytes + length, size - length);
        if (got < 0 && errno != EINTR)
            return -1;
        length += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)length;
}

/* A hash of hashes of blocks: the file may be larger than memory. "unreadable" is the hash of what can't be read, which
 * a task will say. */
static void hash_file(const char *path, char text[24]) {
    enum { BLOCK = 1 << 20 };
    int fd, failure = tf_open_regular(path, &fd);
    uint64_t hash = 1;
    char *bytes = tf_alloc(BLOCK);
    for (ssize_t got = 1; got > 0 && !failure;) {
        got = read_block(fd, bytes, BLOCK);
        if (got > 0)
            hash = tf_hash(bytes, (size_t)got, hash);
        failure = got < 0 ? errno : 0;
    }
    free(bytes);
    if (fd >= 0)
        close(fd);
    snprintf(text, 24, "%016" PRIx64, hash);
    if (failure)
        snprintf(text, 24, "unreadable");
}

/* The item of a common value. What its file was when it was hashed last is asked before it is read: if it changes
 * meanwhile, it is hashed again next time. */
static cJSON *make_item(const tf_python_common *common, const cJSON *known) {
    struct stat info;
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "path", common->path);
    cJSON_AddStringToObject(item, "common", common->name);
    if (stat(common->path, &info) == 0)
        code_add_stamp(item, &info);
    const cJSON *before = NULL, *one;
    cJSON_ArrayForEach(one, known) if (strcmp(code_text(one, "path"), common->path) == 0 &&
                                       cJSON_HasObjectItem(one, "contents")) before = one;
    char hash[24];
    if (before && code_has_stamp(before))
        snprintf(hash, sizeof hash, "%.23s", code_text(before, "contents"));
    else
        hash_file(common->path, hash);
    cJSON_AddStringToObject(item, "contents", hash);
    return item;
}

void python_list_common(const tf_stage_spec *stage, const cJSON *known, cJSON *list) {
    const tf_python_spec *python = stage->run.python;
    for (int n = 0; n < python->commons; n++)
        cJSON_AddItemToArray(list, make_item(&python->common[n], known));
}
