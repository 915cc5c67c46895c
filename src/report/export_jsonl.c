/* A stage as JSON lines: an object a task. */
#include <inttypes.h>
#include <string.h>

#include "report/export.h"

static tf_err add_row(exporter *e, int64_t first, int64_t row, tf_buf *out, tf_error *error) {
    (void)error;
    for (int c = 0; c < e->columns; c++) {
        tf_buf_addc(out, c ? ',' : '{');
        tf_buf_add_json(out, export_column_name(e, c), strlen(export_column_name(e, c)));
        tf_buf_addc(out, ':');
        if (e->column[c] == EXPORT_INDEX)
            tf_buf_addf(out, "%" PRId64, first + row);
        else
            view_add_json(&e->values[c], row, out);
    }
    tf_buf_adds(out, "}\n");
    return TF_OK;
}

tf_err export_jsonl(FILE *out, const tf_recalled *from, const tf_export_options *options, tf_error *error) {
    static const line_format format = {.add_row = add_row};
    return export_table(out, from, options, &format, error);
}
