/* The columns that a stage may be written with, by their names. */
#include <stdlib.h>
#include <string.h>

#include "report/export.h"

static tf_err diagnose_unknown(view *v, const char *name, tf_error *error) {
    const int fields = view_fields(v);
    const char **known = tf_alloc_array((size_t)fields + 1, sizeof *known);
    size_t names = 0;
    tf_buf list = {0};
    if (!view_is_reduction(v))
        known[names++] = "index";
    for (int f = 0; f < fields; f++)
        known[names++] = view_field(v, f)->name;
    for (size_t n = 0; n < names; n++)
        tf_buf_addf(&list, "%s%s", n ? ", " : "", known[n]);
    const char *near = tf_suggest(name, known, names);
    tf_err err = near ? tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_UNKNOWN_NAME,
                                        "there is no column \"%s\"; did you mean \"%s\"?", name, near)
                      : tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_UNKNOWN_NAME,
                                        "there is no column \"%s\"; there are %s", name, tf_buf_text(&list));
    tf_buf_free(&list);
    free(known);
    return err;
}

tf_err export_find_column(view *v, const char *name, int *field, tf_error *error) {
    const bool is_index = strcmp(name, "index") == 0 && !view_is_reduction(v);
    *field = is_index ? EXPORT_INDEX : view_find(v, name);
    if (*field >= 0 && view_field(v, *field)->grid)
        return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_UNSUITABLE_TYPE,
                               "column \"%s\" is an array: read it as one from the output itself", name);
    return *field >= 0 || is_index ? TF_OK : diagnose_unknown(v, name, error);
}
