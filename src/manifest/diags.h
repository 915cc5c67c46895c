/* All that is wrong with a manifest. */
#ifndef TF_MANIFEST_DIAGS_H
#define TF_MANIFEST_DIAGS_H

#include "base/base.h"

/* One thing that is wrong. */
typedef struct tf_diag {
    tf_diag_id id;
    bool is_warning;
    char *pointer;    /* JSON pointer; "": the whole, or nothing that is in the manifest */
    char *text;       /* for people, visible on one line */
    int line, column; /* from 1, of what is no JSON; else 0 */
} tf_diag;

/* Owned by the caller. */
typedef struct tf_diags {
    const char *file; /* the manifest's name as the user gave it */
    tf_buf lines;     /* all as people read them: "FILE: POINTER: text" */
    int count;
    tf_diag *item;
} tf_diags;

void tf_diags_add(tf_diags *diags, const char *pointer, tf_diag_id id, const char *format, ...) TF_PRINTF(4, 5);

/* Nothing that stops a run: "warning: " stands before the text in its line. */
void tf_diags_warn(tf_diags *diags, const char *pointer, tf_diag_id id, const char *format, ...) TF_PRINTF(4, 5);

/* What is no JSON. */
void tf_diags_add_syntax(tf_diags *diags, int line, int column, const char *text);
void tf_diags_free(tf_diags *diags);

#endif
