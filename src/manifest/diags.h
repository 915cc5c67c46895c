/* All that is wrong with a manifest. */
#ifndef TF_MANIFEST_DIAGS_H
#define TF_MANIFEST_DIAGS_H

#include "base/base.h"

/* One thing that is wrong. */
typedef struct tf_diag {
    tf_diag_id id;
    bool is_warning;
    char *pointer;    /* JSON pointer of where it is; "": the whole manifest, or something outside of it */
    char *text;       /* for people, visible on one line */
    int line, column; /* of a syntax error, from 1; else 0 */
} tf_diag;

/* Owned by the caller. */
typedef struct tf_diags {
    const char *file; /* the manifest's name as the user gave it */
    tf_buf lines;     /* all of them as people read them: "FILE: POINTER: text" */
    int count;        /* of diagnostics, also of those that are left out because their place is closed */
    int items;        /* of the others */
    tf_diag *item;
    tf_table closed; /* pointers of values of which all is said */
} tf_diags;

void tf_diags_add(tf_diags *diags, const char *pointer, tf_diag_id id, const char *format, ...) TF_PRINTF(4, 5);

/* Adds something that does not stop a run. In `lines` "warning: " stands before its text. */
void tf_diags_warn(tf_diags *diags, const char *pointer, tf_diag_id id, const char *format, ...) TF_PRINTF(4, 5);

/* Says that all is said of the value at this place: later diagnostics of it are consequences, and are left out. */
void tf_diags_close(tf_diags *diags, const char *pointer);

/* Adds that the text is no JSON. */
void tf_diags_add_syntax(tf_diags *diags, int line, int column, const char *text);
void tf_diags_free(tf_diags *diags);

#endif
