/* Of which code rows are, in the file: two datasets of the stage, versions and intervals of rows. */
#include "store/code.h"

#include <stdlib.h>
#include <string.h>

#include "store/attributes.h"
#include "store/types.h"

enum { MOST_VERSIONS = 1 << 16, MOST_BYTES = 1 << 28 };

/* And behind it the files, as many bytes as the type has. */
typedef struct stored_version {
    uint64_t hash;
    int64_t run;
} stored_version;

typedef struct stored_rows {
    int64_t first, count, code;
} stored_rows;

static hid_t version_type(size_t files) {
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(stored_version) + files), text = store_string_type(files);
    H5Tinsert(type, "hash", HOFFSET(stored_version, hash), H5T_STD_U64LE);
    H5Tinsert(type, "run", HOFFSET(stored_version, run), H5T_STD_I64LE);
    H5Tinsert(type, "files", sizeof(stored_version), text);
    H5Tclose(text);
    return type;
}

static hid_t rows_type(void) {
    hid_t type = H5Tcreate(H5T_COMPOUND, sizeof(stored_rows));
    H5Tinsert(type, "first", HOFFSET(stored_rows, first), H5T_STD_I64LE);
    H5Tinsert(type, "count", HOFFSET(stored_rows, count), H5T_STD_I64LE);
    H5Tinsert(type, "code", HOFFSET(stored_rows, code), H5T_STD_I64LE);
    return type;
}

/* All of it is written at once, by one rank: nothing of what was there before in the file is left. Takes the type. */
static herr_t write_list(hid_t group, const char *name, hid_t type, hsize_t count, const void *data) {
    hid_t space = H5Screate_simple(1, &count, NULL), how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(how, H5D_CONTIGUOUS);
    H5Pset_alloc_time(how, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(how, H5D_FILL_TIME_NEVER);
    hid_t dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
    H5Pclose(how);
    H5Sclose(space);
    herr_t result = dataset < 0 ? -1 : 0;
    if (result == 0 && data)
        result = H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    H5Dclose(dataset);
    H5Tclose(type);
    return result;
}

static herr_t write_versions(hid_t group, const code_history *h, bool writes) {
    size_t longest = 1;
    for (int v = 0; v < h->versions; v++)
        longest = strlen(h->version[v].files) > longest ? strlen(h->version[v].files) : longest;
    const size_t size = sizeof(stored_version) + longest;
    char *data = writes ? tf_alloc_array((size_t)h->versions, size) : NULL;
    for (int v = 0; data && v < h->versions; v++) {
        const stored_version stored = {.hash = h->version[v].hash, .run = h->version[v].run};
        memcpy(data + (size_t)v * size, &stored, sizeof stored);
        memcpy(data + (size_t)v * size + sizeof stored, h->version[v].files, strlen(h->version[v].files));
    }
    herr_t result = write_list(group, "code", version_type(longest), (hsize_t)h->versions, data);
    free(data);
    return result;
}

static herr_t write_rows(hid_t group, const code_history *h, bool writes) {
    size_t count = 0, n = 0;
    for (int v = 0; v < h->versions - 1; v++)
        count += h->version[v].rows.count;
    if (count == 0)
        return 0;
    stored_rows *rows = tf_alloc_array(count, sizeof *rows);
    for (int v = 0; v < h->versions - 1; v++)
        for (size_t i = 0; i < h->version[v].rows.count; i++) {
            const tf_interval *run = &h->version[v].rows.items[i];
            rows[n++] = (stored_rows){run->first, run->end - run->first, v};
        }
    herr_t result = write_list(group, "code_rows", rows_type(), count, writes ? rows : NULL);
    free(rows);
    return result;
}

herr_t code_write(hid_t group, const code_history *h, bool writes) {
    static const char *const names[] = {"code", "code_rows"};
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        if (store_is_there(group, names[n]) && H5Ldelete(group, names[n], H5P_DEFAULT) < 0)
            return -1;
    if (H5Aexists(group, "code_changed") > 0 && H5Adelete(group, "code_changed") < 0)
        return -1;
    if (h->versions == 0)
        return 0;
    tf_intervals other = {0};
    code_other_rows(h, &other);
    const int64_t changed = other.total;
    tf_intervals_free(&other);
    if (changed > 0 && store_attribute(group, "code_changed", H5T_STD_I64LE, &changed) < 0)
        return -1;
    return write_versions(group, h, writes) < 0 ? -1 : write_rows(group, h, writes);
}

/* Opens a list as written above, and says how long it is. 0: there is none; negative: it is something else. */
static hid_t open_list(hid_t group, const char *name, const char *const *members, hsize_t most, hsize_t *count,
                       h5_fault *fault) {
    hsize_t shape[H5_RANKS];
    hid_t dataset = h5_open_dataset(group, name, fault);
    if (dataset <= 0)
        return dataset;
    hid_t type = h5_is_inside(dataset, fault) ? H5Dget_type(dataset) : -1;
    bool good = type >= 0 && h5_shape(dataset, shape, fault) == 1 && H5Tget_class(type) == H5T_COMPOUND &&
                shape[0] <= most && shape[0] * H5Tget_size(type) <= MOST_BYTES;
    for (; good && *members; members++)
        good = H5Tget_member_index(type, *members) >= 0;
    if (type >= 0)
        H5Tclose(type);
    if (good) {
        *count = shape[0];
        return dataset;
    }
    h5_note(fault, dataset, NULL, "is not as taskfarm writes it");
    H5Dclose(dataset);
    return -1;
}

/* Bytes of the text in it. */
static size_t text_size(hid_t dataset) {
    hid_t type = H5Dget_type(dataset);
    const unsigned files = (unsigned)H5Tget_member_index(type, "files");
    hid_t text = H5Tget_member_type(type, files);
    const size_t size =
        H5Tget_member_class(type, files) == H5T_STRING && H5Tis_variable_str(text) == 0 ? H5Tget_size(text) : 0;
    H5Tclose(text);
    H5Tclose(type);
    return size;
}

static bool read_versions(hid_t group, code_history *h, h5_fault *fault) {
    static const char *const members[] = {"hash", "run", "files", NULL};
    hsize_t count = 0;
    hid_t dataset = open_list(group, "code", members, MOST_VERSIONS, &count, fault);
    if (dataset <= 0)
        return dataset == 0;
    const size_t files = text_size(dataset), size = sizeof(stored_version) + files;
    hid_t memory = version_type(files ? files : 1);
    char *data = tf_alloc_array((size_t)count + 1, size + 1);
    bool good = files > 0 && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0;
    for (hsize_t v = 0; v < count && good; v++) {
        stored_version stored; /* its place may be at any byte */
        memcpy(&stored, data + v * size, sizeof stored);
        char *text = strndup(data + v * size + sizeof stored, files);
        code_add_version(h, stored.hash, stored.run, text);
        free(text);
    }
    if (!good)
        h5_note(fault, dataset, NULL, "can't be read");
    free(data);
    H5Tclose(memory);
    H5Dclose(dataset);
    return good;
}

static bool read_rows(hid_t group, int64_t tasks, code_history *h, h5_fault *fault) {
    static const char *const members[] = {"first", "count", "code", NULL};
    hsize_t count = 0;
    hid_t dataset = open_list(group, "code_rows", members, MOST_BYTES, &count, fault);
    if (dataset <= 0)
        return dataset == 0;
    hid_t memory = rows_type();
    stored_rows *rows = tf_alloc_array((size_t)count + 1, sizeof *rows);
    bool good = H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, rows) >= 0;
    for (hsize_t i = 0; i < count && good; i++)
        good = rows[i].code >= 0 && rows[i].code < h->versions - 1 && rows[i].count > 0 && rows[i].count <= tasks &&
               rows[i].first <= tasks &&
               code_add_rows(&h->version[rows[i].code], rows[i].first, rows[i].first + rows[i].count, tasks);
    if (!good)
        h5_note(fault, dataset, NULL, "names rows that there are not");
    free(rows);
    H5Tclose(memory);
    H5Dclose(dataset);
    return good;
}

bool code_read(hid_t group, int64_t tasks, code_history *h, h5_fault *fault) {
    if (read_versions(group, h, fault) && read_rows(group, tasks, h, fault))
        return true;
    code_free(h);
    return false;
}
