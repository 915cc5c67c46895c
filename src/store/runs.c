/* The history of an output: what each of its runs was, for the attribute "runs" and, while a run goes on, the journal.
 * A JSON object a run, in a list; one that was killed has no "end". */
#include <cjson/cJSON.h>
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/attributes.h"
#include "store/file.h"
#include "store/journal.h"
#include "store/meet.h"
#include "store/notices.h"

static cJSON *runs_so_far(const contents *c) {
    cJSON *runs = c->runs ? cJSON_Parse(c->runs) : NULL;
    if (cJSON_IsArray(runs))
        return runs;
    cJSON_Delete(runs);
    return cJSON_CreateArray();
}

static void keep_runs(contents *c, cJSON *runs) {
    free(c->runs);
    c->runs = cJSON_PrintUnformatted(runs);
    cJSON_Delete(runs);
}

static void add_now(cJSON *run, const char *key) {
    char now[32];
    store_now(now);
    cJSON_AddStringToObject(run, key, now);
}

/* The first line of it: Open MPI's goes on with how it was built. */
static void add_versions(cJSON *run, bool with_mpi) {
    char mpi[MPI_MAX_LIBRARY_VERSION_STRING], hdf5[32];
    unsigned major, minor, release;
    int length;
    cJSON_AddStringToObject(run, "taskfarm", TASKFARM_VERSION);
    cJSON_AddStringToObject(run, "commit", tf_commit());
    if (with_mpi) {
        MPI_Get_library_version(mpi, &length);
        mpi[strcspn(mpi, ",\n")] = '\0';
        cJSON_AddStringToObject(run, "mpi", mpi);
    }
    H5get_libversion(&major, &minor, &release);
    snprintf(hdf5, sizeof hdf5, "%u.%u.%u", major, minor, release);
    cJSON_AddStringToObject(run, "hdf5", hdf5);
}

/* {"node1": 128, "node2": 128}: ranks by host, from names that each end with a NUL. */
static void add_hosts(cJSON *run, const tf_buf *names) {
    cJSON *hosts = cJSON_AddObjectToObject(run, "hosts");
    for (size_t at = 0; at < names->length; at += strlen(names->data + at) + 1) {
        cJSON *host = cJSON_GetObjectItemCaseSensitive(hosts, names->data + at);
        if (host)
            cJSON_SetNumberValue(host, host->valuedouble + 1);
        else
            cJSON_AddNumberToObject(hosts, names->data + at, 1);
    }
}

/* On the first rank. What the command line knows of the run comes last. */
static void note_start(const tf_store *s, const tf_buf *hosts, int64_t slots) {
    contents *c = &s->start->contents;
    cJSON *runs = runs_so_far(c), *run = cJSON_CreateObject();
    cJSON_AddNumberToObject(run, "run", cJSON_GetArraySize(runs) + 1);
    add_now(run, "start");
    cJSON_AddNumberToObject(run, "ranks", s->team.ranks);
    cJSON_AddNumberToObject(run, "slots", (double)slots);
    add_hosts(run, hosts);
    add_versions(run, s->team.comm != MPI_COMM_NULL);
    cJSON *about = s->start->about ? cJSON_Parse(s->start->about) : NULL;
    for (cJSON *member; about && (member = cJSON_DetachItemFromArray(about, 0));)
        cJSON_AddItemToObject(run, member->string, member);
    cJSON_Delete(about);
    cJSON_AddItemToArray(runs, run);
    keep_runs(c, runs);
}

static void share(tf_store *s) {
    tf_buf_clear(&s->runs);
    if (s->start && s->start->contents.runs)
        tf_buf_adds(&s->runs, s->start->contents.runs);
    store_spread(s, &s->runs);
}

static void append_part(void *all, const tf_buf *part) {
    tf_buf_add(all, tf_buf_text(part), part->length);
}

void store_begin_run(tf_store *s, int64_t slots) {
    char host[256] = "";
    tf_buf mine = {0}, all = {0};
    if (slots > 0) {
        gethostname(host, sizeof host - 1);
        tf_buf_add(&mine, host, strlen(host) + 1);
        store_gather(s, &mine, append_part, &all);
        if (s->start)
            note_start(s, &all, slots);
    }
    share(s);
    tf_buf_free(&mine);
    tf_buf_free(&all);
}

/* {"run": 3, ..., "stopped": [{"stage": "sim", "why": "..."}]} */
void tf_store_note_stop(tf_store *s, int stage, const char *why) {
    contents *c = &s->start->contents;
    cJSON *runs = runs_so_far(c), *run = cJSON_GetArrayItem(runs, cJSON_GetArraySize(runs) - 1);
    cJSON *list = cJSON_GetObjectItemCaseSensitive(run, "stopped"), *item = cJSON_CreateObject();
    if (!list)
        list = cJSON_AddArrayToObject(run, "stopped");
    cJSON_AddStringToObject(item, "stage", s->campaign->stage[stage].name);
    cJSON_AddStringToObject(item, "why", why);
    cJSON_AddItemToArray(list, item);
    keep_runs(c, runs);
}

void tf_store_note_incident(tf_store *s, int number, const char *incident) {
    tf_error unwritten; /* what a run can do without must not end it */
    contents_note_incident(&s->start->contents, number, incident);
    journal_add_incident(s->path, &s->start->journal, &s->start->contents, number, incident, s->dirty, &unwritten);
}

void tf_store_note_last_incident(const char *output, const char *incident) {
    tf_error unwritten;
    journal_add_last_incident(output, incident, &unwritten);
}

/* {"run": 3, ..., "notices": [...]} */
void tf_store_note_notices(tf_store *s, const tf_noticed *noticed, int count) {
    contents *c = &s->start->contents;
    cJSON *runs = runs_so_far(c), *run = cJSON_GetArrayItem(runs, cJSON_GetArraySize(runs) - 1);
    cJSON_DeleteItemFromObjectCaseSensitive(run, "notices");
    cJSON_AddItemToObject(run, "notices", tf_notices_json(s->campaign, noticed, count));
    keep_runs(c, runs);
}

void store_end_run(tf_store *s, const char *state) {
    if (s->start) {
        contents *c = &s->start->contents;
        cJSON *runs = runs_so_far(c), *last = cJSON_GetArrayItem(runs, cJSON_GetArraySize(runs) - 1);
        if (last) {
            add_now(last, "end");
            cJSON_AddStringToObject(last, "state", state);
        }
        keep_runs(c, runs);
    }
    share(s);
}
