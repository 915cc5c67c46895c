/* A rank's side file: text records, appended during a run, as they came from the hosts. */
#ifndef TF_STORE_SIDE_H
#define TF_STORE_SIDE_H

#include "base/base.h"

typedef struct side_file side_file;

/* The folder of the side files: OUTPUT.d. Written to `path`. */
void side_folder(const char *output, tf_buf *path);

/* Makes OUTPUT.d/rank-NNNN.text. NULL on failure. */
side_file *side_create(const char *output, int rank, tf_error *error);
void side_close(side_file *side);
tf_err side_remove(side_file *side, tf_error *error);

/* Appends whole records. */
tf_err side_append(side_file *side, const void *records, size_t size, tf_error *error);
int64_t side_size(const side_file *side);

/* All of it, mapped for reading (NULL and 0 if it is empty), to be given to side_unmap. */
tf_err side_map(const side_file *side, const char **bytes, size_t *size, tf_error *error);
void side_unmap(const char *bytes, size_t size);

#endif
