/* Scratch folders: one a host below a root that the spawner makes and removes, so that nothing stays behind when a host
 * is killed; and in it one for each attempt that uses {scratch}. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "exec/host.h"

static bool stage_uses_scratch(const tf_stage_spec *spec) {
    const tf_run_spec *run = &spec->run;
    bool uses = (run->cwd && tf_template_uses_scratch(run->cwd)) ||
                (run->stdin_text && tf_template_uses_scratch(run->stdin_text));
    for (int i = 0; i < run->argc; i++)
        uses = uses || tf_template_uses_scratch(run->argv[i]);
    for (int e = 0; e < run->envc; e++)
        uses = uses || tf_template_uses_scratch(run->env[e].value);
    for (int c = 0; c < spec->columns; c++)
        uses = uses || (spec->column[c].file && tf_template_uses_scratch(spec->column[c].file));
    return uses;
}

void scratch_make_root(const tf_campaign *campaign, tf_buf *root) {
    bool used = false;
    for (int s = 0; s < campaign->stages; s++)
        used = used || stage_uses_scratch(&campaign->stage[s]);
    if (!used)
        return;
    tf_buf_addf(root, "%s/taskfarm-XXXXXX", tf_temporary_folder());
    if (!mkdtemp(root->data)) /* each task that needs it will find that it is not there */
        snprintf(strrchr(root->data, '/'), sizeof "/taskfarm", "/taskfarm");
}

void scratch_remove(const tf_buf *path) {
    if (path->length)
        tf_remove_tree(path->data);
}

bool scratch_make(host *h, int64_t index, tf_buf *path) {
    if (!stage_uses_scratch(h->spec))
        return true;
    tf_buf_addf(path, "%s/%d-%lld", tf_buf_text(&h->setting->scratch_root), h->slot, (long long)index);
    if (mkdir(path->data, 0700) == 0)
        return true;
    host_fail(h, "can't make the scratch folder %s: %s", path->data, strerror(errno));
    tf_buf_clear(path);
    return false;
}
