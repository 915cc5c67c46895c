/* Manifests from texts, with the files that they name in a table. */
#ifndef TF_TESTS_FIXTURE_H
#define TF_TESTS_FIXTURE_H

#include <criterion/criterion.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>

#include "manifest/manifest.h"

typedef struct fixture_file {
    const char *path, *text;
} fixture_file;

/* A source over a table of files that ends with a NULL path; the manifest itself is "test.json". */
typedef struct fixture {
    tf_source source;
    const char *manifest;
    const fixture_file *files; /* NULL: none */
    int reads;
} fixture;

static int fixture_read(tf_source *self, const char *path, tf_buf *out) {
    fixture *f = (fixture *)self;
    f->reads++;
    if (strcmp(path, "/work/test.json") == 0) {
        tf_buf_adds(out, f->manifest);
        return 0;
    }
    for (const fixture_file *file = f->files; file && file->path; file++) {
        if (strcmp(file->path, path) == 0) {
            tf_buf_adds(out, file->text);
            return 0;
        }
    }
    return ENOENT;
}

static int fixture_glob(tf_source *self, const char *pattern, tf_buf *out) {
    fixture *f = (fixture *)self;
    for (const fixture_file *file = f->files; file && file->path; file++)
        if (fnmatch(pattern, file->path, FNM_PATHNAME) == 0)
            tf_buf_add(out, file->path, strlen(file->path) + 1);
    return 0;
}

static inline fixture fixture_new(const char *manifest, const fixture_file *files) {
    return (fixture){.source = {.read = fixture_read, .glob = fixture_glob}, .manifest = manifest, .files = files};
}

static inline tf_load_options fixture_options(void) {
    return (tf_load_options){.path = "/work/test.json", .display = "test.json", .workdir = "/work"};
}

/* The campaign of a manifest that is right. */
static inline tf_campaign *fixture_load(const char *manifest, const fixture_file *files) {
    fixture f = fixture_new(manifest, files);
    tf_load_options options = fixture_options();
    tf_diags diags = {.file = "test.json"};
    tf_campaign *campaign = tf_campaign_load(&options, &f.source, &diags);
    cr_assert_not_null(campaign, "%s", tf_buf_text(&diags.lines));
    tf_diags_free(&diags);
    return campaign;
}

/* The value of a parameter at a point, as text. */
static inline void fixture_value(const tf_space *space, int param, int64_t point, tf_buf *out) {
    _Alignas(8) char value[8];
    tf_space_fill(space, param, point, 1, value);
    switch (tf_space_param(space, param)->type) {
    case TF_INT64: tf_buf_addf(out, "%lld", (long long)*(int64_t *)(void *)value); break;
    case TF_FLOAT64: tf_buf_add_double(out, *(double *)(void *)value); break;
    case TF_BOOL: tf_buf_adds(out, *value ? "true" : "false"); break;
    default: tf_buf_addf(out, "'%s'", *(const char **)(void *)value);
    }
}

/* All points as text: "a=1 b='x'; a=2 b='y'". */
static inline void fixture_points(const tf_space *space, tf_buf *out) {
    for (int64_t i = 0; i < tf_space_size(space); i++) {
        tf_buf_adds(out, i ? "; " : "");
        for (int p = 0; p < tf_space_params(space); p++) {
            tf_buf_addf(out, "%s%s=", p ? " " : "", tf_space_param(space, p)->name);
            fixture_value(space, p, i, out);
        }
    }
}

#endif
