/* taskfarm schema: the manifest's JSON Schema, for editors. */
#include "cli/cli.h"

int cli_schema(const options *o) {
    (void)o;
    tf_buf text = {0};
    tf_schema_write(&text);
    fwrite(text.data, 1, text.length, stdout);
    tf_buf_free(&text);
    return TF_OK;
}
