/* Reads a row's columns from what its command or service has answered. */
#include "host/column_reader.h"

#include <assert.h>
#include <string.h>

static const column_reader *find_reader(const tf_column_spec *spec) {
    for (const column_reader *reader = column_readers(); reader->source; reader++)
        if (strcmp(reader->source, spec->from) == 0)
            return reader;
    assert(false); /* a source that manifests know and hosts do not */
    return NULL;
}

bool extract_columns(host *h, int64_t row, const char *scratch) {
    answer a = {.scratch = scratch};
    bool sound = true;
    for (int column = 0; column < h->spec->columns && sound; column++) {
        const cell c = cell_of(h, row, column);
        sound = find_reader(c.spec)->read(&c, &a);
    }
    cJSON_Delete(a.json);
    tf_buf_free(&a.first);
    tf_buf_free(&a.last);
    if (!sound)
        host_fail(h, "its columns can't be read"); /* what failed has said more, as a rule */
    return h->outcome.message.length == 0;
}

bool extract_members(host *h, int64_t row, const cJSON *results) {
    bool sound = true;
    for (int column = 0; column < h->spec->columns && sound; column++) {
        const cell c = cell_of(h, row, column);
        sound = cell_store_member(&c, results, "the service's answer");
    }
    return sound;
}
