/* Kinds of run: what manifests know, hosts can do. */
#include "fixture.h"

#include "host/runner.h"
#include "manifest/run.h"

Test(kinds, of_the_manifest_and_of_the_host_are_the_same) {
    for (const tf_run_kind *const *kind = run_kinds(); *kind; kind++) {
        const tf_run_spec run = {.kind = *kind, .key = (*kind)->key};
        const runner *runs = runner_find(&run);
        cr_expect(runs && strcmp(runs->key, run.key) == 0 && runs->run_row, "%s", run.key);
        cr_expect(tf_run_has_process(&run) || !tf_run_is_command(&run), "%s", run.key);
    }
}
