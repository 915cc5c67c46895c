/* A file that a verb writes. It grows beside its place, under another name, and is renamed when it is whole: until
 * then, and whatever goes wrong, what stood there stays. */
#ifndef TF_CLI_DESTINATION_H
#define TF_CLI_DESTINATION_H

#include "cli/cli.h"

typedef struct destination {
    FILE *file;
    const char *name; /* what messages call it */
    tf_buf path;      /* what is to be replaced, which is no link; empty: `file` is a device, a pipe or stdout */
    tf_buf growing;   /* the file that is renamed to `path`; empty: it has no name yet */
} destination;

/* To write `path`; NULL: standard output. Refuses to replace an HDF5 file, and so what is read from, and the manifest
 * of the campaign in it. `name` is what messages call the path; both must outlive the destination. `has_name`: the file
 * has a name while it grows, by which it can be opened again. */
tf_err destination_open(destination *to, const char *name, const char *path, bool has_name, const recalled *from,
                        tf_error *error);

/* Puts the file in its place if `err` is TF_OK, else drops it. Returns err, or what went wrong now. */
tf_err destination_close(destination *to, tf_err err, tf_error *error);

#endif
