/* Parameters that come from rows of other stages are not stored a second time: the stage's group of parameters has an
 * attribute that says where they are, for readers that have nothing but the file. */
#include "store/origins.h"

#include <string.h>

#include "store/attributes.h"

/* Where the values are, or will be when the stage begins. null: nowhere in the file; they are parameters that are not
 * stored. */
static void add_dataset(const tf_store *s, const tf_space_source *source, int param, tf_buf *out) {
    const tf_stage_spec *other = &s->campaign->stage[source->stage];
    const int column = source->column[param];
    tf_buf path = {0};
    if (column >= 0)
        tf_buf_addf(&path, "/%s/results/%s", other->name, other->column[column].name);
    else if (other->store_params)
        tf_buf_addf(&path, "/%s/params/%s", other->name, tf_space_param(other->space, source->param[param])->name);
    if (path.length)
        tf_buf_add_json(out, path.data, path.length);
    else
        tf_buf_adds(out, "null");
    tf_buf_free(&path);
}

static void add_origin(const tf_store *s, const tf_space *space, const tf_space_source *source, int param,
                       tf_buf *out) {
    const char *name = tf_space_param(space, source->first + param)->name;
    tf_buf_adds(out, out->length ? ", " : "{");
    tf_buf_add_json(out, name, strlen(name));
    tf_buf_adds(out, ": {\"dataset\": ");
    add_dataset(s, source, param, out);
    tf_buf_addf(out, ", \"stride\": %lld, \"rows\": %lld", (long long)source->stride, (long long)source->rows);
    for (int64_t i = 0; source->row && i < source->rows; i++)
        tf_buf_addf(out, "%s%lld", i ? ", " : ", \"indices\": [", (long long)source->row[i]);
    tf_buf_adds(out, source->row ? "]}" : "}");
}

bool store_note_origins(const tf_store *s, const tf_space *space, hid_t params) {
    tf_buf text = {0};
    for (int n = 0; n < tf_space_sources(space); n++) {
        const tf_space_source *source = tf_space_source_at(space, n);
        for (int p = 0; p < source->params; p++)
            add_origin(s, space, source, p, &text);
    }
    tf_buf_adds(&text, text.length ? "}" : "");
    const bool good = text.length == 0 || store_attribute_text(params, "from", tf_buf_text(&text)) >= 0;
    tf_buf_free(&text);
    return good;
}
