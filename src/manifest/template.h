/* Texts with {placeholders}. */
#ifndef TF_MANIFEST_TEMPLATE_H
#define TF_MANIFEST_TEMPLATE_H

#include "manifest/files.h"

/* Parsed and resolved when the manifest is read. */
/* What a task's placeholders stand for. params[p] points to the value of parameter p, as tf_space_fill stores it. */
typedef struct tf_point {
    int64_t index;
    uint64_t seed;
    const char *scratch;
    const void *const *params;
    const tf_paths *inputs, *outputs; /* where the template uses them */
    const char *folder;               /* put before paths that are relative; NULL: nothing */
} tf_point;

void tf_template_expand(const tf_template *template, const tf_point *point, tf_buf *out);

/* Is it {inputs}, {outputs} or one by name, and nothing else? Then it is a list of paths, each ended by a NUL. Returns
 * how many. */
bool tf_template_is_list(const tf_template *template);
int tf_template_expand_list(const tf_template *template, const tf_point *point, tf_buf *out);
bool tf_template_is_constant(const tf_template *template);      /* the same text for every task */
const char *tf_template_text_name(const tf_template *template); /* of the first text that is put in; NULL: none is */
bool tf_template_uses_scratch(const tf_template *template);
const char *tf_template_source(const tf_template *template); /* as written in the manifest */

/* Adds the template as it could be written with its variables put in. */
void tf_template_resolved(const tf_template *template, tf_buf *out);

/* Adds what its texts begin with for every task. */
void tf_template_beginning(const tf_template *template, tf_buf *out);

#endif
