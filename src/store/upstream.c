/* What tasks take of other stages: their upstream status, and upstream values for one task alone. A task whose rows
 * failed is skipped; one whose rows are left out is left out. */
#include <stdlib.h>
#include <string.h>

#include "store/access.h"
#include "store/upstream.h"

tf_err tf_store_upstream_status(void *context, int stage, int64_t first, int64_t count, uint8_t *status,
                                tf_error *error) {
    tf_store *s = context;
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    herr_t result = 0;
    memset(status, TF_STATUS_DONE, (size_t)count);
    for (int n = 0; n < tf_space_sources(spec->space) && result >= 0; n++)
        result = store_upstream_rows_status(s, stage, n, first, count, status);
    for (int a = 0; a < spec->arrays; a++)
        for (int64_t i = 0; i < count && result >= 0 && spec->array[a].stage >= 0; i++)
            result = store_upstream_array_status(s, stage, a, first + i, &status[i]);
    return result >= 0 ? TF_OK : store_error(s, error, "can't read statuses");
}

/* ---- For one task alone ---- */

tf_store *tf_store_open_upstream(const tf_campaign *campaign, int stage, tf_error *error) {
    tf_store *s = store_new(campaign, campaign->output);
    const bool rows = tf_stage_takes_rows(&campaign->stage[stage]);
    tf_err err = TF_OK;
    if (rows)
        s->file = store_open_file(s->path, NULL);
    if (s->file < 0)
        err =
            tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_FILE_UNREADABLE,
                            "%s: can't be read, and stage \"%s\" takes values of other stages from it: run these first",
                            s->path, campaign->stage[stage].name);
    if (err == TF_OK)
        err = store_open_upstream(s, stage, error);
    if (err == TF_OK)
        err = store_open_arrays(s, stage, error);
    if (err == TF_OK)
        return s;
    tf_store_close_upstream(s, stage);
    return NULL;
}

void tf_store_close_upstream(tf_store *s, int stage) {
    if (!s)
        return;
    store_close_upstream(s, stage);
    store_close_arrays(s, stage);
    if (s->file > 0)
        H5Fclose(s->file);
    store_free(s);
}
