/* Where files are: a file is known by the folder that it is in and its name there, however it is written. Links, "..",
 * folders that are mounted twice and names that differ in case where that does not count all lead to the same. Each
 * folder is looked at once. */
#ifndef TF_GRAPH_FOLDERS_H
#define TF_GRAPH_FOLDERS_H

#include "graph/graph.h"

typedef struct known_folder {
    uint32_t up; /* the folder that it is in */
    size_t path; /* in the texts: as it was first written */
    bool there;
    bool outside;   /* of the work folder, */
    bool by_link;   /* since a link leads there */
    bool dangling;  /* a link that leads nowhere */
    bool own;       /* the campaign's own: no task writes in it, */
    bool has_own;   /* or it has files that are */
    int8_t folding; /* of names that differ in case only: 1; 0: no; -1: not known yet */
} known_folder;

typedef struct folders {
    tf_disk *disk;
    tf_buf workdir; /* without links */
    known_folder *item;
    size_t count, capacity;
    tf_table by_key; /* numbers by the folder above and the name */
    tf_table by_id;  /* of those that are there */
    tf_buf text, key, path;
    tf_buf last; /* the folder that was asked for last, as it was written, */
    uint32_t last_number;
    tf_links links; /* that were met */
} folders;

void folders_open(folders *f, tf_disk *disk);
void folders_close(folders *f);

/* The number of the folder that a path's last name is in. */
uint32_t folders_of(folders *f, const char *path);

/* What the path is known by: bytes that are the same for all ways to write it. Valid until the next call. */
const tf_buf *folders_key(folders *f, const char *path);

static inline const char *folders_path(const folders *f, uint32_t number) {
    return f->text.data + f->item[number].path;
}

/* A folder's number, if the path is one that some file is in; UINT32_MAX: it is none. */
uint32_t folders_find(folders *f, const char *path);

#endif
