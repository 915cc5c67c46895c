/* Where files are: a file is known by the folder that it is in and its name there, however it is written. Links, "..",
 * folders that are mounted twice and names that differ in case where that does not count all lead to the same. Each
 * folder is read from the disk once. */
#ifndef TF_GRAPH_FOLDERS_H
#define TF_GRAPH_FOLDERS_H

#include "graph/graph.h"

typedef struct known_folder {
    uint32_t up;      /* the folder that it is in */
    size_t path;      /* where in `paths` its path is, as it was first written */
    bool there;       /* it exists */
    bool outside;     /* it is outside the work folder */
    bool by_link;     /* the way to it is a link */
    bool dangling;    /* it is a link that leads nowhere */
    bool own;         /* it is the campaign's own: no task may write in it */
    bool has_own;     /* it has files that are the campaign's own */
    uint32_t written; /* the number of an output that is directly in it; UINT32_MAX: there is none */
    uint32_t logged;  /* the same of a log */
    uint32_t output;  /* the output that it is or lies in; UINT32_MAX: none, or not known yet */
    bool is_placed;   /* `output` is known */
    int8_t folding;   /* 1: names that differ only in case are the same; 0: they are not; -1: not known yet */
} known_folder;

typedef struct folders {
    tf_disk *disk;
    tf_buf workdir; /* its path, without links */
    known_folder *item;
    size_t count, capacity;
    tf_table by_key; /* numbers of folders, by the folder above and the name */
    tf_table by_id;  /* numbers of folders that exist, by their tf_disk_id */
    tf_buf paths;    /* paths of folders, each ended by a NUL */
    tf_buf key;      /* what folders_key returns */
    tf_buf last;     /* the path of the folder that was asked for last */
    uint32_t last_number;
    tf_links links; /* links that were met */
} folders;

void folders_open(folders *f, tf_disk *disk);
void folders_close(folders *f);

/* The number of the folder that a path's last name is in. */
uint32_t folders_of(folders *f, const char *path);

/* The path's key: bytes that are the same for all ways to write the path. Valid until the next call. */
const tf_buf *folders_key(folders *f, const char *path);

static inline const char *folders_path(const folders *f, uint32_t number) {
    return f->paths.data + f->item[number].path;
}

/* Does the folder lead to the work folder, or to one that it is in? */
bool folders_hold_workdir(const folders *f, const char *path);

/* The number of the folder with that path, if some file is in it; UINT32_MAX: none is. */
uint32_t folders_find(folders *f, const char *path);

#endif
