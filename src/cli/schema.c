/* taskfarm schema: the manifest's JSON Schema, for editors. */
#include "cli/cli.h"

int cli_schema(const options *o) {
    (void)o;
    tf_buf text = {0};
    tf_schema_write(&text);
    tf_print_bytes(stdout, text.data, text.length);
    tf_buf_free(&text);
    return TF_OK;
}
