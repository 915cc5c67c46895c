/* taskfarm version: of the program, and of the protocol that it has with the Python package. */
#include "cli/cli.h"
#include "host/python_folder.h"
#include "host/python_protocol.h"

static void print_json(void) {
    cJSON *json = cJSON_CreateObject();
    tf_buf package = {0};
    python_folder_add(&package);
    cJSON_AddStringToObject(json, "version", TASKFARM_VERSION);
    cJSON_AddStringToObject(json, "commit", tf_commit());
    cJSON_AddNumberToObject(json, "protocol", TF_PYTHON_PROTOCOL);
    cJSON_AddStringToObject(json, "python", tf_buf_text(&package));
    tf_buf_free(&package);
    cli_print_json(json);
}

int cli_version(const options *o) {
    if (o->json)
        print_json();
    else
        tf_print(stdout, "taskfarm %s (%s)\n", TASKFARM_VERSION, tf_commit());
    return TF_OK;
}
