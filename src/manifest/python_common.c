/* Common values of Python functions, as far as their contents go. */
#include "manifest/python_common.h"
#include "manifest/manifest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
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

void python_identify_common(const struct tf_stage_spec *stage, cJSON *object) {
    const tf_python_spec *python = stage->run.python;
    for (int n = 0; n < python->commons; n++) {
        char hash[24];
        hash_file(python->common[n].path, hash);
        cJSON_AddStringToObject(object, python->common[n].name, hash);
    }
}
