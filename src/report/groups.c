/* What of a reduction those share who tell it (see groups.h). */
#include "report/groups.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

/* ---- Titles ---- */

static void add_keys(const cJSON *by, tf_buf *out) {
    const cJSON *key = cJSON_IsString(by) ? by : by ? by->child : NULL;
    for (const char *between = " by "; key; key = key->next, between = ", ") {
        if (cJSON_IsString(key))
            tf_buf_addf(out, "%s%s", between, key->valuestring);
        if (key == by)
            break;
    }
}

void groups_add_title(const tf_reader *reader, int table, tf_buf *out) {
    cJSON *settings = cJSON_Parse(tf_reader_settings(reader, table));
    const char *where = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(settings, "where"));
    tf_buf_adds(out, tf_reader_reduction_name(reader, table));
    add_keys(cJSON_GetObjectItemCaseSensitive(settings, "by"), out);
    if (where)
        tf_buf_addf(out, " where %s", where);
    cJSON_Delete(settings);
}

/* ---- Groups ---- */

static int64_t piece_size(view *v, const bool *wanted) {
    enum { MOST_ROWS = 8192 };
    int64_t width = 1;
    for (int f = 0; f < view_fields(v); f++)
        width += !wanted || wanted[f] ? view_width(v, f) : 0;
    return view_piece(width, MOST_ROWS);
}

tf_err groups_each_piece(view *v, const bool *wanted, on_groups *visit, void *context, tf_error *error) {
    const int fields = view_fields(v);
    const int64_t piece = piece_size(v, wanted), groups = view_tasks(v);
    view_values *values = tf_alloc_array((size_t)fields, sizeof *values);
    tf_err err = TF_OK;
    for (int64_t first = 0; first < groups && err == TF_OK; first += piece) {
        const int64_t count = groups - first < piece ? groups - first : piece;
        for (int f = 0; f < fields && err == TF_OK; f++)
            if (!wanted || wanted[f])
                err = view_read(v, f, first, count, &values[f], error);
        if (err == TF_OK)
            visit(context, values, count);
    }
    for (int f = 0; f < fields; f++)
        view_values_free(&values[f]);
    free(values);
    return err;
}
