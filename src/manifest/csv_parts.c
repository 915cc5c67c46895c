/* The axis of tables that are read in parts: what its files have in common, and where each part begins. */
#include "manifest/csv_parts.h"
#include "manifest/axis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FIELDS = 4096 };

/* The parts of what tf_csv_scan says of a file; it points into those bytes. */
typedef struct known {
    scan_head head;
    const char *fault, *names, *fields, *parts;
} known;

static known parse_scan(const tf_buf *bytes) {
    known k;
    memcpy(&k.head, bytes->data, sizeof k.head);
    k.fault = bytes->data + sizeof k.head;
    k.names = k.fault + k.head.fault;
    k.fields = k.names + k.head.names;
    k.parts = k.fields + (size_t)k.head.fields * sizeof(csv_column);
    return k;
}

/* Reads the columns' names from the first file. false after a diagnostic. */
static bool read_names(struct loader *l, const json_path *where, tf_csv *csv, const char *file, const known *k) {
    if (k->head.fields > MOST_FIELDS) {
        diagnose(l->diags, where, TF_DIAG_TOO_LARGE, "%s: has more than %d columns", file, MOST_FIELDS);
        return false;
    }
    csv->fields = (int)k->head.fields;
    csv->name = tf_arena_array(l->arena, (size_t)csv->fields, sizeof *csv->name);
    csv->reason = tf_arena_array(l->arena, (size_t)csv->fields, sizeof *csv->reason);
    csv->type = tf_arena_array(l->arena, (size_t)csv->fields, sizeof *csv->type);
    csv->width = tf_arena_array(l->arena, (size_t)csv->fields, sizeof *csv->width);
    csv->cell = tf_arena_array(l->arena, (size_t)csv->fields, sizeof *csv->cell);
    const char *next = k->names;
    for (int f = 0; f < csv->fields; f++, next += strlen(next) + 1)
        csv->name[f] = tf_arena_strdup(l->arena, next);
    return csv_check_header(l, where, file, csv->name, csv->fields);
}

static bool match_names(struct loader *l, const json_path *where, const tf_csv *csv, const char *file, const known *k,
                        int *place) {
    const char *next = k->names;
    for (int64_t f = 0; f < k->head.fields; f++, next += strlen(next) + 1) {
        place[f] = 0;
        while (place[f] < csv->fields && strcmp(csv->name[place[f]], next) != 0)
            place[f]++;
        if (place[f] == csv->fields || k->head.fields != csv->fields) {
            diagnose(l->diags, where, TF_DIAG_MISMATCH, "%s: must have the columns of %s", file, csv->path[0]);
            return false;
        }
    }
    return true;
}

/* Adds the parts that begin in the file, and what the last part of the file before has in it. */
static void add_parts(tf_csv *csv, int file, const known *k) {
    csv->file_of = tf_realloc_array(csv->file_of, (size_t)(csv->parts + k->head.parts), sizeof *csv->file_of);
    csv->offset_of = tf_realloc_array(csv->offset_of, (size_t)(csv->parts + k->head.parts), sizeof *csv->offset_of);
    csv->hash = tf_realloc_array(csv->hash, (size_t)(csv->parts + k->head.parts), sizeof *csv->hash);
    for (int64_t p = 0; p < k->head.parts; p++) {
        scan_part part;
        memcpy(&part, k->parts + (size_t)p * sizeof part, sizeof part);
        if (p == 0 && csv->parts > 0 && part.hash)
            csv->hash[csv->parts - 1] = (int64_t)csv_mix_hash((uint64_t)csv->hash[csv->parts - 1], part.hash);
        if (p == 0)
            continue;
        csv->file_of[csv->parts] = file;
        csv->offset_of[csv->parts] = part.offset;
        csv->hash[csv->parts++] = (int64_t)part.hash;
    }
    csv->rows += k->head.rows;
}

/* Adds a file to the table. false after a diagnostic. */
static bool add_file(struct loader *l, const json_path *where, tf_csv *csv, int file, csv_column *all) {
    tf_buf bytes = {0};
    const char *path = csv->path[file];
    int failure = l->source->scan ? l->source->scan(l->source, path, csv->batch, csv->rows, &bytes) : ENOSYS;
    bool sound = failure == 0;
    if (!sound)
        diagnose(l->diags, where, tf_diag_of_read(failure), failure < 0 ? "%s %s" : "%s: %s", path,
                 tf_read_failure(failure));
    known k = sound ? parse_scan(&bytes) : (known){0};
    if (sound && k.head.fault) {
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s%.*s", path, (int)k.head.fault, k.fault);
        sound = false;
    }
    sound = sound && (file > 0 || read_names(l, where, csv, path, &k));
    if (sound) {
        csv->place[file] = tf_arena_array(l->arena, (size_t)k.head.fields, sizeof(int));
        sound = match_names(l, where, csv, path, &k, csv->place[file]);
    }
    for (int64_t f = 0; f < k.head.fields && sound; f++) {
        csv_column one;
        memcpy(&one, k.fields + (size_t)f * sizeof one, sizeof one);
        csv_merge(&all[csv->place[file][f]], &one, file);
    }
    if (sound)
        add_parts(csv, file, &k);
    tf_buf_free(&bytes);
    return sound;
}

/* Chooses integer, number or string for each column by all of its values, as for tables that are read as a whole. false
 * after a diagnostic. */
static bool choose_types(struct loader *l, const json_path *where, const axis_json *axis, tf_csv *csv,
                         const csv_column *all) {
    if (!csv_check_types(l, axis, csv->name, csv->fields))
        return false;
    for (int f = 0; f < csv->fields; f++) {
        tf_param_spec spec = {0};
        if (!csv_choose(l, axis, csv->path, csv->name[f], &all[f], &spec))
            return false;
        csv->type[f] = spec.type;
        csv->reason[f] = spec.reason;
        csv->cell[f] = spec.cell;
        csv->width[f] = csv->type[f] != TF_STRING ? 8 : all[f].longest ? all[f].longest : 1;
        if (csv->width[f] > TF_LONGEST_UPSTREAM) {
            diagnose(l->diags, where, TF_DIAG_TOO_LARGE, "%s: texts of column \"%s\" are longer than %d bytes",
                     csv->path[0], csv->name[f], TF_LONGEST_UPSTREAM);
            return false;
        }
    }
    return true;
}

static tf_csv *load_files_of(struct loader *l, const json_path *where, const axis_json *axis, const char *const *path,
                             int files, int64_t batch) {
    tf_csv *csv = tf_arena_alloc(l->arena, sizeof *csv);
    *csv = (tf_csv){.files = files, .batch = batch};
    csv->path = tf_arena_array(l->arena, (size_t)files, sizeof *csv->path);
    csv->place = tf_arena_array(l->arena, (size_t)files, sizeof *csv->place);
    csv_column *all = tf_alloc_array(MOST_FIELDS, sizeof *all);
    for (int f = 0; f < MOST_FIELDS; f++)
        all[f] = (csv_column)CSV_NO_CELLS;
    bool sound = true;
    for (int f = 0; f < files && sound; f++) {
        csv->path[f] = tf_arena_strdup(l->arena, path[f]);
        sound = add_file(l, where, csv, f, all);
    }
    if (sound && csv->rows == 0)
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s has a header and no records", path[0]);
    sound = sound && csv->rows > 0 && choose_types(l, where, axis, csv, all);
    free(all);
    return sound ? csv : NULL;
}

/* Moves a list to the arena. */
static int64_t *move_to_arena(struct loader *l, int64_t *list, int64_t count) {
    int64_t *moved = tf_arena_array(l->arena, (size_t)count, sizeof *moved);
    if (count > 0)
        memcpy(moved, list, (size_t)count * sizeof *moved);
    free(list);
    return moved;
}

tf_space *load_csv_parts(struct loader *l, const axis_json *axis, const char *const *path, int64_t files,
                         int64_t batch) {
    tf_csv *csv = load_files_of(l, &axis->where, axis, path, (int)files, batch);
    if (!csv)
        return NULL;
    csv->file_of = move_to_arena(l, csv->file_of, csv->parts);
    csv->offset_of = move_to_arena(l, csv->offset_of, csv->parts);
    csv->hash = move_to_arena(l, csv->hash, csv->parts);
    tf_space *leaf = table_new(l->arena, 3, csv->parts);
    int64_t *start = tf_arena_array(l->arena, (size_t)csv->parts, sizeof *start);
    int64_t *count = tf_arena_array(l->arena, (size_t)csv->parts, sizeof *count);
    for (int64_t p = 0; p < csv->parts; p++) {
        start[p] = p * batch;
        count[p] = csv->rows - start[p] < batch ? csv->rows - start[p] : batch;
    }
    const char *const label[] = {"start", "count", "hash"};
    const int64_t *const table[] = {start, count, csv->hash};
    for (int p = 0; p < 3; p++) {
        leaf->param[p].name = tf_arena_printf(l->arena, "%s_%s", axis->name, label[p]);
        table_set(leaf, p, TF_INT64, table[p]);
    }
    leaf->csv = csv;
    leaf->blocks = tf_arena_alloc(l->arena, sizeof *leaf->blocks);
    *leaf->blocks = (space_blocks){.rank = 1, .shape = {csv->rows}, .chunk = {batch}, .name = axis->name};
    return leaf;
}
