/* Files of arrays that a Python process reads (see python_files.h). It gets them open, to read and no more. A file
 * counts if it is still the one that the rank has found the array in. Whatever goes wrong, the rank reads the blocks
 * instead: it has the file open since before the first task, and knows what to say if it can't read it either. */
#include "host/python_files.h"
#include "host/packet.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

void python_files_refuse(host *h) {
    h->header->unread = 1;
    h->stopped = true;
}

/* The file is opened without waiting, should it be a FIFO by now. -1: it is another one, or can't be opened. */
static int open_file(const host *h, const tf_array_spec *array, const tf_array_file *file) {
    tf_paths paths = {0};
    struct stat info;
    tf_files_of_spec(h->files, h->spec->number, &h->spec->input[array->file], h->header->first, &paths);
    int fd = open(tf_paths_text(&paths, 0), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    tf_paths_free(&paths);
    if (fd < 0 ||
        (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_dev == file->device && info.st_ino == file->inode))
        return fd;
    close(fd);
    return -1;
}

/* Sends {"blocks": {"stage": n, "array": a, "offset": bytes, "type": ">f4", "whole": [lengths of the array]}} with
 * the file. */
static void send_file(const host *h, python_slot *s, int a, const tf_array_file *file, int fd) {
    const tf_grid *grid = h->spec->array[a].grid;
    tf_buf packet = {0};
    tf_buf_addf(&packet, "{\"blocks\": {\"stage\": %d", h->spec->number);
    packet_add_number(&packet, "array", a);
    packet_add_number(&packet, "offset", file->offset);
    packet_add_text(&packet, "type", file->type);
    packet_add_key(&packet, "whole");
    for (int d = 0; d < grid->inner; d++)
        tf_buf_addf(&packet, "%s%" PRId64, d ? ", " : "[", grid->shape[grid->first + d]);
    tf_buf_adds(&packet, "]}}");
    packet_send(s->socket, &packet, &fd, 1); /* if nobody is there to get it, the frame finds out */
    tf_buf_free(&packet);
}

bool python_files_give(host *h, python_slot *s) {
    if (!h->reads_blocks || s->files == h->spec->number)
        return true;
    for (int a = 0; a < h->spec->arrays; a++) {
        if (!batch_is_read(h->spec, a))
            continue;
        tf_array_file file = h->columns.files[a];
        file.type[sizeof file.type - 1] = '\0'; /* tasks can write there */
        const int fd = open_file(h, &h->spec->array[a], &file);
        if (fd < 0) {
            python_files_refuse(h);
            return false;
        }
        send_file(h, s, a, &file, fd);
        close(fd);
    }
    s->files = h->spec->number;
    return true;
}
