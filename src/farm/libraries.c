/* Rank 0 reads a library's file and one rank of each node gets it, into a file in memory, which the others of the node
 * open as well; hosts load it from there. So the file system is asked by one process, not by each host. On one node,
 * where all read from the same page cache, libraries are loaded by their path, which debuggers and profilers know. So
 * are those that look for others beside them ($ORIGIN). */
#include "farm/libraries.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY_NAME "taskfarm-library"

typedef struct nodes {
    tf_team mine;    /* the ranks of this node */
    tf_team leaders; /* the first rank of each; nobody on others */
    int64_t count;
} nodes;

static nodes find_nodes(const tf_team *team) {
    nodes n = {.mine = tf_team_of_node(team)};
    const bool leads = n.mine.rank == 0;
    n.leaders = tf_team_split(team, leads ? 0 : -1);
    n.count = tf_team_sum(team, leads);
    return n;
}

static void free_nodes(nodes *n) {
    tf_team_free(&n->mine);
    tf_team_free(&n->leaders);
}

/* Those that the loader would look for by their name have no path here. */
static void read_library(const char *path, tf_buf *file) {
    static const char beside[] = "$ORIGIN";
    if (tf_read_file(path, file) != 0 || file->length > INT32_MAX ||
        memmem(tf_buf_text(file), file->length, beside, sizeof beside - 1))
        tf_buf_clear(file);
}

/* Where the leader of this node has the memory file. */
typedef struct place {
    int64_t pid, fd;
} place;

/* -1: it is not there, or not ours: processes may have other numbers for each other. */
static int open_memory(const place *at, int64_t size) {
    char path[64], name[256] = "";
    struct stat info;
    snprintf(path, sizeof path, "/proc/%lld/fd/%lld", (long long)at->pid, (long long)at->fd);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd >= 0 && readlink(path, name, sizeof name - 1) > 0 && strstr(name, "memfd:" MEMORY_NAME) &&
        fstat(fd, &info) == 0 && info.st_size == size)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Collective. The file, as one in memory; -1: it is to be read by its path. */
static int copy_to_node(const tf_team *team, const nodes *n, const char *path) {
    int fd = -1;
    tf_buf file = {0};
    if (team->rank == 0)
        read_library(path, &file);
    int64_t size = (int64_t)file.length;
    tf_team_broadcast(team, &size, sizeof size);
    if (size == 0)
        return -1;
    const bool leads = n->leaders.ranks > 0;
    if (leads) {
        if (team->rank > 0)
            file = (tf_buf){.data = tf_alloc((size_t)size), .length = (size_t)size};
        tf_team_broadcast(&n->leaders, file.data, (size_t)size);
        fd = tf_memory_file(MEMORY_NAME, &file);
    }
    place at = {.pid = getpid(), .fd = fd};
    tf_team_broadcast(&n->mine, &at, sizeof at);
    if (!leads)
        fd = open_memory(&at, size);
    tf_team_meet(&n->mine); /* all have opened it: the leader may close it */
    tf_buf_free(&file);
    return fd;
}

static bool runs_library(const tf_stage_spec *stage, const char *library) {
    return tf_run_has_library(&stage->run) && strcmp(stage->run.library, library) == 0;
}

/* Is it the first one that runs its library? */
static bool brings_library(const tf_campaign *campaign, int stage) {
    const tf_run_spec *run = &campaign->stage[stage].run;
    if (!tf_run_has_library(run))
        return false;
    int first = 0;
    while (!runs_library(&campaign->stage[first], run->library))
        first++;
    return first == stage;
}

static tf_err give_to_spawner(const tf_campaign *campaign, const char *library, int fd, tf_spawner *spawner,
                              tf_error *error) {
    tf_err err = TF_OK;
    for (int s = 0; s < campaign->stages && err == TF_OK; s++)
        if (runs_library(&campaign->stage[s], library))
            err = tf_spawner_give_library(spawner, s, fd, error);
    return err;
}

tf_err libraries_pass_on(const tf_team *team, const tf_campaign *campaign, tf_spawner *spawner, tf_error *error) {
    tf_err err = TF_OK;
    bool any = false;
    for (int s = 0; s < campaign->stages && !any; s++)
        any = tf_run_has_library(&campaign->stage[s].run);
    if (!any)
        return TF_OK;
    nodes n = find_nodes(team);
    for (int s = 0; s < campaign->stages && n.count > 1; s++) {
        if (!brings_library(campaign, s))
            continue;
        const char *library = campaign->stage[s].run.library;
        int fd = copy_to_node(team, &n, library);
        if (fd >= 0 && spawner && err == TF_OK)
            err = give_to_spawner(campaign, library, fd, spawner, error);
        if (fd >= 0)
            close(fd);
    }
    free_nodes(&n);
    return err;
}
