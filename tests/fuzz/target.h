/* What libFuzzer targets share: a file system of one text. */
#ifndef TF_TESTS_FUZZ_TARGET_H
#define TF_TESTS_FUZZ_TARGET_H

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A manifest, and what every other file contains. */
typedef struct texts {
    tf_source source;
    const char *manifest, *other;
    size_t manifest_size, other_size;
} texts;

static int texts_read(tf_source *self, const char *path, tf_buf *out) {
    const texts *t = (const texts *)self;
    if (strcmp(path, "/work/test.json") == 0)
        tf_buf_add(out, t->manifest, t->manifest_size);
    else
        tf_buf_add(out, t->other, t->other_size);
    return 0;
}

static int texts_glob(tf_source *self, const char *pattern, tf_buf *out) {
    (void)self, (void)pattern;
    static const char names[] = "a_1\0b_2";
    tf_buf_add(out, names, sizeof names);
    return 0;
}

static inline texts texts_of(const char *manifest, size_t manifest_size, const char *other, size_t other_size) {
    return (texts){.source = {.read = texts_read, .glob = texts_glob},
                   .manifest = manifest,
                   .manifest_size = manifest_size,
                   .other = other,
                   .other_size = other_size};
}

/* The campaign, NULL if the manifest is wrong. */
static inline tf_campaign *texts_load_from(texts *t) {
    tf_load_options options = {.path = "/work/test.json", .display = "test.json", .workdir = "/work"};
    tf_diags diags = {.file = "test.json"};
    tf_campaign *campaign = tf_campaign_load(&options, &t->source, &diags);
    if (!campaign && diags.count == 0)
        abort(); /* a refusal has a reason */
    tf_diags_free(&diags);
    return campaign;
}

static inline tf_campaign *texts_load(const char *manifest, size_t manifest_size, const char *other,
                                      size_t other_size) {
    texts t = texts_of(manifest, manifest_size, other, other_size);
    return texts_load_from(&t);
}

#endif
