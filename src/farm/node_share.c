/* Ranks that have the same cores are told by the hash of their masks, and those that have the same GPUs by that of
 * their names: each takes the part of these that its slots are of all slots. */
#include "farm/node_share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Among those of `comm` that have the same things: how many slots they have together, and before this rank. */
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

static portion portion_of(MPI_Comm comm, const void *things, size_t size, int slots) {
    MPI_Comm peers;
    portion p = {.mine = slots};
    MPI_Comm_split(comm, (int)(tf_hash(things, size, 0) & 0x3fffffff), 0, &peers);
    MPI_Allreduce(&p.mine, &p.all, 1, MPI_INT64_T, MPI_SUM, peers);
    MPI_Scan(&p.mine, &p.before, 1, MPI_INT64_T, MPI_SUM, peers);
    p.before -= p.mine;
    MPI_Comm_free(&peers);
    return p;
}

node_share node_share_find(MPI_Comm comm, bool works, int slots, bool bind, bool gpus) {
    node_share mine = {0};
    MPI_Comm node, workers;
    int count;
    MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
    MPI_Comm_split(node, works ? 0 : MPI_UNDEFINED, 0, &workers);
    MPI_Comm_free(&node);
    if (!works)
        return mine;
    MPI_Comm_size(workers, &count);
    tf_machine all = tf_machine_find(gpus);
    mine.slots = slots ? slots : count == 1 ? all.cores : 1;
    portion cores = portion_of(workers, all.core, all.core ? (size_t)all.cores * sizeof *all.core : 0, mine.slots);
    portion devices = portion_of(workers, all.gpu, (size_t)all.gpus * sizeof *all.gpu, mine.slots);
    if (!bind || cores.all > all.cores) {
        free(all.core);
        all.core = NULL;
    }
    mine.machine = tf_machine_part(&all, first_of(&cores, all.cores), end_of(&cores, all.cores),
                                   first_of(&devices, all.gpus), end_of(&devices, all.gpus));
    mine.machine.memory /= count;
    tf_machine_free(&all);
    MPI_Comm_free(&workers);
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

tf_err node_share_suffices(MPI_Comm comm, const tf_campaign *campaign, const node_share *mine, const bool *runs,
                           tf_error *error) {
    int rank;
    MPI_Comm_rank(comm, &rank);
    const tf_resources have = {.slots = mine->slots, .memory = mine->machine.memory, .gpus = mine->machine.gpus};
    int64_t here[] = {have.slots, have.memory, have.gpus}, most[3] = {0};
    uint8_t *fits = tf_alloc((size_t)campaign->stages), *any = tf_alloc((size_t)campaign->stages);
    for (int s = 0; s < campaign->stages; s++)
        fits[s] = tf_resources_fit(&have, &campaign->stage[s].need) > 0;
    MPI_Reduce(here, most, 3, MPI_INT64_T, MPI_MAX, 0, comm);
    MPI_Reduce(fits, any, campaign->stages, MPI_UINT8_T, MPI_MAX, 0, comm);
    tf_err err = TF_OK;
    for (int s = 0; rank == 0 && s < campaign->stages && err == TF_OK; s++)
        if (runs[s] && !any[s])
            err = refuse(&campaign->stage[s], &(tf_resources){most[0], most[1], most[2]}, error);
    free(fits);
    free(any);
    return err;
}
