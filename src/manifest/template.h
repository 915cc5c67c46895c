/* Texts with {placeholders}, parsed and resolved when the manifest is read. */
#ifndef TF_MANIFEST_TEMPLATE_H
#define TF_MANIFEST_TEMPLATE_H

#include "manifest/files.h"

/* What a task's placeholders stand for. */
typedef struct tf_point {
    int64_t index;
    uint64_t seed;
    const char *scratch;
    const void *const *params; /* per parameter: its value, as tf_space_fill stores it; NULL: it is not known, and
                                * its placeholders stay */
    const tf_paths *inputs, *outputs; /* not needed by templates that do not use them */
    const char *folder;               /* put before relative paths; NULL: nothing is */
} tf_point;

void tf_template_expand(const tf_template *template, const tf_point *point, tf_buf *out);

/* Is the template {inputs}, {outputs} or one of them by name, and nothing else? Then it stands for a list of paths. */
bool tf_template_is_list(const tf_template *template);

/* Adds the paths of such a list, each ended by a NUL. Returns how many they are. */
int tf_template_expand_list(const tf_template *template, const tf_point *point, tf_buf *out);

bool tf_template_is_constant(const tf_template *template); /* it is the same text for every task */

/* The name of the first placeholder that stands for a string; NULL: none does. */
const char *tf_template_text_name(const tf_template *template);
bool tf_template_uses_scratch(const tf_template *template);
const char *tf_template_source(const tf_template *template); /* as written in the manifest */

/* Adds the template as it is written, with its variables put in. */
void tf_template_resolved(const tf_template *template, tf_buf *out);

/* Adds the beginning that its texts have in common for all tasks. */
void tf_template_beginning(const tf_template *template, tf_buf *out);

#endif
