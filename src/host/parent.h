/* The folders of files that tasks write. A path is followed step by step, by descriptor: a link is followed only where
 * it was met when the campaign was planned, and to where it led then. What is done to the file itself is done in the
 * folder that was opened so. */
#ifndef TF_HOST_PARENT_H
#define TF_HOST_PARENT_H

#include "manifest/manifest.h"

typedef struct parent_folder {
    int fd;           /* the folder that the path's last name is in; -1: it could not be opened */
    int failure;      /* errno of why not: ELOOP for a link that is new; 0: it is open */
    size_t length;    /* bytes of the path that lead to what failed */
    const char *name; /* the path's last name */
} parent_folder;

/* Opens the folder of a path. `root`: a descriptor of the work folder, or AT_FDCWD. `make`: missing folders are made.
 */
parent_folder parent_open(const tf_campaign *campaign, int root, const char *path, bool make);
void parent_close(parent_folder *folder);

/* Removes a regular file or a link. 0, also if there is none, or an errno: EEXIST for what is neither. */
int parent_remove(const parent_folder *folder);

/* Removes a folder that a task makes, or what file or link stands in its place. Before that it gets the name
 * NAME.incomplete, whatever had it, so that a folder is whole under its own name or not there; with `keep` it stays
 * there. 0, also if there is none, or an errno: EEXIST for what is neither, EXDEV where something is mounted in it. */
int parent_remove_folder(const parent_folder *folder, bool keep);

/* Removes what has the name NAME.incomplete. 0, also if nothing has, or an errno. */
int parent_remove_aside(const parent_folder *folder);

#endif
