/* Side files (see side.h). */
#include "store/side.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct side_file {
    int fd;
    int64_t size;
    char *path;
};

void side_folder(const char *output, tf_buf *path) {
    tf_buf_addf(path, "%s.d", output);
}

side_file *side_create(const char *output, int rank, tf_error *error) {
    tf_buf path = {0};
    side_folder(output, &path);
    if (mkdir(tf_buf_text(&path), 0777) != 0 && errno != EEXIST) {
        tf_error_set(error, TF_ERR_RUN, "%s: %s", tf_buf_text(&path), strerror(errno));
        tf_buf_free(&path);
        return NULL;
    }
    tf_buf_addf(&path, "/rank-%04d.text", rank);
    int fd = open(tf_buf_text(&path), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        tf_error_set(error, TF_ERR_RUN, "%s: %s", tf_buf_text(&path), strerror(errno));
        tf_buf_free(&path);
        return NULL;
    }
    side_file *side = tf_alloc(sizeof *side);
    *side = (side_file){.fd = fd, .path = path.data};
    return side;
}

void side_close(side_file *side) {
    if (!side)
        return;
    close(side->fd);
    free(side->path);
    free(side);
}

tf_err side_remove(side_file *side, tf_error *error) {
    if (unlink(side->path) != 0)
        return tf_error_set(error, TF_ERR_RUN, "%s: can't be removed: %s", side->path, strerror(errno));
    return TF_OK;
}

tf_err side_append(side_file *side, const void *records, size_t size, tf_error *error) {
    const char *from = records;
    size_t done = 0;
    while (done < size) {
        ssize_t put = pwrite(side->fd, from + done, size - done, (off_t)(side->size + (int64_t)done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return tf_error_set(error, TF_ERR_RUN, "%s: %s", side->path, strerror(put < 0 ? errno : ENOSPC));
        done += (size_t)put;
    }
    side->size += (int64_t)size;
    return TF_OK;
}

int64_t side_size(const side_file *side) {
    return side->size;
}

tf_err side_map(const side_file *side, const char **bytes, size_t *size, tf_error *error) {
    *bytes = NULL;
    *size = 0;
    if (side->size == 0)
        return TF_OK;
    void *mapped = mmap(NULL, (size_t)side->size, PROT_READ, MAP_SHARED, side->fd, 0);
    if (mapped == MAP_FAILED)
        return tf_error_set(error, TF_ERR_RUN, "%s: can't be mapped: %s", side->path, strerror(errno));
    *bytes = mapped;
    *size = (size_t)side->size;
    return TF_OK;
}

void side_unmap(const char *bytes, size_t size) {
    if (bytes)
        munmap((void *)(uintptr_t)bytes, size);
}
