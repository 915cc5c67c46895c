/* Datasets of other files that stages read arrays from: opened, and compared with what the manifest says of them. */
#include "store/array_files.h"

#include <errno.h>
#include <float.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/access.h"
#include "store/store.h"

static hid_t open_to_read(const char *path) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    store_lock_nothing(access);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return file;
}

/* Compressed chunks that are larger than blocks are not to be unpacked for each block. */
static hid_t open_dataset(hid_t file, const char *name) {
    enum { CACHE = 32 << 20 };
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    H5Pset_chunk_cache(access, H5D_CHUNK_CACHE_NSLOTS_DEFAULT, CACHE, H5D_CHUNK_CACHE_W0_DEFAULT);
    hid_t dataset = H5Dopen2(file, name, access);
    H5Pclose(access);
    return dataset;
}

static void add_shape(tf_buf *text, int rank, const hsize_t *shape) {
    for (int d = 0; d < rank; d++)
        tf_buf_addf(text, "%s%llu", d ? " x " : "", (unsigned long long)shape[d]);
    if (rank == 0)
        tf_buf_adds(text, "one element");
}

/* Why the dataset can't be the array; nothing added: it can. */
static void check_dataset(hid_t dataset, const tf_array_spec *array, tf_buf *why) {
    const tf_grid *grid = array->grid;
    hsize_t shape[H5S_MAX_RANK] = {0}, wanted[TF_MAX_RANK] = {0};
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
    int rank = H5Sget_simple_extent_dims(space, shape, NULL);
    H5T_class_t class = H5Tget_class(type);
    bool same = rank == grid->inner;
    for (int d = 0; d < grid->inner; d++) {
        wanted[d] = (hsize_t)grid->shape[grid->first + d];
        same = same && shape[d] == wanted[d];
    }
    if (class != H5T_INTEGER && class != H5T_FLOAT) {
        tf_buf_addf(why, "%s is no array of numbers", array->dataset);
    } else if (!same) {
        tf_buf_addf(why, "%s has ", array->dataset);
        add_shape(why, rank < 0 ? 0 : rank, shape);
        tf_buf_addf(why, ", and the axis \"%s\" ", grid->axis);
        add_shape(why, grid->inner, wanted);
    }
    H5Sclose(space);
    H5Tclose(type);
}

/* The dataset, with its file; negative after saying why not. */
hid_t array_file_open(const char *path, const tf_array_spec *array, hid_t *file, tf_buf *why) {
    int fd, failure = tf_open_regular(path, &fd); /* HDF5 would wait for a FIFO's writer */
    if (!failure)
        close(fd);
    *file = !failure ? open_to_read(path) : H5I_INVALID_HID;
    if (*file < 0) {
        tf_buf_adds(why, failure == ENOENT ? "is not there"
                         : failure < 0     ? tf_read_failure(failure)
                                           : "can't be read as an HDF5 file");
        return H5I_INVALID_HID;
    }
    hid_t dataset = open_dataset(*file, array->dataset);
    if (dataset < 0)
        tf_buf_addf(why, "has no dataset %s", array->dataset);
    else
        check_dataset(dataset, array, why);
    if (why->length == 0)
        return dataset;
    if (dataset >= 0)
        H5Dclose(dataset);
    H5Fclose(*file);
    return H5I_INVALID_HID;
}

/* Not compressed, not in chunks, not in other files, and allocated. */
static bool is_in_one_piece(hid_t dataset) {
    hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset), made = H5Dget_create_plist(dataset);
    const hsize_t bytes = (hsize_t)H5Sget_simple_extent_npoints(space) * H5Tget_size(type);
    const bool good = H5Pget_layout(made) == H5D_CONTIGUOUS && H5Pget_external_count(made) == 0 &&
                      H5Dget_offset(dataset) != HADDR_UNDEF && H5Dget_storage_size(dataset) == bytes;
    H5Pclose(made);
    H5Tclose(type);
    H5Sclose(space);
    return good;
}

/* The bits of whole numbers that a type has without rounding; of integers that may be negative, but for the sign. */
static int count_bits(char kind, size_t bytes) {
    if (kind == 'f')
        return bytes == sizeof(float) ? FLT_MANT_DIG : DBL_MANT_DIG;
    return (int)(8 * bytes) - (kind == 'i');
}

static char kind_of(tf_type type) {
    return type == TF_FLOAT32 || type == TF_FLOAT64 ? 'f' : type >= TF_UINT8 && type <= TF_UINT64 ? 'u' : 'i';
}

/* Has the type all values of the other, so that a conversion rounds nothing and cuts nothing off? */
static bool holds_all(tf_type type, char stored, size_t bytes) {
    const char kind = kind_of(type);
    const bool has_kind = kind == stored || kind == 'f' || (kind == 'i' && stored == 'u');
    return has_kind && count_bits(kind, tf_type_size(type)) >= count_bits(stored, bytes);
}

/* Finds out what numpy calls the dataset's type, if it is an ordinary one that `wanted` has all values of. */
static bool name_type(hid_t dataset, tf_type wanted, char name[8]) {
    const struct {
        hid_t type;
        char kind, order;
    } ordinary[] = {
        {H5T_STD_I8LE, 'i', '<'},   {H5T_STD_I16LE, 'i', '<'},  {H5T_STD_I32LE, 'i', '<'},  {H5T_STD_I64LE, 'i', '<'},
        {H5T_STD_U8LE, 'u', '<'},   {H5T_STD_U16LE, 'u', '<'},  {H5T_STD_U32LE, 'u', '<'},  {H5T_STD_U64LE, 'u', '<'},
        {H5T_IEEE_F32LE, 'f', '<'}, {H5T_IEEE_F64LE, 'f', '<'}, {H5T_STD_I8BE, 'i', '>'},   {H5T_STD_I16BE, 'i', '>'},
        {H5T_STD_I32BE, 'i', '>'},  {H5T_STD_I64BE, 'i', '>'},  {H5T_STD_U8BE, 'u', '>'},   {H5T_STD_U16BE, 'u', '>'},
        {H5T_STD_U32BE, 'u', '>'},  {H5T_STD_U64BE, 'u', '>'},  {H5T_IEEE_F32BE, 'f', '>'}, {H5T_IEEE_F64BE, 'f', '>'}};
    hid_t type = H5Dget_type(dataset);
    bool found = false;
    for (size_t i = 0; i < sizeof ordinary / sizeof *ordinary && !found; i++) {
        const size_t bytes = H5Tget_size(type);
        if (H5Tequal(type, ordinary[i].type) <= 0)
            continue;
        found = holds_all(wanted, ordinary[i].kind, bytes);
        snprintf(name, 8, "%c%c%zu", ordinary[i].order, ordinary[i].kind, bytes);
    }
    H5Tclose(type);
    return found;
}

int array_file_descriptor(hid_t file) {
    void *handle = NULL;
    hid_t access = H5Fget_access_plist(file);
    const bool is_one = H5Pget_driver(access) == H5FD_SEC2;
    H5Pclose(access);
    return is_one && H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) >= 0 && handle ? *(const int *)handle : -1;
}

bool array_file_find(int fd, hid_t dataset, tf_type type, tf_array_file *where) {
    struct stat info;
    *where = (tf_array_file){0};
    if (fd < 0 || fstat(fd, &info) != 0 || !is_in_one_piece(dataset) || !name_type(dataset, type, where->type))
        return false;
    where->device = info.st_dev;
    where->inode = info.st_ino;
    where->offset = (int64_t)H5Dget_offset(dataset);
    return true;
}

/* Why the array can't be read from the file, if that is there and no stage makes it anew. */
static void check_file(const tf_array_spec *array, const char *path, const tf_table *outputs, tf_buf *why) {
    hid_t file;
    if (access(path, F_OK) != 0 || tf_files_are_of(outputs, path))
        return;
    hid_t dataset = array_file_open(path, array, &file, why);
    if (dataset < 0)
        return;
    H5Dclose(dataset);
    H5Fclose(file);
}

static void check_array(const tf_campaign *campaign, tf_files *files, int stage, const tf_array_spec *array,
                        const tf_table *outputs, tf_diags *diags) {
    const tf_file_spec *input = &campaign->stage[stage].input[array->file];
    tf_paths paths = {0};
    tf_buf why = {0}, output = {0};
    if (!tf_template_is_constant(input->text) || tf_stage_so_far(&campaign->stage[stage]) == 0)
        return;
    tf_files_of_spec(files, stage, input, 0, &paths);
    const char *path = tf_paths_text(&paths, 0);
    tf_files_normalize(campaign, campaign->output, &output);
    const bool is_own = strcmp(path, tf_buf_text(&output)) == 0;
    if (is_own)
        tf_buf_adds(&why, "is the campaign's own output; {\"from\": STAGE, \"column\": NAME} takes an array of it");
    else
        check_file(array, path, outputs, &why);
    if (why.length)
        tf_diags_add(diags, array->pointer, is_own ? TF_DIAG_FILE_CLASH : TF_DIAG_BAD_DATA, "%s: %s", path, why.data);
    tf_paths_free(&paths);
    tf_buf_free(&why);
    tf_buf_free(&output);
}

void tf_store_check_arrays(const tf_campaign *campaign, tf_diags *diags) {
    tf_files *files = tf_files_new(campaign);
    tf_table outputs = {0};
    bool gathered = false;
    tf_store_init();
    for (int s = 0; s < campaign->stages; s++) {
        for (int a = 0; a < campaign->stage[s].arrays; a++) {
            if (campaign->stage[s].array[a].file < 0)
                continue;
            if (!gathered)
                tf_files_all_outputs(files, &outputs);
            gathered = true;
            check_array(campaign, files, s, &campaign->stage[s].array[a], &outputs, diags);
        }
    }
    tf_table_free(&outputs);
    tf_files_free(files);
}
