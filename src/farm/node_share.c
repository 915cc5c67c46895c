/* Ranks that have the same cores are told by the hash of their masks, and those that have the same GPUs by that of
 * their names: each takes the part of these that its slots are of all slots. */
#include "farm/node_share.h"
#include "farm/farm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Among those of a team that have the same things: how many slots they have together, and before this rank. */
typedef struct portion {
    int64_t before, mine, all;
} portion;

/* Of `count` things this rank has those from the one to before the other. */
static int first_of(const portion *p, int64_t count) {
    return (int)(p->before * count / p->all);
}

static int end_of(const portion *p, int64_t count) {
    return (int)((p->before + p->mine) * count / p->all);
}

static portion portion_of(const tf_team *team, const void *things, size_t size, int slots) {
    tf_team peers = tf_team_split(team, (int)(tf_hash(things, size, 0) & 0x3fffffff));
    portion p = {.mine = slots};
    p.before = tf_team_sum_before(&peers, slots);
    p.all = tf_team_sum(&peers, slots);
    tf_team_free(&peers);
    return p;
}

node_share node_share_find(const tf_team *team, bool works, int slots, bool bind, bool gpus) {
    node_share mine = {0};
    tf_team node = tf_team_of_node(team), workers = tf_team_split(&node, works ? 0 : -1);
    tf_team_free(&node);
    if (!works)
        return mine;
    tf_machine all = tf_machine_find(gpus);
    mine.slots = slots ? slots : workers.ranks == 1 ? all.cores : 1;
    portion cores = portion_of(&workers, all.core, all.core ? (size_t)all.cores * sizeof *all.core : 0, mine.slots);
    portion devices = portion_of(&workers, all.gpu, (size_t)all.gpus * sizeof *all.gpu, mine.slots);
    if (!bind || cores.all > all.cores) {
        free(all.core);
        all.core = NULL;
    }
    mine.machine = tf_machine_part(&all, first_of(&cores, all.cores), end_of(&cores, all.cores),
                                   first_of(&devices, all.gpus), end_of(&devices, all.gpus));
    mine.machine.memory /= workers.ranks;
    tf_machine_free(&all);
    tf_team_free(&workers);
    return mine;
}

/* ---- Is it enough? ---- */

static void add_amount(tf_buf *text, const tf_resources *r, const tf_resources *which) {
    char size[32];
    tf_buf_addf(text, "%lld slot%s", (long long)r->slots, r->slots == 1 ? "" : "s");
    if (which->memory > 0)
        tf_buf_addf(text, ", %s of memory", tf_format_size(r->memory, size));
    if (which->gpus > 0)
        tf_buf_addf(text, ", %lld GPU%s", (long long)r->gpus, r->gpus == 1 ? "" : "s");
}

static tf_err refuse(const tf_stage_spec *stage, const tf_resources *most, tf_error *error) {
    tf_buf needed = {0}, there = {0};
    tf_resources need = stage->need;
    need.slots = tf_resources_slots(&need);
    add_amount(&needed, &need, &need);
    add_amount(&there, most, &need);
    const char *advice = need.slots > most->slots ? "give ranks more with --slots, or mpirun --bind-to none"
                                                  : "start fewer ranks on a node, or use other nodes";
    tf_error_set_as(error, TF_ERR_RUN, TF_DIAG_TOO_FEW_RESOURCES,
                    "stage %s: a task needs %s, and no rank has as much (at most %s); %s", stage->name, needed.data,
                    there.data, advice);
    tf_buf_free(&needed);
    tf_buf_free(&there);
    return error->code;
}

tf_err node_share_suffices(const tf_team *team, const tf_campaign *campaign, const node_share *mine, const bool *runs,
                           tf_error *error) {
    const tf_resources have = {.slots = mine->slots, .memory = mine->machine.memory, .gpus = mine->machine.gpus};
    int64_t most[] = {have.slots, have.memory, have.gpus};
    int64_t *fits = tf_alloc_array((size_t)campaign->stages, sizeof *fits);
    for (int s = 0; s < campaign->stages; s++)
        fits[s] = tf_resources_fit(&have, &campaign->stage[s].need) > 0;
    tf_team_max_all(team, most, 3);
    tf_team_max_all(team, fits, campaign->stages);
    tf_err err = TF_OK;
    for (int s = 0; team->rank == 0 && s < campaign->stages && err == TF_OK; s++)
        if (runs[s] && !fits[s])
            err = refuse(&campaign->stage[s], &(tf_resources){most[0], most[1], most[2]}, error);
    free(fits);
    return err;
}

tf_err tf_farm_check_share(const tf_campaign *campaign, int slots, tf_error *error) {
    const tf_team alone = tf_team_alone();
    bool gpus = false, *runs = tf_alloc_array((size_t)campaign->stages, sizeof *runs);
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *stage = &campaign->stage[s];
        gpus = gpus || stage->need.gpus > 0;
        runs[s] = tf_stage_final(stage) > 0 && !tf_stage_has_files(stage);
    }
    node_share mine = node_share_find(&alone, true, slots, false, gpus);
    const tf_err err = node_share_suffices(&alone, campaign, &mine, runs, error);
    tf_machine_free(&mine.machine);
    free(runs);
    return err;
}
