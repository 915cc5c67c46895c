/* Side files (see side.h). */
#include "store/side.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/storage.h"
#include "store/folder.h"

struct side_file {
    int fd;
    int64_t size;
    char *path;
};

/* -1 with errno. */
static int open_file(int folder, int64_t run, const char *name) {
    char run_name[40];
    int inner = folder_make_inner(folder, folder_run(run, run_name));
    int fd = inner >= 0 ? folder_open_file(inner, name, O_RDWR | O_CREAT) : -1, failure = errno;
    if (inner >= 0)
        close(inner);
    errno = failure;
    return fd;
}

side_file *side_open(const char *output, int64_t run, int rank, tf_error *error) {
    char run_name[40], name[100];
    int folder = folder_open(output, error);
    if (folder < 0)
        return NULL;
    struct stat info;
    snprintf(name, sizeof name, "rank-%04d.text", rank);
    int fd = open_file(folder, run, name), failure = fd < 0 || fstat(fd, &info) != 0 ? errno : 0;
    close(folder);
    snprintf(name, sizeof name, "%s/rank-%04d.text", folder_run(run, run_name), rank);
    if (failure) {
        folder_failed(output, name, failure, error);
        return NULL;
    }
    tf_buf path = {0};
    folder_path(output, name, &path);
    side_file *side = tf_alloc(sizeof *side);
    *side = (side_file){.fd = fd, .size = info.st_size, .path = path.data};
    return side;
}

void side_close(side_file *side) {
    if (!side)
        return;
    close(side->fd);
    free(side->path);
    free(side);
}

tf_err side_append(side_file *side, const void *records, size_t size, tf_error *error) {
    const char *from = records;
    size_t done = 0;
    while (done < size) {
        ssize_t put = pwrite(side->fd, from + done, size - done, (off_t)(side->size + (int64_t)done));
        if (put < 0 && errno == EINTR)
            continue;
        const int failure = put > 0 ? 0 : put < 0 ? errno : ENOSPC;
        if (failure)
            return tf_error_set_as(error, tf_err_of_storage(failure), tf_diag_of_write(failure), "%s: %s", side->path,
                                   strerror(failure));
        done += (size_t)put;
    }
    side->size += (int64_t)size;
    return TF_OK;
}

tf_err side_append_rows(side_file *side, const void *blobs, size_t size, int stage, int64_t first, side_rows rows,
                        tf_error *error) {
    _Alignas(8) char record[sizeof(tf_record) + sizeof rows];
    tf_record_write(record, stage, first, SIDE_ROWS, 0, &rows, sizeof rows);
    tf_err err = size ? side_append(side, blobs, size, error) : TF_OK;
    return err == TF_OK ? side_append(side, record, sizeof record, error) : err;
}

tf_err side_append_synced(side_file *side, int64_t size, tf_error *error) {
    _Alignas(8) char record[sizeof(tf_record) + sizeof(side_synced)];
    tf_record_write(record, 0, 0, SIDE_SYNCED, 0, &(side_synced){.size = size}, sizeof(side_synced));
    return side_append(side, record, sizeof record, error);
}

int64_t side_size(const side_file *side) {
    return side->size;
}

bool side_is_there(const side_file *side) {
    struct stat info;
    return fstat(side->fd, &info) != 0 || info.st_nlink > 0;
}

int side_fd(const side_file *side) {
    return side->fd;
}

static tf_err map_bytes(int fd, size_t size, const char *path, const char **bytes, tf_error *error) {
    *bytes = NULL;
    if (size == 0)
        return TF_OK;
    void *mapped = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED)
        return tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "%s: can't be mapped: %s", path,
                               strerror(errno));
    *bytes = mapped;
    return TF_OK;
}

tf_err side_map(const side_file *side, const char **bytes, size_t *size, tf_error *error) {
    *size = (size_t)side->size;
    return map_bytes(side->fd, *size, side->path, bytes, error);
}

tf_err side_map_file(int fd, const char *path, const char **bytes, size_t *size, tf_error *error) {
    struct stat info;
    *bytes = NULL;
    *size = 0;
    if (fstat(fd, &info) != 0)
        return tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "%s: %s", path, strerror(errno));
    *size = (size_t)info.st_size;
    return map_bytes(fd, *size, path, bytes, error);
}

void side_unmap(const char *bytes, size_t size) {
    if (bytes)
        munmap((void *)(uintptr_t)bytes, size);
}
