/* Rows and side files of an old output, read by the places that its contents name: nothing of HDF5 is asked. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "store/folder.h"
#include "store/resume/plan.h"

int64_t old_skip_hole(const old_output *old, const contents_table *dataset, int64_t first) {
    if (dataset->offset < 0 || dataset->row_bytes < 1 || first < 0 || first >= dataset->rows)
        return first;
    off_t start = (off_t)(dataset->offset + first * dataset->row_bytes);
    off_t data = lseek(old->fd, start, SEEK_DATA);
    if (data < 0 && errno == ENXIO) /* from here on there is none */
        return dataset->rows;
    return data <= start ? first : (data - dataset->offset) / dataset->row_bytes;
}

tf_err old_read(const old_output *old, const contents_table *dataset, size_t row_bytes, int64_t first, int64_t count,
                void *out, tf_error *error) {
    size_t size = (size_t)count * row_bytes, done = 0;
    if (dataset->row_bytes != (int64_t)row_bytes || first < 0 || count < 0 || first > dataset->rows - count ||
        (size > 0 && dataset->offset < 0))
        return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_OUTPUT_DAMAGED,
                               "%s: is damaged: %s has not the rows that it must have", old->path, dataset->path);
    while (done < size) {
        ssize_t got = pread(old->fd, (char *)out + done, size - done,
                            (off_t)(dataset->offset + first * dataset->row_bytes + (int64_t)done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_FILE_UNREADABLE, "%s: can't be read: %s", old->path,
                                   got < 0 ? strerror(errno) : "it ends too early");
        done += (size_t)got;
    }
    return TF_OK;
}

static tf_err open_side(int run, const char *name, const char *path, old_on_side *visit, void *context,
                        tf_error *error) {
    int fd = folder_open_file(run, name, O_RDONLY);
    if (fd < 0)
        return tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_read(errno), "%s: %s", path, strerror(errno));
    tf_err err = visit(context, fd, path, error);
    close(fd);
    return err;
}

tf_err old_each_side(const old_output *old, old_on_side *visit, void *context, tf_error *error) {
    char name[40];
    tf_buf path = {0};
    int folder = folder_open_any(old->path);
    int run = folder >= 0 ? folder_open_inner(folder, folder_run(old->contents.run, name)) : -1;
    DIR *entries = run >= 0 ? fdopendir(run) : NULL;
    tf_err err = TF_OK;
    if (!entries && errno != ENOENT)
        err = folder_failed(old->path, folder < 0 ? NULL : name, errno, error);
    for (const struct dirent *entry; entries && err == TF_OK && (entry = readdir(entries));) {
        if (*entry->d_name == '.' || folder_is_of_mpi(entry->d_name))
            continue;
        tf_buf_clear(&path);
        folder_path(old->path, name, &path);
        tf_buf_addf(&path, "/%s", entry->d_name);
        err = open_side(run, entry->d_name, path.data, visit, context, error);
    }
    if (entries)
        closedir(entries);
    if (folder >= 0)
        close(folder);
    tf_buf_free(&path);
    return err;
}
