/* The words of a Python process (see python_words.h). */
#include "host/python_words.h"
#include "host/python_boot.h"
#include "host/python_folder.h"

void python_words_set(host *h, process *p, const char *verb) {
    tf_buf arguments = {0}, extra = {0};
    tf_buf_addf(&arguments, "-c%c%s%c", 0, PYTHON_BOOT, 0);
    python_folder_add(&arguments);
    tf_buf_addf(&arguments, "%c%s%c%d%c", 0, verb, 0, PROCESS_CHANNEL, 0);
    tf_buf_addf(&extra, "PYTHONHASHSEED=0%c", 0);
    process_set_arguments(h, p, &arguments, 5, &extra, 1);
    tf_buf_free(&arguments);
    tf_buf_free(&extra);
    if (h->spec->run.cwd) {
        const tf_point nowhere = {.folder = h->campaign->workdir};
        tf_template_expand(h->spec->run.cwd, &nowhere, &p->cwd);
    }
}
