/* Before anything runs: does all exist that stages run? */
#include "host/run.h"
#include "host/runner.h"

void tf_host_preflight(const tf_campaign *campaign, const tf_function *program, tf_diags *diags) {
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *stage = &campaign->stage[s];
        const runner *kind = runner_find(&stage->run);
        if (kind->preflight)
            kind->preflight(stage, program, diags);
    }
}

void tf_host_try_start(const tf_campaign *campaign, int stage, tf_diags *diags) {
    const host_setting setting = {.campaign = campaign, .scratch = {.fd = -1}};
    const runner *kind = runner_find(&campaign->stage[stage].run);
    host h;
    if (!kind->try_start)
        return;
    host_open(&h, &setting, 0, 0);
    kind->try_start(&h, stage, diags);
    host_close(&h);
}
