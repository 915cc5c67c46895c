/* The end of a stage: once its blobs and reductions are in the file, that says that it is finished. */
#include "store/attributes.h"
#include "store/change.h"
#include "store/file.h"
#include "store/meet.h"

/* That the stage is finished, and why the rest of its space is pending. */
static tf_err note_end(tf_store *s, int stage, int64_t enough, tf_error *error) {
    const tf_until_spec *until = &s->campaign->stage[stage].until;
    hid_t group = s->stage[stage].group;
    tf_err err = store_begin_change(s, error);
    if (err != TF_OK)
        return err;
    if (H5Aexists(group, "enough") > 0) {
        H5Adelete(group, "enough");
        H5Adelete(group, "until");
    }
    bool good = H5Aexists(group, CONTENTS_FINISHED) > 0 ||
                store_attribute(group, CONTENTS_FINISHED, H5T_STD_I64LE, &(int64_t){1}) >= 0;
    if (enough > 0)
        good = store_attribute(group, "enough", H5T_STD_I64LE, &enough) >= 0 &&
               store_attribute_text(group, "until", tf_expr_source(until->expr)) >= 0 && good;
    if (!good)
        err = store_error(s, error, "attributes");
    return store_agree(s, err, error);
}

tf_err tf_store_finish(tf_store *s, int stage, int64_t enough, tf_error *error) {
    store_begin_vigil(s);
    tf_err err = note_end(s, stage, enough, error);
    if (err == TF_OK)
        err = store_end_change(s, stage, true, error);
    store_end_vigil(s);
    return err;
}
