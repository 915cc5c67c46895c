/* The file: its creation and end, its root attributes, and how HDF5 makes things and says what went wrong. */
#include "store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <hdf5_hl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/disk.h"
#include "store/journal.h"
#include "store/lock.h"
#include "store/plan.h"

enum { FORMAT_VERSION = 1 };

void tf_store_own_exit(void) {
    H5dont_atexit();
}

void tf_store_init(void) {
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void tf_store_enter(tf_store_guest *guest) {
    unsigned is_new = 1;
    H5E_auto1_t old = NULL;
    H5E_auto2_t function = NULL;
    *guest = (tf_store_guest){0};
    H5open();
    H5Eauto_is_v2(H5E_DEFAULT, &is_new);
    guest->is_old = !is_new;
    if (is_new)
        H5Eget_auto2(H5E_DEFAULT, &function, &guest->data);
    else
        H5Eget_auto1(&old, &guest->data);
    guest->function = is_new ? (void (*)(void))function : (void (*)(void))old;
    tf_store_init();
}

void tf_store_leave(const tf_store_guest *guest) {
    if (guest->is_old)
        H5Eset_auto1((H5E_auto1_t)guest->function, guest->data);
    else
        H5Eset_auto2(H5E_DEFAULT, (H5E_auto2_t)guest->function, guest->data);
}

/* ---- Errors ---- */

/* Of HDF5's error stack the innermost entry says what happened; the others say who called. */
herr_t store_take_innermost(unsigned n, const H5E_error2_t *entry, void *reason) {
    if (n == 0 && entry->desc)
        snprintf(reason, STORE_REASON, "%s", entry->desc);
    return 0;
}

/* HDF5 calls this when one of its functions fails; by its next call it has forgotten why. The first failure counts. */
static herr_t remember_reason(hid_t stack, void *reason) {
    if (*(char *)reason == '\0')
        H5Ewalk2(stack, H5E_WALK_UPWARD, store_take_innermost, reason);
    return 0;
}

/* MPI-IO does not pass on why a write failed; a full disk can be seen afterwards. */
static bool is_disk_full(const char *path) {
    enum { FULL = 1 << 20 }; /* bytes: less than one write */
    return tf_free_bytes(path) < FULL;
}

tf_err store_error(tf_store *store, tf_error *error, const char *format, ...) {
    char what[400];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    tf_error_set(error, TF_ERR_RUN, "%s: %s: %s%s", store->path, what,
                 *store->reason ? store->reason : "HDF5 does not say why",
                 is_disk_full(store->path) ? " (the disk is full)" : "");
    *store->reason = '\0';
    return error->code;
}

void store_blame(tf_store *store, const h5_fault *fault) {
    if (*fault->text)
        snprintf(store->reason, sizeof store->reason, "it is damaged: %.*s", STORE_REASON - 20, fault->text);
}

/* ---- Making things ---- */

hid_t store_string_type(size_t size) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size ? size : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

hid_t store_number_type(tf_type type) {
    switch (type) {
    case TF_INT8: return H5Tcopy(H5T_STD_I8LE);
    case TF_INT16: return H5Tcopy(H5T_STD_I16LE);
    case TF_INT32: return H5Tcopy(H5T_STD_I32LE);
    case TF_INT64: return H5Tcopy(H5T_STD_I64LE);
    case TF_UINT8: return H5Tcopy(H5T_STD_U8LE);
    case TF_UINT16: return H5Tcopy(H5T_STD_U16LE);
    case TF_UINT32: return H5Tcopy(H5T_STD_U32LE);
    case TF_UINT64: return H5Tcopy(H5T_STD_U64LE);
    case TF_FLOAT32: return H5Tcopy(H5T_IEEE_F32LE);
    case TF_FLOAT64: return H5Tcopy(H5T_IEEE_F64LE);
    case TF_BOOL: {
        hid_t boolean = H5Tenum_create(H5T_STD_I8LE);
        H5Tenum_insert(boolean, "FALSE", &(int8_t){0});
        H5Tenum_insert(boolean, "TRUE", &(int8_t){1});
        return boolean;
    }
    case TF_STRING:
    case TF_BYTES:
    case TF_ANY: break;
    }
    return H5I_INVALID_HID;
}

static bool write_zeros(int fd, off_t from, off_t end) {
    enum { AT_ONCE = 1 << 20 };
    char *zeros = tf_alloc(AT_ONCE);
    bool good = true;
    while (good && from < end) {
        const ssize_t put = pwrite(fd, zeros, end - from < AT_ONCE ? (size_t)(end - from) : AT_ONCE, from);
        good = put > 0 || (put < 0 && errno == EINTR);
        from += put > 0 ? put : 0;
    }
    free(zeros);
    return good;
}

/* Clears what lies from `from` to `end` in the file. Holes are zeros already. */
static bool clear_bytes(int fd, off_t from, off_t end) {
    struct stat info;
    bool good = fstat(fd, &info) == 0;
    end = good && end > info.st_size ? info.st_size : end;
    while (good && from < end) {
        const off_t data = lseek(fd, from, SEEK_DATA);
        if (data < 0 && errno == ENXIO) /* only a hole is left */
            break;
        from = data > from ? data : from;
        const off_t hole = data < 0 ? -1 : lseek(fd, from, SEEK_HOLE); /* -1: the file system does not tell */
        const off_t stop = hole < 0 || hole > end ? end : hole;
        good = write_zeros(fd, from, stop);
        from = stop;
    }
    return good;
}

/* HDF5 may give a new dataset room in the file that an older one had. */
static void clear_old_bytes(tf_store *s, hid_t dataset) {
    contents_table place = {.offset = -1};
    h5_fault fault = {0};
    contents_place(dataset, &place, &fault);
    const int64_t size = place.rows * place.row_bytes;
    if (s->rank != 0 || place.offset < 0 || size == 0)
        return;
    const int fd = s->fd >= 0 ? s->fd : open(s->path, O_RDWR | O_CLOEXEC);
    if ((fd < 0 || !clear_bytes(fd, place.offset, place.offset + size)) && !s->uncleared)
        s->uncleared = errno;
    if (fd >= 0 && fd != s->fd)
        close(fd);
}

/* A dataset with room in the file. Takes `how` and `space`. */
static hid_t make_dataset(tf_store *s, hid_t parent, const char *name, hid_t type, hid_t space, hid_t how) {
    H5Pset_alloc_time(how, H5D_ALLOC_TIME_EARLY);
    H5Pset_fill_time(how, H5D_FILL_TIME_NEVER);
    hid_t dataset = H5Dcreate2(parent, name, type, space, H5P_DEFAULT, how, H5P_DEFAULT);
    H5Pclose(how);
    H5Sclose(space);
    if (dataset >= 0)
        clear_old_bytes(s, dataset);
    return dataset;
}

hid_t store_dataset(tf_store *s, hid_t parent, const char *name, hid_t type, int rank, const hsize_t *shape) {
    hid_t how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(how, H5D_CONTIGUOUS);
    return make_dataset(s, parent, name, type, H5Screate_simple(rank, shape, NULL), how);
}

/* HDF5 keeps chunks so without an index of any kind, if the format may be that of 1.10: their number is fixed, there
 * is nothing to compress, and all have their place from the beginning. The file's superblock stays as it is. */
hid_t store_array_dataset(tf_store *s, hid_t parent, const char *name, hid_t type, const tf_grid *grid) {
    hsize_t shape[TF_MAX_RANK], chunk[TF_MAX_RANK];
    for (int d = 0; d < grid->rank; d++) {
        shape[d] = (hsize_t)grid->shape[d];
        chunk[d] = (hsize_t)grid->chunk[d];
        if (grid->shape[d] == 0)
            return store_dataset(s, parent, name, type, grid->rank, shape);
    }
    hid_t how = H5Pcreate(H5P_DATASET_CREATE), file = H5Iget_file_id(parent);
    H5Pset_chunk(how, grid->rank, chunk);
    H5Fset_libver_bounds(file, H5F_LIBVER_V110, H5F_LIBVER_V110);
    hid_t dataset = make_dataset(s, parent, name, type, H5Screate_simple(grid->rank, shape, NULL), how);
    H5Fset_libver_bounds(file, H5F_LIBVER_V18, H5F_LIBVER_V18);
    H5Fclose(file);
    return dataset;
}

/* `label`: the name by which readers know the scale. */
static hid_t make_scale(tf_store *s, hid_t parent, const char *name, hid_t type, hsize_t length, const char *label) {
    hid_t how = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_layout(how, H5D_CONTIGUOUS);
    H5Pset_attr_phase_change(how, 0, 0); /* dense: the list of what it is attached to may pass 64 KB */
    hid_t dataset = make_dataset(s, parent, name, type, H5Screate_simple(1, &length, NULL), how);
    if (dataset < 0 || H5DSset_scale(dataset, label) >= 0)
        return dataset;
    H5Dclose(dataset);
    return H5I_INVALID_HID;
}

hid_t store_coordinate(tf_store *s, hid_t parent, const char *name, hid_t type, hsize_t length) {
    return make_scale(s, parent, name, type, length, name);
}

hid_t store_dimension(tf_store *s, hid_t parent, const char *name, hsize_t length) {
    char label[80]; /* the netCDF-4 format's own words, by which readers know it */
    snprintf(label, sizeof label, "This is a netCDF dimension but not a netCDF variable. %9llu",
             (unsigned long long)length);
    return make_scale(s, parent, name, H5T_STD_U8LE, length, label);
}

herr_t store_attribute(hid_t object, const char *name, hid_t type, const void *value) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t result = attribute < 0 ? -1 : H5Awrite(attribute, type, value);
    H5Aclose(attribute);
    H5Sclose(space);
    return result;
}

/* As readers like it best: h5py gives a str for text of varying length, bytes for cells. */
static hid_t text_type(void) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

herr_t store_attribute_text(hid_t object, const char *name, const char *text) {
    hid_t type = text_type();
    herr_t result = store_attribute(object, name, type, &text);
    H5Tclose(type);
    return result;
}

/* ---- Is it there still? ---- */

#define REPLACED "%s: has been replaced by another file while this run was at work"

/* A file that was cut and written to again is as long as before; but HDF5 has not put its beginning back. 0, or an
 * errno. */
static int look_for_signature(int fd, bool *there) {
    static const char signature[8] = "\211HDF\r\n\032\n";
    char found[sizeof signature];
    ssize_t got;
    while ((got = pread(fd, found, sizeof found, 0)) < 0 && errno == EINTR)
        ;
    *there = got == (ssize_t)sizeof found && memcmp(found, signature, sizeof found) == 0;
    return got < 0 ? errno : 0;
}

tf_err store_check_file(tf_store *s, tf_error *error) {
    struct stat ours, named;
    bool whole = true;
    if (s->fd < 0)
        return TF_OK;
    int failure = fstat(s->fd, &ours) != 0 ? errno : s->size > 0 ? look_for_signature(s->fd, &whole) : 0;
    if (failure)
        return tf_error_set(error, TF_ERR_RUN, "%s: can't be read: %s", s->path, strerror(failure));
    if (stat(s->path, &named) != 0)
        return tf_error_set(error, TF_ERR_RUN, "%s: has been removed or renamed while this run was at work", s->path);
    if (ours.st_dev != named.st_dev || ours.st_ino != named.st_ino)
        return tf_error_set(error, TF_ERR_RUN, REPLACED, s->path);
    if (ours.st_size < s->size || !whole)
        return tf_error_set(error, TF_ERR_RUN, "%s: has been cut short while this run was at work", s->path);
    if (s->side && !side_is_there(s->side))
        return tf_error_set(error, TF_ERR_RUN, "%s.d: has been removed while this run was at work", s->path);
    s->size = ours.st_size;
    return TF_OK;
}

/* When HDF5 has written all that it had to: a file may have become shorter by what was taken out of it. */
static void note_size(tf_store *s) {
    struct stat ours;
    if (s->fd >= 0 && fstat(s->fd, &ours) == 0)
        s->size = ours.st_size;
}

/* ---- Changes of metadata ---- */

/* Only the first rank of a run has a journal to keep. */
static bool keeps_journal(const tf_store *s) {
    return s->plan && s->rank == 0;
}

tf_err store_begin_change(tf_store *s, tf_error *error) {
    tf_err err = store_check_file(s, error);
    if (err == TF_OK && keeps_journal(s) && !s->dirty) {
        err = journal_write(s->path, "journal", &s->plan->contents, true, error);
        s->dirty = true;
    }
    err = tf_store_agree(s->comm, err, error);
    if (err == TF_OK)
        store_guard(s, true);
    tf_crash_point("change.begun");
    return err;
}

/* What has become of the stage, for the journal. */
static tf_err note_stage(tf_store *s, int stage, bool finished, tf_error *error) {
    contents *c = &s->plan->contents;
    const char *name = s->campaign->stage[stage].name;
    contents_open open = {0};
    h5_fault fault = {0};
    store_list_open(s, stage, &open);
    const bool good = contents_read_stage(c, s->file, name, s->fingerprint[stage], &s->code[stage], &open, &fault);
    contents_free_open(&open);
    contents_find(c, name)->finished = finished;
    if (good)
        return TF_OK;
    store_blame(s, &fault);
    return store_error(s, error, "can't be read");
}

tf_err store_end_change(tf_store *s, int stage, bool finished, tf_error *error) {
    tf_err err = TF_OK;
    store_guard(s, true); /* where only rows were written no change has begun */
    if (H5Fflush(s->file, H5F_SCOPE_GLOBAL) < 0)
        err = store_error(s, error, "can't be flushed");
    if (err == TF_OK && s->uncleared)
        err = tf_error_set(error, TF_ERR_RUN, "%s: old bytes can't be cleared: %s", s->path, strerror(s->uncleared));
    tf_crash_point("change.flushed");
    err = tf_store_agree(s->comm, err, error); /* a barrier, too: all of it has been written */
    note_size(s);
    if (err == TF_OK && keeps_journal(s)) {
        if (stage >= 0)
            err = note_stage(s, stage, finished, error);
        if (err == TF_OK)
            err = journal_write(s->path, "journal", &s->plan->contents, false, error);
        s->dirty = false;
    }
    err = tf_store_agree(s->comm, err, error);
    store_guard(s, false);
    tf_crash_point("change.ended");
    return err;
}

/* ---- The file ---- */

/* Where HDF5 lets itself be told, from 1.10.7 on. */
void store_lock_nothing(hid_t access) {
#if H5_VERSION_GE(1, 10, 7) && !(H5_VERS_MAJOR == 1 && H5_VERS_MINOR == 12 && H5_VERS_RELEASE == 0)
    H5Pset_file_locking(access, false, true);
#else
    (void)access;
#endif
}

/* Ranks that make a dataset together must all put it in the same place: the first one looks. */
static hsize_t alignment(const char *path, MPI_Comm comm, const tf_campaign *campaign) {
    int rank = 0;
    int64_t step = 1;
    if (comm != MPI_COMM_NULL)
        MPI_Comm_rank(comm, &rank);
    if (rank == 0) {
        const disk_info under = disk_find(path);
        step = disk_alignment(&under, campaign);
    }
    if (comm != MPI_COMM_NULL)
        MPI_Bcast(&step, 1, MPI_INT64_T, 0, comm);
    return (hsize_t)step;
}

static MPI_Info hints(const tf_campaign *campaign) {
    MPI_Info info = MPI_INFO_NULL;
    if (campaign && campaign->hints)
        MPI_Info_create(&info);
    for (int i = 0; campaign && i < campaign->hints; i++)
        MPI_Info_set(info, campaign->hint[i].name, campaign->hint[i].value);
    return info;
}

/* A superblock that no writer locks. Nor does HDF5 lock the file itself: runs are kept apart by our own lock, and
 * somebody who reads along is not to stop one. */
static hid_t file_access(const char *path, MPI_Comm comm, const tf_campaign *campaign) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    store_lock_nothing(access);
    if (campaign) {
        const hsize_t step = alignment(path, comm, campaign);
        H5Pset_alignment(access, step, step);
    }
    if (comm != MPI_COMM_NULL) {
        MPI_Info info = hints(campaign);
        H5Pset_fapl_mpio(access, comm, info);
        if (info != MPI_INFO_NULL)
            MPI_Info_free(&info);
        H5Pset_coll_metadata_write(access, false);
        H5Pset_all_coll_metadata_ops(access, false);
    }
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    return access;
}

hid_t store_open_file(const char *path, MPI_Comm comm, const tf_campaign *writer) {
    hid_t access = file_access(path, comm, writer);
    hid_t file = H5Fopen(path, writer ? H5F_ACC_RDWR : H5F_ACC_RDONLY, access);
    H5Pclose(access);
    return file;
}

tf_store *store_new(const tf_campaign *campaign, const char *path, MPI_Comm comm) {
    tf_store *s = tf_alloc(sizeof *s);
    *s = (tf_store){
        .campaign = campaign, .path = path, .comm = comm, .ranks = 1, .fd = -1, .lock = -1, .limit = INT64_MAX};
    if (comm != MPI_COMM_NULL) {
        MPI_Comm_rank(comm, &s->rank);
        MPI_Comm_size(comm, &s->ranks);
    }
    s->stage = tf_alloc_array((size_t)campaign->stages, sizeof *s->stage);
    s->code = tf_alloc_array((size_t)campaign->stages, sizeof *s->code);
    H5Eset_auto2(H5E_DEFAULT, remember_reason, s->reason);
    return s;
}

void store_open_by(tf_store *s, int fd) {
    tf_buf_addf(&s->by, "/proc/self/fd/%d", fd);
    if (access(s->by.data, F_OK) != 0)
        tf_buf_free(&s->by);
}

static void close_side(tf_store *s) {
    store_end_sync(s);
    side_close(s->side);
    s->side = NULL;
    if (s->lock >= 0)
        close(s->lock);
    s->lock = -1;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

void tf_store_abandon(tf_store *s) {
    if (!s)
        return;
    store_end_vigil(s);
    close_side(s);
    for (int i = 0; i < s->campaign->stages; i++) {
        free(s->stage[i].param);
        free(s->stage[i].column);
        free(s->stage[i].part);
        code_free(&s->code[i]);
    }
    free(s->code);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    free((void *)(uintptr_t)s->fingerprint);
    tf_buf_free(&s->fingerprints);
    tf_buf_free(&s->runs);
    tf_buf_free(&s->by);
    free(s->stage);
    free(s);
}

/* ---- Root attributes ---- */

static herr_t change_attribute(hid_t object, const char *name, hid_t type, const void *value) {
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    herr_t result = H5Awrite(attribute, type, value);
    H5Aclose(attribute);
    return result;
}

herr_t store_change_text(hid_t object, const char *name, const char *text) {
    hid_t type = text_type();
    herr_t result = change_attribute(object, name, type, &text);
    H5Tclose(type);
    return result;
}

void store_now(char text[32]) {
    time_t now = (time_t)tf_wall();
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

tf_err store_create_alone(tf_store *s, const char *created, tf_error *error) {
    const int32_t version = FORMAT_VERSION, ranks = 0;
    hid_t access = file_access(s->path, MPI_COMM_NULL, s->campaign);
    s->file = H5Fcreate(s->by.length ? s->by.data : s->path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    if (s->file < 0)
        return store_error(s, error, "can't be created");
    bool bad = store_attribute_text(s->file, "format", "taskfarm") < 0 ||
               store_attribute(s->file, "format_version", H5T_STD_I32LE, &version) < 0 ||
               store_attribute_text(s->file, "taskfarm_version", TASKFARM_VERSION) < 0 ||
               store_attribute_text(s->file, "name", s->campaign->name) < 0 ||
               store_attribute(s->file, "seed", H5T_STD_U64LE, &s->campaign->seed) < 0 ||
               store_attribute_text(s->file, "created", created) < 0 ||
               store_attribute_text(s->file, "state", "running") < 0 ||
               store_attribute(s->file, "elapsed", H5T_IEEE_F64LE, &(double){0}) < 0 ||
               store_attribute(s->file, "ranks", H5T_STD_I32LE, &ranks) < 0 ||
               store_attribute(s->file, "slots", H5T_STD_I64LE, &(int64_t){0}) < 0 ||
               store_attribute_text(s->file, "manifest", s->campaign->text) < 0;
    return bad ? store_error(s, error, "attributes") : TF_OK;
}

static herr_t write_runs(const tf_store *s) {
    const char *text = tf_buf_text(&s->runs);
    return H5Aexists(s->file, "runs") > 0 ? store_change_text(s->file, "runs", text)
                                          : store_attribute_text(s->file, "runs", text);
}

/* What is of this run and not of an earlier one; without slots it only winds one up. */
static herr_t write_run(const tf_store *s, int64_t slots) {
    int32_t ranks = s->ranks;
    bool bad = store_change_text(s->file, "taskfarm_version", TASKFARM_VERSION) < 0 ||
               store_change_text(s->file, "state", "running") < 0 ||
               store_change_text(s->file, "manifest", s->campaign->text) < 0 || write_runs(s) < 0 ||
               (slots > 0 && (change_attribute(s->file, "ranks", H5T_NATIVE_INT32, &ranks) < 0 ||
                              change_attribute(s->file, "slots", H5T_NATIVE_INT64, &slots) < 0));
    return bad ? -1 : 0;
}

/* ---- Opening and closing ---- */

/* The other ranks are told what only the first has worked out. */
static void share_plan(tf_store *s, int64_t *run) {
    uint64_t size = s->plan ? s->plan->fingerprints.length : 0;
    *run = s->plan ? s->plan->contents.run : 0;
    store_broadcast(s, run, sizeof *run);
    store_broadcast(s, &size, sizeof size);
    char *bytes = tf_alloc(size);
    if (s->plan)
        memcpy(bytes, s->plan->fingerprints.data, size);
    store_broadcast(s, bytes, size);
    s->fingerprints = (tf_buf){.data = bytes, .length = size};
    s->fingerprint = tf_alloc_array((size_t)s->campaign->stages, sizeof *s->fingerprint);
    const char **fingerprint = (const char **)(uintptr_t)s->fingerprint;
    for (int i = 0; i < s->campaign->stages; i++, bytes += strlen(bytes) + 1)
        fingerprint[i] = bytes;
}

static void share_code(tf_store *s) {
    tf_buf bytes = {0};
    cJSON *json = cJSON_CreateArray();
    for (int i = 0; s->plan && i < s->campaign->stages; i++)
        cJSON_AddItemToArray(json, code_json(&s->plan->stage[i].code));
    char *text = cJSON_PrintUnformatted(json);
    if (s->plan)
        tf_buf_add(&bytes, text, strlen(text) + 1);
    store_spread(s, &bytes);
    cJSON_free(text);
    cJSON_Delete(json);
    json = cJSON_Parse(tf_buf_text(&bytes));
    for (int i = 0; i < s->campaign->stages; i++)
        code_parse(cJSON_GetArrayItem(json, i), tf_space_size(s->campaign->stage[i].space), &s->code[i]);
    cJSON_Delete(json);
    tf_buf_free(&bytes);
}

int tf_store_join(const tf_campaign *campaign, const tf_store_plan *plan, int rank) {
    if (!plan)
        return lock_join(campaign->output, rank);
    lock_share(plan->lock);
    lock_file_share(plan->file);
    return plan->lock;
}

/* The name by which MPI opens the output. Open MPI makes a file beside it, whose name begins with its own, or a
 * semaphore that has its last name: one of any user's, and locked for ever if a run dies at the wrong moment. So it
 * gets a name that nobody else has, in a folder that is the run's. */
static void name_for_mpi(const tf_store *s, int64_t run, tf_buf *path) {
    uint64_t number = 0;
    char name[40], run_name[40];
    tf_buf inner = {0};
    if (s->rank == 0 && getrandom(&number, sizeof number, 0) == (ssize_t)sizeof number) {
        snprintf(name, sizeof name, "mpi-%016llx", (unsigned long long)number);
        number = folder_link(s->path, run, name) ? number : 0;
    }
    store_broadcast(s, &number, sizeof number);
    tf_buf_addf(&inner, "%s/mpi-%016llx", folder_run(run, run_name), (unsigned long long)number);
    if (number)
        folder_path(s->path, inner.data, path);
    else
        tf_buf_adds(path, s->path);
    tf_buf_free(&inner);
}

/* All ranks have the file open besides HDF5, and share its lock. It must be the one that was prepared, and that which
 * MPI's name for it leads to. */
static tf_err open_beside(tf_store *s, const char *path, tf_error *error) {
    struct stat prepared, info, named;
    s->fd = open(s->path, O_RDWR | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &info) != 0)
        return tf_error_set(error, TF_ERR_RUN, "%s: can't be opened: %s", s->path, strerror(errno));
    if (stat(path, &named) != 0)
        return tf_error_set(error, TF_ERR_RUN, "%s: can't be opened: %s", path, strerror(errno));
    if (named.st_dev != info.st_dev || named.st_ino != info.st_ino ||
        (s->plan &&
         (fstat(s->plan->file, &prepared) != 0 || prepared.st_dev != info.st_dev || prepared.st_ino != info.st_ino)))
        return tf_error_set(error, TF_ERR_RUN, REPLACED, s->path);
    lock_file_share(s->fd);
    return TF_OK;
}

/* Where MPI can't open a file on one rank, Open MPI keeps the others waiting for ever: so each rank opens it first. */
static tf_err open_together(tf_store *s, int64_t run, tf_error *error) {
    tf_buf path = {0};
    if (s->comm == MPI_COMM_NULL)
        tf_buf_adds(&path, s->path);
    else
        name_for_mpi(s, run, &path);
    tf_err err = tf_store_agree(s->comm, open_beside(s, path.data, error), error);
    if (err == TF_OK) {
        s->file = store_open_file(path.data, s->comm, s->campaign);
        err = tf_store_agree(s->comm, s->file < 0 ? store_error(s, error, "can't be opened") : TF_OK, error);
    }
    if (err == TF_OK)
        store_guard(s, true);
    tf_buf_free(&path);
    return err;
}

tf_store *tf_store_open(const tf_campaign *campaign, MPI_Comm comm, tf_store_plan *plan, int lock, int64_t slots,
                        tf_error *error) {
    tf_store *s = store_new(campaign, campaign->output, comm);
    int64_t run;
    s->plan = plan;
    s->lock = plan ? -1 : lock;
    s->dirty = plan && plan->dirty;
    store_begin_vigil(s);
    share_plan(s, &run);
    share_code(s);
    store_begin_run(s, slots);
    store_learn_limit(s);
    tf_err err = store_begin_change(s, error);
    if (err == TF_OK)
        err = open_together(s, run, error);
    if (err == TF_OK && write_run(s, slots) < 0)
        err = store_error(s, error, "attributes");
    err = tf_store_agree(comm, err, error);
    if (err == TF_OK) {
        s->side = side_open(s->path, run, s->rank, error);
        err = tf_store_agree(comm, s->side ? TF_OK : error->code, error);
    }
    if (err == TF_OK)
        err = store_end_change(s, -1, false, error);
    store_end_vigil(s);
    if (err == TF_OK)
        return s;
    tf_store_abandon(s);
    return NULL;
}

bool tf_store_is_locked(const tf_store *s) {
    return s->lock >= 0;
}

bool tf_store_has_ended(const tf_store *s, int rank) {
    return lock_is_free(s->plan->lock, rank);
}

tf_err tf_store_close(tf_store *s, const char *state, double elapsed, tf_error *error) {
    bool over = strcmp(state, "stopped") != 0;
    store_begin_vigil(s);
    if (s->plan)
        elapsed += s->plan->contents.elapsed;
    store_broadcast(s, &elapsed, sizeof elapsed);
    store_end_sync(s);
    store_end_run(s, state);
    tf_err err = store_begin_change(s, error);
    if (err == TF_OK && (store_change_text(s->file, "state", state) < 0 || write_runs(s) < 0 ||
                         change_attribute(s->file, "elapsed", H5T_NATIVE_DOUBLE, &elapsed) < 0))
        err = store_error(s, error, "attributes");
    err = tf_store_agree(s->comm, err, error);
    for (int i = 0; err == TF_OK && i < s->campaign->stages; i++)
        if (s->stage[i].group > 0)
            store_close_stage(s, i);
    if (err == TF_OK && H5Fclose(s->file) < 0)
        err = store_error(s, error, "can't be closed");
    tf_crash_point("close.closed");
    err = tf_store_agree(s->comm, err, error);
    note_size(s);
    err = tf_store_agree(s->comm, err == TF_OK ? store_check_file(s, error) : err, error);
    if (err == TF_OK && s->plan) {
        s->plan->contents.elapsed = elapsed;
        err = journal_write(s->path, "journal", &s->plan->contents, false, error);
    }
    close_side(s);
    err = tf_store_agree(s->comm, err, error); /* nobody has anything open there any more */
    if (err == TF_OK && s->plan && over)
        err = folder_remove(s->path, &s->plan->lock, error);
    err = tf_store_agree(s->comm, err, error);
    tf_store_abandon(s);
    return err;
}
