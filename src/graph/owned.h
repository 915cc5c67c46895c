/* The files that a campaign reads or owns, and that none of its tasks may write: the manifest and what was read with
 * it, libraries and programs, the output with all that stands beside it. */
#ifndef TF_GRAPH_OWNED_H
#define TF_GRAPH_OWNED_H

#include "graph/folders.h"

/* The output's names: as the user gave it, and without the links at its end. */
typedef enum output_name { OUTPUT_AS_GIVEN, OUTPUT_WITHOUT_LINKS, OUTPUT_NAMES } output_name;

typedef struct owned {
    tf_table by_key;             /* where in `reasons` a file's reason is, by its key */
    tf_table by_id;              /* where in `reasons` a file's reason is, by its tf_disk_id */
    tf_buf reasons;              /* each ended by a NUL */
    tf_buf output[OUTPUT_NAMES]; /* keys of the output */
} owned;

void owned_open(owned *o, folders *f, const tf_campaign *campaign);
void owned_close(owned *o);

/* Why no task may write the file, as a sentence that begins with "it"; NULL: it may. `id` as tf_disk.time gives it. */
const char *owned_reason(const owned *o, folders *f, const char *path, const tf_disk_id *id);

#endif
