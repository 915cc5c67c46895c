/* An output as it is read: its stages, and of each the fields that tasks have. */
#include "store/read/reader.h"

#include <stdlib.h>
#include <string.h>

#include "store/access.h"

/* Those of the manifest first, in its order; then those of an earlier one. */
static bool open_stages(tf_reader *o, h5_fault *fault) {
    const contents *c = &o->old.contents;
    bool good = true;
    for (int n = 0; n < c->names && good; n++) {
        const contents_stage *stage = contents_find(c, c->name[n]);
        if (stage && tf_reader_find(o, c->name[n]) < 0)
            good = reader_open_stage(o, stage, fault);
    }
    for (int s = 0; s < c->stages && good; s++)
        if (tf_reader_find(o, c->stage[s].name) < 0)
            good = reader_open_stage(o, &c->stage[s], fault);
    for (int s = 0; s < o->stages && good; s++)
        good = reader_open_reductions(o, s, fault);
    return good;
}

/* ---- Opening ---- */

static tf_err map_side(void *context, int fd, const char *path, tf_error *error) {
    tf_reader *o = context;
    mapping m = {0};
    if (side_map_file(fd, path, &m.bytes, &m.size, error) != TF_OK)
        return error->code;
    o->side = tf_realloc_array(o->side, (size_t)o->sides + 1, sizeof *o->side);
    o->side[o->sides++] = m;
    return TF_OK;
}

/* Side files go when their run ends: they are mapped while they are there. */
static tf_err open_all(tf_reader *o, const char *path, int may, tf_error *error) {
    tf_err err = old_open(path, may, &o->old, error);
    if (err == TF_OK && o->old.dirty)
        err = tf_error_set_as(
            error, TF_ERR_RUN, TF_DIAG_OUTPUT_INCOMPLETE,
            "%s: its run was killed while the file was changed; run the same command again to repair it", path);
    else if (err == TF_OK && o->old.fd < 0)
        err = old_missing(path, error);
    if (err == TF_OK && (o->file = store_open_file(path, NULL)) < 0)
        err = tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_FILE_UNREADABLE, "%s: can't be opened", path);
    h5_fault fault = {0};
    if (err == TF_OK)
        h5_number_attribute(o->file, "seed", H5T_NATIVE_UINT64, &o->seed, &fault);
    if (err == TF_OK && (*fault.text || !open_stages(o, &fault)))
        err = old_damaged(path, &fault, error);
    return err == TF_OK ? old_each_side(&o->old, map_side, o, error) : err;
}

static void close_all(tf_reader *o) {
    for (int s = 0; s < o->tables; s++) {
        for (int f = 0; f < o->stage[s].fields; f++) {
            store_close_table(&o->stage[s].field[f].rows);
            store_close_table(&o->stage[s].field[f].byte_heap);
            free(o->stage[s].field[f].side.items);
        }
        tf_table_free(&o->stage[s].named);
        free(o->stage[s].run);
    }
    free(o->stage);
    o->stage = NULL;
    o->stages = o->tables = 0;
    for (int i = 0; i < o->sides; i++)
        side_unmap(o->side[i].bytes, o->side[i].size);
    free(o->side);
    o->side = NULL;
    o->sides = 0;
    if (o->file >= 0)
        H5Fclose(o->file);
    o->file = -1;
    old_close(&o->old);
}

static tf_reader *open_reader(const char *path, int may, tf_error *error) {
    tf_store_init();
    tf_reader *o = tf_alloc(sizeof *o);
    *o = (tf_reader){.arena = tf_arena_new(), .file = -1, .old = {.fd = -1}};
    path = tf_arena_strdup(o->arena, path);
    old_look once = {0};
    tf_err err;
    do {
        close_all(o);
        old_look_begin(&once, path);
        err = open_all(o, path, may, error);
    } while (old_look_again(&once, path, err == TF_OK));
    if (err == TF_OK)
        return o;
    tf_reader_close(o);
    return NULL;
}

tf_reader *tf_reader_open(const char *path, tf_error *error) {
    return open_reader(path, 0, error);
}

tf_reader *tf_reader_open_own(const char *path, tf_error *error) {
    return open_reader(path, OLD_TRUSTS, error);
}

void tf_reader_close(tf_reader *o) {
    if (!o)
        return;
    close_all(o);
    tf_arena_free(o->arena);
    free(o);
}

/* ---- What there is ---- */

const char *tf_reader_text(const tf_reader *o, const char *attribute) {
    if (strcmp(attribute, "runs") == 0 && o->old.contents.runs)
        return o->old.contents.runs; /* of a run that goes on, too */
    char *text = h5_text_attribute(o->file, attribute, &(h5_fault){0});
    const char *kept = tf_arena_strdup(o->arena, text ? text : "");
    free(text);
    return kept;
}

const old_output *reader_output(const tf_reader *o) {
    return &o->old;
}

uint64_t tf_reader_seed(const tf_reader *o) {
    return o->seed;
}

int tf_reader_stages(const tf_reader *o) {
    return o->stages;
}

const char *tf_reader_stage(const tf_reader *o, int stage) {
    return o->stage[stage].contents->name;
}

int tf_reader_find(const tf_reader *o, const char *name) {
    for (int s = 0; s < o->stages; s++)
        if (strcmp(o->stage[s].contents->name, name) == 0)
            return s;
    return -1;
}

int64_t tf_reader_tasks(const tf_reader *o, int stage) {
    return o->stage[stage].rows;
}

bool tf_reader_is_finished(const tf_reader *o, int stage) {
    return o->stage[stage].contents->finished;
}

int tf_reader_reductions(const tf_reader *o, int stage) {
    return o->stage[stage].reductions;
}

int tf_reader_reduction(const tf_reader *o, int stage, int number) {
    return o->stage[stage].reduction + number;
}

int tf_reader_find_reduction(const tf_reader *o, int stage, const char *name) {
    const reader_stage *its = &o->stage[stage];
    for (int t = its->reduction; t < its->reduction + its->reductions; t++)
        if (strcmp(o->stage[t].name + strlen(its->contents->name) + 1, name) == 0)
            return t;
    return -1;
}

const char *tf_reader_reduction_name(const tf_reader *o, int reduction) {
    return o->stage[reduction].name;
}

const char *tf_reader_settings(const tf_reader *o, int reduction) {
    return o->stage[reduction].settings;
}

const char *tf_reader_code(const tf_reader *o, int stage) {
    const code_history *code = &o->stage[stage].contents->code;
    return code->versions ? code->version[code->versions - 1].files : "[]";
}

const char *tf_reader_fingerprint(const tf_reader *o, int stage) {
    return o->stage[stage].contents->fingerprint;
}

const char *tf_reader_run(const tf_reader *o, int stage) {
    return o->stage[stage].run ? o->stage[stage].run : "";
}

int tf_reader_fields(const tf_reader *o, int stage) {
    return o->stage[stage].fields;
}

const tf_field *tf_reader_field(const tf_reader *o, int stage, int field) {
    return &o->stage[stage].field[field].about;
}

int tf_reader_record(const tf_reader *o, int stage, const char *dataset) {
    for (int f = 0; f < o->stage[stage].fields; f++) {
        const tf_field *field = &o->stage[stage].field[f].about;
        if ((field->kind == TF_FIELD_TASK || field->kind == TF_FIELD_TEXT) && strcmp(field->dataset, dataset) == 0)
            return f;
    }
    return -1;
}
