/* Contents from an HDF5 file (see contents.h). Metadata is read independently, by one process. */
#include "store/contents.h"

#include <stdlib.h>
#include <string.h>

static void free_stage(contents_stage *stage) {
    for (int t = 0; t < stage->tables; t++)
        free(stage->table[t].path);
    free(stage->table);
    free(stage->name);
    free(stage->fingerprint);
}

void contents_free(contents *c) {
    for (int s = 0; s < c->stages; s++)
        free_stage(&c->stage[s]);
    for (int n = 0; n < c->names; n++)
        free(c->name[n]);
    free(c->name);
    free(c->stage);
    free(c->runs);
    *c = (contents){0};
}

void contents_copy(contents *to, const contents *from) {
    *to = *from;
    to->runs = from->runs ? strdup(from->runs) : NULL;
    to->stage = tf_alloc_array((size_t)from->stages, sizeof *to->stage);
    for (int s = 0; s < from->stages; s++) {
        contents_stage *stage = &to->stage[s];
        *stage = from->stage[s];
        stage->name = strdup(stage->name);
        stage->fingerprint = strdup(stage->fingerprint);
        stage->table = tf_alloc_array((size_t)stage->tables, sizeof *stage->table);
        for (int t = 0; t < stage->tables; t++) {
            stage->table[t] = from->stage[s].table[t];
            stage->table[t].path = strdup(stage->table[t].path);
        }
    }
    to->name = tf_alloc_array((size_t)from->names, sizeof *to->name);
    for (int n = 0; n < from->names; n++)
        to->name[n] = strdup(from->name[n]);
}

void contents_set_names(contents *c, const tf_campaign *campaign) {
    for (int n = 0; n < c->names; n++)
        free(c->name[n]);
    c->names = campaign->stages;
    c->name = tf_realloc_array(c->name, (size_t)c->names, sizeof *c->name);
    for (int n = 0; n < c->names; n++)
        c->name[n] = strdup(campaign->stage[n].name);
}

contents_stage *contents_find(const contents *c, const char *name) {
    for (int s = 0; s < c->stages; s++)
        if (strcmp(c->stage[s].name, name) == 0)
            return &c->stage[s];
    return NULL;
}

const contents_table *contents_table_at(const contents_stage *stage, const char *path) {
    for (int t = 0; t < stage->tables; t++)
        if (strcmp(stage->table[t].path, path) == 0)
            return &stage->table[t];
    return NULL;
}

char *contents_text_attribute(hid_t object, const char *name) {
    if (H5Aexists(object, name) <= 0)
        return NULL;
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT), type = H5Aget_type(attribute),
          space = H5Aget_space(attribute);
    char *value = NULL, *copy = NULL;
    if (H5Tis_variable_str(type) > 0 && H5Sget_simple_extent_npoints(space) == 1 &&
        H5Aread(attribute, type, &value) >= 0 && value)
        copy = strdup(value);
    H5free_memory(value);
    H5Sclose(space);
    H5Tclose(type);
    H5Aclose(attribute);
    return copy;
}

/* ---- One stage ---- */

void contents_place(hid_t dataset, contents_table *table) {
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset), how = H5Dget_create_plist(dataset);
    hsize_t shape[H5S_MAX_RANK] = {0}, chunk[H5S_MAX_RANK] = {0}, none[H5S_MAX_RANK] = {0}, size;
    int rank = H5Sget_simple_extent_dims(space, shape, NULL);
    bool chunked = H5Pget_layout(how) == H5D_CHUNKED && H5Pget_chunk(how, H5S_MAX_RANK, chunk) == rank;
    haddr_t offset = H5Dget_offset(dataset);
    unsigned filters;
    table->row_bytes = (int64_t)H5Tget_size(type);
    table->rows = chunked ? 1 : (int64_t)shape[0];
    for (int d = chunked ? 0 : 1; d < rank; d++) {
        table->row_bytes *= (int64_t)(chunked ? chunk[d] : shape[d]);
        table->rows *= chunked ? (int64_t)((shape[d] - 1) / chunk[d] + 1) : 1;
    }
    if (chunked && H5Dget_chunk_info_by_coord(dataset, none, &filters, &offset, &size) < 0)
        offset = HADDR_UNDEF;
    table->offset = offset == HADDR_UNDEF ? -1 : (int64_t)offset;
    H5Pclose(how);
    H5Tclose(type);
    H5Sclose(space);
}

typedef struct visit {
    contents_stage *stage;
    const char *group;
} visit;

static herr_t add_table(hid_t group, const char *name, const H5L_info_t *info, void *context) {
    (void)info;
    const visit *v = context;
    hid_t dataset = H5Oopen(group, name, H5P_DEFAULT);
    if (H5Iget_type(dataset) != H5I_DATASET) {
        H5Oclose(dataset);
        return 0;
    }
    contents_stage *stage = v->stage;
    stage->table = tf_realloc_array(stage->table, (size_t)stage->tables + 1, sizeof *stage->table);
    contents_table *table = &stage->table[stage->tables++];
    tf_buf path = {0};
    tf_buf_addf(&path, "%s/%s", v->group, name);
    *table = (contents_table){.path = path.data};
    contents_place(dataset, table);
    H5Oclose(dataset);
    return 0;
}

static void read_tables(hid_t group, contents_stage *stage) {
    static const char *const parts[] = {"params", "results", "task", "text"};
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++) {
        if (H5Lexists(group, parts[p], H5P_DEFAULT) <= 0)
            continue;
        hid_t part = H5Gopen2(group, parts[p], H5P_DEFAULT);
        H5Literate(part, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, add_table, &(visit){.stage = stage, .group = parts[p]});
        H5Gclose(part);
    }
}

void contents_read_stage(contents *c, hid_t file, const char *name, const char *fingerprint) {
    contents_stage *old = contents_find(c, name), stage = {.name = strdup(name)};
    hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
    if (group >= 0 && H5Aexists(group, "tasks") > 0) {
        hid_t attribute = H5Aopen(group, "tasks", H5P_DEFAULT);
        H5Aread(attribute, H5T_NATIVE_INT64, &stage.tasks);
        H5Aclose(attribute);
        stage.fingerprint = fingerprint ? strdup(fingerprint) : contents_text_attribute(group, "fingerprint");
    }
    if (!stage.fingerprint)
        stage.fingerprint = strdup("");
    if (group >= 0)
        read_tables(group, &stage);
    H5Gclose(group);
    if (old) {
        stage.finished = old->finished;
        free_stage(old);
        *old = stage;
        return;
    }
    c->stage = tf_realloc_array(c->stage, (size_t)c->stages + 1, sizeof *c->stage);
    c->stage[c->stages++] = stage;
}

/* ---- All of them ---- */

static herr_t add_stage(hid_t file, const char *name, const H5L_info_t *info, void *context) {
    (void)info;
    hid_t object = H5Oopen(file, name, H5P_DEFAULT);
    bool is_group = object >= 0 && H5Iget_type(object) == H5I_GROUP;
    H5Oclose(object);
    if (is_group)
        contents_read_stage(context, file, name, NULL);
    return 0;
}

void contents_read_file(contents *c, hid_t file) {
    H5Literate(file, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, add_stage, c);
}
