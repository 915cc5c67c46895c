/* An output as it is at one moment, whatever becomes of it: a file of its own that needs no folder beside it.
 *
 * A run writes a row's numbers, then its texts, then its status. So statuses are copied first, and all else after the
 * output has been opened anew: a row that is done in the copy has all that belongs to it. */
#include "store/read/reader.h"

#include <stdlib.h>
#include <string.h>

#include "store/access.h"
#include "store/attributes.h"
#include "store/read/copy.h"

enum { AT_ONCE = 1 << 16 /* rows */ };

typedef struct snapshot {
    tf_reader *reader;
    hid_t file;      /* the copy */
    hid_t group;     /* of the stage under way, in the copy */
    uint8_t *status; /* of some rows, as they are in the copy */
} snapshot;

/* ---- Texts that are in side files ---- */

static bool read_statuses(const snapshot *n, int64_t tasks, int64_t first, int64_t count) {
    h5_fault fault = {0};
    table t = {.type = store_status_type(), .rank = 1, .shape = {(hsize_t)tasks}};
    t.dataset = h5_open_dataset(n->group, "task/status", &fault);
    if (t.dataset > 0)
        store_keep_type(&t);
    const bool good = t.dataset > 0 && store_read_rows(&t, first, count, n->status) >= 0;
    store_close_table(&t);
    return good;
}

/* Drops texts of tasks that were pending when the statuses were copied. */
static int64_t note_places(const snapshot *n, const tf_blobs *blobs, int64_t count, int64_t offset, int64_t (*place)[2],
                           tf_buf *kept) {
    tf_buf_clear(kept);
    for (int64_t i = 0; i < count; i++) {
        size_t length;
        const char *text = tf_blobs_at(blobs, i, &length);
        length = n->status[i] == TF_STATUS_PENDING ? 0 : length;
        tf_buf_add(kept, text, length);
        place[i][0] = length ? offset : 0;
        place[i][1] = (int64_t)length;
        offset += (int64_t)length;
    }
    return offset;
}

/* Goes through the texts of a field; writes them if there are tables for them. Returns how many bytes there are, or
 * -1. */
static int64_t each_text(const snapshot *n, int stage, int field, const table *index, const table *heap) {
    const int64_t tasks = tf_reader_tasks(n->reader, stage);
    int64_t(*place)[2] = tf_alloc_array(AT_ONCE, sizeof *place), offset = 0;
    tf_blobs blobs = {0};
    tf_buf kept = {0};
    tf_error error;
    for (int64_t first = 0; first < tasks && offset >= 0; first += AT_ONCE) {
        const int64_t count = tasks - first < AT_ONCE ? tasks - first : AT_ONCE, from = offset;
        bool good = read_statuses(n, tasks, first, count) &&
                    tf_reader_blobs(n->reader, stage, field, first, count, &blobs, &error) == TF_OK;
        if (good)
            offset = note_places(n, &blobs, count, offset, place, &kept);
        if (good && index && heap)
            good = store_write_rows(index, first, count, place) >= 0 &&
                   (kept.length == 0 || store_write_rows(heap, from, offset - from, kept.data) >= 0);
        offset = good ? offset : -1;
    }
    tf_buf_free(&kept);
    tf_blobs_free(&blobs);
    free(place);
    return offset;
}

static bool make_table(hid_t group, const char *name, table *t) {
    hid_t space = H5Screate_simple(t->rank, t->shape, NULL);
    t->dataset = H5Dcreate2(group, name, t->type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Sclose(space);
    return t->dataset >= 0;
}

static bool write_texts(const snapshot *n, int stage, int field) {
    const char *name = tf_reader_field(n->reader, stage, field)->dataset;
    const int64_t bytes = each_text(n, stage, field, NULL, NULL);
    if (bytes <= 0)
        return bytes == 0;
    table index = {.type = H5Tcopy(H5T_STD_I64LE), .rank = 2, .shape = {(hsize_t)tf_reader_tasks(n->reader, stage), 2}};
    table heap = {.type = H5Tcopy(H5T_STD_U8LE), .rank = 1, .shape = {(hsize_t)bytes}};
    hid_t texts = H5Gopen2(n->group, "text", H5P_DEFAULT);
    tf_buf index_name = {0};
    tf_buf_addf(&index_name, "%s_index", name);
    const bool good = texts >= 0 && make_table(texts, index_name.data, &index) && make_table(texts, name, &heap) &&
                      each_text(n, stage, field, &index, &heap) == bytes;
    tf_buf_free(&index_name);
    store_close_table(&heap);
    store_close_table(&index);
    H5Gclose(texts);
    return good;
}

/* ---- A stage ---- */

static bool copy_fields(const snapshot *n, int table_number) {
    const reader_stage *its = &n->reader->stage[table_number];
    bool good = true;
    for (int f = 0; f < its->fields && good; f++) {
        const reader_field *field = &its->field[f];
        if (field->rows.dataset > 0)
            good = copy_dataset(field->rows.dataset, n->file);
        if (good && field->byte_heap.dataset > 0)
            good = copy_dataset(field->byte_heap.dataset, n->file);
        else if (good && field->kind >= 0)
            good = write_texts(n, table_number, f);
    }
    return good;
}

/* Copies what stands below a group under any name: there are no tasks in it that are under way. */
static herr_t copy_entry(hid_t group, const char *name, const H5L_info_t *link, void *context) {
    h5_fault fault = {0};
    if (!h5_is_hard(group, name, link, &fault))
        return -1;
    hid_t dataset = h5_open_dataset(group, name, &fault);
    const bool good = dataset > 0 && copy_dataset(dataset, *(const hid_t *)context);
    if (dataset > 0)
        H5Dclose(dataset);
    return good ? 0 : -1;
}

/* A group with its attributes; where there is none, neither is there in the copy. */
static bool copy_group(const snapshot *n, hid_t source, const char *name, bool whole) {
    h5_fault fault = {0};
    hid_t from = h5_open_group(source, name, &fault), to = H5I_INVALID_HID;
    bool good = from >= 0;
    if (from > 0) {
        to = store_is_there(n->group, name) ? H5Gopen2(n->group, name, H5P_DEFAULT)
                                            : H5Gcreate2(n->group, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        good = to >= 0 && copy_attributes(from, to);
        hid_t file = n->file;
        if (good && whole)
            good = H5Literate(from, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, copy_entry, &file) >= 0;
        H5Gclose(from);
    }
    if (to >= 0)
        H5Gclose(to);
    return good;
}

static bool copy_reductions(const snapshot *n, int stage, hid_t source) {
    bool good = tf_reader_reductions(n->reader, stage) == 0 || copy_group(n, source, "reduce", false);
    for (int r = 0; r < tf_reader_reductions(n->reader, stage) && good; r++) {
        const int number = tf_reader_reduction(n->reader, stage, r);
        tf_buf path = {0};
        tf_buf_addf(&path, "reduce/%s",
                    tf_reader_reduction_name(n->reader, number) + strlen(tf_reader_stage(n->reader, stage)) + 1);
        good = copy_group(n, source, path.data, true);
        tf_buf_free(&path);
    }
    return good;
}

/* Which code the rows are of. */
static bool copy_code(const snapshot *n, hid_t source) {
    static const char *const names[] = {"code", "code_rows"};
    bool good = true;
    for (size_t i = 0; i < sizeof names / sizeof *names && good; i++) {
        h5_fault fault = {0};
        hid_t dataset = h5_open_dataset(source, names[i], &fault);
        good = dataset == 0 || (dataset > 0 && copy_dataset(dataset, n->file));
        if (dataset > 0)
            H5Dclose(dataset);
    }
    return good;
}

static bool copy_stage(snapshot *n, const char *name) {
    h5_fault fault = {0};
    const int stage = tf_reader_find(n->reader, name);
    hid_t source = stage >= 0 ? h5_open_group(n->reader->file, name, &fault) : 0;
    n->group = H5Gopen2(n->file, name, H5P_DEFAULT);
    bool good = source > 0 && n->group >= 0 && copy_attributes(source, n->group);
    static const char *const parts[] = {"params", "results", "text"};
    for (size_t p = 0; p < sizeof parts / sizeof *parts && good; p++)
        good = copy_group(n, source, parts[p], false);
    good = good && copy_fields(n, stage) && copy_group(n, source, "axes", true) && copy_code(n, source) &&
           copy_reductions(n, stage, source);
    if (n->group >= 0)
        H5Gclose(n->group);
    if (source > 0)
        H5Gclose(source);
    return good;
}

/* ---- The whole ---- */

static bool copy_statuses(const tf_reader *seen, hid_t file) {
    bool good = true;
    for (int s = 0; s < tf_reader_stages(seen) && good; s++)
        good = copy_dataset(seen->stage[s].field[tf_reader_record(seen, s, "status")].rows.dataset, file);
    return good;
}

/* A campaign that is not over has a state of its own here: nothing beside the file is missing. */
static bool write_root(const snapshot *n, const char *state) {
    bool good = store_attribute_text(n->file, "runs", tf_reader_text(n->reader, "runs")) >= 0;
    if (good && !tf_run_state_is_over(tf_run_state_of(state)))
        good = store_attribute_text(n->file, "state", tf_run_state_name(TF_STATE_SNAPSHOT)) >= 0 &&
               store_attribute_text(n->file, "snapshot_of", state) >= 0;
    return good && copy_attributes(n->reader->file, n->file);
}

static hid_t make_file(const char *to) {
    hid_t access = store_access(0);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V110); /* of arrays; the rest is as of 1.8 */
    hid_t file = H5Fcreate(to, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    return file;
}

/* Stages that have begun since the statuses were copied are none of the copy's. */
static bool copy_all(snapshot *n, const char *state, int stages) {
    int copied = 0;
    bool good = write_root(n, state);
    for (int s = 0; s < tf_reader_stages(n->reader) && good; s++) {
        if (!store_is_there(n->file, tf_reader_stage(n->reader, s)))
            continue;
        good = copy_stage(n, tf_reader_stage(n->reader, s));
        copied++;
    }
    return good && copied == stages;
}

/* One try at it. */
static tf_err copy_output(const char *path, const char *state, const char *to, tf_error *error) {
    snapshot n = {.file = H5I_INVALID_HID, .reader = tf_reader_open(path, error)};
    if (!n.reader)
        return error->code;
    const int stages = tf_reader_stages(n.reader);
    n.file = make_file(to);
    bool good = n.file >= 0 && copy_statuses(n.reader, n.file);
    tf_reader_close(n.reader); /* else HDF5 would give what it remembers */
    n.reader = good ? tf_reader_open(path, error) : NULL;
    const bool opened = !good || n.reader;
    n.status = tf_alloc(AT_ONCE);
    good = n.reader && copy_all(&n, state, stages);
    free(n.status);
    tf_reader_close(n.reader);
    good = n.file >= 0 && H5Fclose(n.file) >= 0 && good;
    return good      ? TF_OK
           : !opened ? error->code
                     : tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_HDF5, "%s: can't be copied by HDF5", path);
}

tf_err tf_store_snapshot(const char *path, const char *to, tf_error *error) {
    tf_survey survey;
    tf_err err = tf_store_survey(path, NULL, &survey, error);
    old_look once = {0};
    if (err == TF_OK) {
        do {
            old_look_begin(&once, path);
            err = copy_output(path, survey.state, to, error);
        } while (old_look_again(&once, path, err == TF_OK));
    }
    tf_survey_free(&survey);
    return err;
}
