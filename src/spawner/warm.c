/* Sockets and lives of warm parents (see warm.h). */
#include "spawner/warm.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/packet.h"
#include "host/python_parent.h"
#include "host/python_stage.h"

enum { MOST_IN_VAIN = 3 };

static bool is_warm(const tf_stage_spec *stage) {
    return stage->run.python && stage->run.python->warm != TF_WARM_NO;
}

/* The parent of a stage that the stage can share; NULL: there is none. */
static const warm_parent *find_shared(const warm_parents *w, const tf_campaign *campaign, int stage) {
    for (int i = 0; i < w->count; i++)
        if (python_parent_is_common(&campaign->stage[w->parent[i].stage], &campaign->stage[stage]))
            return &w->parent[i];
    return NULL;
}

/* NULL if there is no socket: then its stages are started cold. */
static const warm_parent *add_parent(warm_parents *w, int stage) {
    int pair[2];
    if (!packet_pair(pair))
        return NULL;
    w->parent = tf_realloc_array(w->parent, (size_t)w->count + 1, sizeof *w->parent);
    w->parent[w->count] = (warm_parent){.stage = stage, .near = pair[0], .far = pair[1]};
    return &w->parent[w->count++];
}

void warm_open(warm_parents *w, host_setting *setting) {
    const tf_campaign *campaign = setting->campaign;
    setting->warm = tf_alloc_array((size_t)campaign->stages, sizeof *setting->warm);
    for (int s = 0; s < campaign->stages; s++) {
        const warm_parent *parent = NULL;
        if (is_warm(&campaign->stage[s]))
            parent = find_shared(w, campaign, s);
        if (is_warm(&campaign->stage[s]) && !parent)
            parent = add_parent(w, s);
        setting->warm[s] = parent ? parent->near : -1;
    }
}

void warm_prepare(const host_setting *setting, int stage) {
    tf_buf packet = {0};
    if (!setting->campaign || setting->warm[stage] < 0)
        return;
    python_stage_add(setting->campaign, &setting->campaign->stage[stage], &packet);
    packet_send(setting->warm[stage], &packet, NULL, 0); /* if it does not come there, the first request does */
    tf_buf_free(&packet);
}

static void give_up(warm_parent *parent) {
    if (parent->far >= 0)
        close(parent->far);
    parent->far = -1;
}

void warm_leave(const warm_parents *w) {
    for (int i = 0; i < w->count; i++)
        if (w->parent[i].far >= 0)
            close(w->parent[i].far);
}

void warm_close(warm_parents *w, host_setting *setting) {
    warm_leave(w);
    for (int i = 0; i < w->count; i++)
        close(w->parent[i].near);
    free(w->parent);
    free(setting->warm);
    *w = (warm_parents){0};
    setting->warm = NULL;
}

void warm_watch(const warm_parents *w, struct pollfd *fds) {
    for (int i = 0; i < w->count; i++)
        fds[i] = (struct pollfd){w->parent[i].pid ? -1 : w->parent[i].far, POLLIN, 0};
}

static void count_in_vain(warm_parent *parent) {
    if (++parent->in_vain >= MOST_IN_VAIN)
        give_up(parent);
}

void warm_start(warm_parents *w, const struct pollfd *fds, const host_setting *setting) {
    for (int i = 0; i < w->count; i++) {
        warm_parent *parent = &w->parent[i];
        if (!fds[i].revents)
            continue;
        const pid_t pid = fork();
        if (pid == 0)
            python_parent_run(setting, &setting->campaign->stage[parent->stage], parent->far);
        parent->pid = pid > 0 ? pid : 0;
        if (pid < 0)
            count_in_vain(parent);
    }
}

bool warm_has(const warm_parents *w, pid_t pid) {
    for (int i = 0; i < w->count; i++)
        if (w->parent[i].pid == pid)
            return true;
    return false;
}

/* A parent that has forked a process says so, once, on its end of the socket. */
static bool has_forked(const warm_parent *parent) {
    char said[64];
    bool any = false;
    while (recv(parent->near, said, sizeof said, MSG_DONTWAIT) > 0)
        any = true;
    return any;
}

void warm_ended(warm_parents *w, pid_t pid) {
    for (int i = 0; i < w->count; i++) {
        warm_parent *parent = &w->parent[i];
        if (parent->pid != pid)
            continue;
        parent->pid = 0;
        if (has_forked(parent))
            parent->in_vain = 0;
        else
            count_in_vain(parent);
    }
}
