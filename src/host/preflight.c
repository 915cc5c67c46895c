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
