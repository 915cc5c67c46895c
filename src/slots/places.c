/* First fit, and neighbours where there are enough in a row: a task's cores should share caches. A slot gets the GPUs
 * that it had before if it can, because a function may hold on to them from task to task. */
#include "slots/places.h"

#include <stdlib.h>

typedef struct place {
    int owner;         /* the slot that has it; -1: nobody */
    tf_resources need; /* of the task there, of an owner */
    int *gpu, gpus;    /* numbers of those that it had last */
} place;

struct places {
    tf_machine mine;
    int slots;
    int idle;
    tf_resources all, left;
    place *place;
    int *gpu_owner; /* per GPU: a slot, or -1 */
};

places *places_new(const tf_machine *mine, int slots) {
    places *p = tf_alloc(sizeof *p);
    p->mine = tf_machine_part(mine, 0, mine->cores, 0, mine->gpus);
    p->slots = p->idle = slots;
    p->all = p->left = (tf_resources){.slots = slots, .memory = mine->memory, .gpus = mine->gpus};
    p->place = tf_alloc_array((size_t)slots, sizeof *p->place);
    p->gpu_owner = tf_alloc_array((size_t)mine->gpus, sizeof *p->gpu_owner);
    for (int n = 0; n < slots; n++)
        p->place[n].owner = -1;
    for (int g = 0; g < mine->gpus; g++)
        p->gpu_owner[g] = -1;
    return p;
}

void places_free(places *p) {
    if (!p)
        return;
    for (int n = 0; n < p->slots; n++)
        free(p->place[n].gpu);
    tf_machine_free(&p->mine);
    free(p->gpu_owner);
    free(p->place);
    free(p);
}

tf_resources places_all(const places *p) {
    return p->all;
}

int places_idle(const places *p) {
    return p->idle;
}

/* ---- Where ---- */

/* The GPUs that the slot had last are as many as are needed, and free. */
static bool can_have_again(const places *p, const place *where, int64_t count) {
    bool can = where->gpus == count;
    for (int i = 0; i < where->gpus; i++)
        can = can && p->gpu_owner[where->gpu[i]] < 0;
    return can;
}

/* How welcome a task with GPUs is in a slot: where it is not the first that had others, a process has to go. */
static int welcome(const places *p, const place *where, const tf_resources *need) {
    return can_have_again(p, where, need->gpus) ? 2 : where->gpus == 0;
}

static int find_with_gpus(const places *p, const tf_resources *need) {
    int best = -1, how = -1;
    for (int n = 0; n < p->slots; n++) {
        if (p->place[n].owner >= 0 || welcome(p, &p->place[n], need) <= how)
            continue;
        how = welcome(p, &p->place[n], need);
        best = n;
    }
    return best;
}

int places_find(const places *p, const tf_resources *need) {
    const int count = (int)tf_resources_slots(need);
    if (tf_resources_fit(&p->left, need) < 1)
        return -1;
    if (need->gpus > 0)
        return find_with_gpus(p, need);
    int first = -1;
    for (int n = 0, run = 0; n < p->slots; n++) {
        run = p->place[n].owner < 0 ? run + 1 : 0;
        if (run == count)
            return n - count + 1;
        if (first < 0 && run)
            first = n;
    }
    return first;
}

/* ---- Taking ---- */

static void claim_gpus(places *p, int slot, int64_t count) {
    place *where = &p->place[slot];
    if (!can_have_again(p, where, count)) {
        where->gpu = tf_realloc_array(where->gpu, (size_t)count, sizeof *where->gpu);
        where->gpus = 0;
        for (int g = 0; g < p->mine.gpus && where->gpus < count; g++)
            if (p->gpu_owner[g] < 0)
                where->gpu[where->gpus++] = g;
    }
    for (int i = 0; i < where->gpus; i++)
        p->gpu_owner[where->gpu[i]] = slot;
}

void places_claim(places *p, int slot, const tf_resources *need) {
    const int count = (int)tf_resources_slots(need);
    place *where = &p->place[slot];
    where->owner = slot;
    where->need = *need;
    int claimed = 1;
    for (int i = 1; i < p->slots && claimed < count; i++) { /* the next ones, and round from the first */
        place *other = &p->place[(slot + i) % p->slots];
        if (other->owner >= 0)
            continue;
        other->owner = slot;
        claimed++;
    }
    p->idle -= count;
    tf_resources_subtract(&p->left, need, 1);
    if (need->gpus > 0)
        claim_gpus(p, slot, need->gpus);
}

void places_release(places *p, int slot) {
    if (p->place[slot].owner != slot)
        return;
    p->idle += (int)tf_resources_slots(&p->place[slot].need);
    tf_resources_subtract(&p->left, &p->place[slot].need, -1);
    for (int n = 0; n < p->slots; n++)
        if (p->place[n].owner == slot)
            p->place[n].owner = -1;
    for (int g = 0; g < p->mine.gpus; g++)
        if (p->gpu_owner[g] == slot)
            p->gpu_owner[g] = -1;
}

/* ---- What it has ---- */

cpu_set_t places_cores(const places *p, int slot) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (!p->mine.core || p->mine.cores < p->slots)
        return cores;
    for (int n = 0; n < p->slots; n++) {
        if (p->place[n].owner != slot)
            continue;
        for (int c = n * p->mine.cores / p->slots; c < (n + 1) * p->mine.cores / p->slots; c++)
            CPU_OR(&cores, &cores, &p->mine.core[c]);
    }
    return cores;
}

void places_add_gpus(const places *p, int slot, tf_buf *list) {
    const place *where = &p->place[slot];
    for (int i = 0; i < where->gpus; i++)
        tf_buf_addf(list, "%s%s", i ? "," : "", p->mine.gpu[where->gpu[i]]);
}

const char *places_gpu_variable(const places *p) {
    return p->mine.gpu_variable ? p->mine.gpu_variable : "";
}
