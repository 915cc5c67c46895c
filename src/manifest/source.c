/* Where file contents come from: the disk, or a bundle that was recorded while rank 0 read the manifest.
 *
 * A bundle is the options as JSON, then every read and glob in the order they were made. Loading is deterministic, so
 * that a replay asks for the same things in the same order. */
#include "manifest/json.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

/* ---- The disk ---- */

static int disk_read(tf_source *self, const char *path, tf_buf *out) {
    (void)self;
    return tf_read_input(path, out);
}

static int by_bytes(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int disk_glob(tf_source *self, const char *pattern, tf_buf *out) {
    (void)self;
    glob_t found;
    int status = glob(pattern, GLOB_NOSORT, NULL, &found);
    if (status == GLOB_NOMATCH)
        return 0;
    if (status)
        return status == GLOB_NOSPACE ? ENOMEM : EIO;
    qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, by_bytes);
    for (size_t i = 0; i < found.gl_pathc; i++)
        tf_buf_add(out, found.gl_pathv[i], strlen(found.gl_pathv[i]) + 1);
    globfree(&found);
    return 0;
}

static int disk_scan(tf_source *self, const char *path, int64_t batch, int64_t before, tf_buf *out) {
    (void)self;
    return tf_csv_scan(path, batch, before, out);
}

tf_source tf_source_disk(void) {
    return (tf_source){.read = disk_read, .glob = disk_glob, .scan = disk_scan};
}

/* ---- Recording ---- */

typedef struct entry {
    uint64_t name_size; /* bytes, with its NUL */
    uint64_t data_size;
    int64_t status;
} entry;

static void add_entry(tf_buf *bytes, const char *name, int status, const char *data, size_t size) {
    entry head = {.name_size = strlen(name) + 1, .data_size = size, .status = status};
    tf_buf_add(bytes, &head, sizeof head);
    tf_buf_add(bytes, name, head.name_size);
    tf_buf_add(bytes, data, size);
}

typedef int reading(tf_source *self, const char *name, tf_buf *out);

/* The recorder that a source is a member of. */
static tf_recorder *recorder_of(tf_source *self) {
    return (tf_recorder *)(void *)((char *)self - offsetof(tf_recorder, source));
}

static int record(tf_recorder *recorder, reading *read, const char *name, tf_buf *out) {
    size_t before = out->length;
    int status = read(recorder->below, name, out);
    add_entry(&recorder->bytes, name, status, tf_buf_text(out) + before, out->length - before);
    return status;
}

static int record_read(tf_source *self, const char *path, tf_buf *out) {
    tf_recorder *recorder = recorder_of(self);
    return record(recorder, recorder->below->read, path, out);
}

static int record_glob(tf_source *self, const char *pattern, tf_buf *out) {
    tf_recorder *recorder = recorder_of(self);
    return record(recorder, recorder->below->glob, pattern, out);
}

static int record_scan(tf_source *self, const char *path, int64_t batch, int64_t before, tf_buf *out) {
    tf_recorder *recorder = recorder_of(self);
    size_t start = out->length;
    int status = recorder->below->scan ? recorder->below->scan(recorder->below, path, batch, before, out) : ENOSYS;
    add_entry(&recorder->bytes, path, status, tf_buf_text(out) + start, out->length - start);
    return status;
}

void tf_recorder_start(tf_recorder *recorder, const tf_load_options *options, tf_source *below) {
    *recorder =
        (tf_recorder){.source = {.read = record_read, .glob = record_glob, .scan = record_scan}, .below = below};
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "path", options->path);
    cJSON_AddStringToObject(json, "display", options->display);
    cJSON_AddStringToObject(json, "workdir", options->workdir);
    if (options->output)
        cJSON_AddStringToObject(json, "output", options->output);
    if (options->seed)
        cJSON_AddStringToObject(json, "seed", options->seed);
    if (options->retries)
        cJSON_AddStringToObject(json, "retries", options->retries);
    cJSON_AddBoolToObject(json, "keep_incomplete", options->keep_incomplete);
    cJSON_AddNumberToObject(json, "latency", options->latency);
    cJSON *sets = cJSON_AddArrayToObject(json, "set");
    for (int i = 0; i < options->sets; i++)
        cJSON_AddItemToArray(sets, cJSON_CreateString(options->set[i]));
    char *text = cJSON_PrintUnformatted(json);
    add_entry(&recorder->bytes, options->workdir, 0, text, strlen(text) + 1);
    free(text);
    cJSON_Delete(json);
}

void tf_recorder_add_links(tf_recorder *recorder, const tf_links *links) {
    add_entry(&recorder->bytes, "links", 0, tf_buf_text(&links->text), links->text.length);
}

/* What planning the run settles of a stage. */
typedef struct settled {
    int64_t batch, round;
} settled;

void tf_recorder_add_settled(tf_recorder *recorder, const tf_campaign *campaign) {
    tf_buf all = {0};
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *stage = &campaign->stage[s];
        const settled of = {.batch = tf_run_batch(&stage->run), .round = stage->streams->round};
        tf_buf_add(&all, &of, sizeof of);
    }
    add_entry(&recorder->bytes, "settled", 0, tf_buf_text(&all), all.length);
    tf_buf_free(&all);
}

void tf_recorder_free(tf_recorder *recorder) {
    tf_buf_free(&recorder->bytes);
}

/* ---- Replay ---- */

typedef struct replay {
    tf_source source;
    const char *next;
    size_t left;
} replay;

/* Reads the next entry. false: the bytes end, or make no sense. */
static bool next_entry(replay *from, entry *head, const char **name, const char **data) {
    if (from->left < sizeof *head)
        return false;
    memcpy(head, from->next, sizeof *head);
    size_t left = from->left - sizeof *head;
    if (head->name_size == 0 || head->name_size > left || head->data_size > left - head->name_size)
        return false;
    *name = from->next + sizeof *head;
    *data = *name + head->name_size;
    from->next = *data + head->data_size;
    from->left = left - head->name_size - head->data_size;
    return (*name)[head->name_size - 1] == '\0';
}

/* The replay that a source is a member of. */
static replay *replay_of(tf_source *self) {
    return (replay *)(void *)((char *)self - offsetof(replay, source));
}

static int replay_next(tf_source *self, const char *wanted, tf_buf *out) {
    entry head;
    const char *name, *data;
    if (!next_entry(replay_of(self), &head, &name, &data) || strcmp(name, wanted) != 0)
        return EPROTO;
    tf_buf_add(out, data, head.data_size);
    return (int)head.status;
}

static int replay_scan(tf_source *self, const char *path, int64_t batch, int64_t before, tf_buf *out) {
    (void)batch, (void)before;
    return replay_next(self, path, out);
}

static void read_links(replay *from, tf_links *links) {
    entry head;
    const char *name, *data;
    if (!next_entry(from, &head, &name, &data))
        return;
    for (const char *path = data, *target; path < data + head.data_size; path = target + strlen(target) + 1) {
        target = path + strlen(path) + 1;
        tf_links_add(links, path, strlen(path), target);
    }
}

static void read_settled(replay *from, const tf_campaign *campaign) {
    entry head;
    const char *name, *data;
    if (!next_entry(from, &head, &name, &data) || head.data_size != (uint64_t)campaign->stages * sizeof(settled))
        return;
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *stage = &campaign->stage[s];
        settled of;
        memcpy(&of, data + (size_t)s * sizeof of, sizeof of);
        if (stage->run.python && stage->run.python->batch)
            stage->run.python->batch->tasks = of.batch;
        tf_stage_set_round(stage, campaign->seed, of.round);
    }
}

static const char *text_member(const cJSON *json, const char *key) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
}

tf_campaign *tf_campaign_unbundle(const void *bytes, size_t size) {
    replay from = {
        .source = {.read = replay_next, .glob = replay_next, .scan = replay_scan}, .next = bytes, .left = size};
    entry head;
    const char *name, *data;
    cJSON *json = next_entry(&from, &head, &name, &data) ? cJSON_Parse(data) : NULL;
    if (!json)
        return NULL;
    const cJSON *sets = cJSON_GetObjectItemCaseSensitive(json, "set");
    int count = cJSON_GetArraySize(sets);
    const char **set = tf_alloc_array((size_t)count, sizeof *set);
    for (int i = 0; i < count; i++)
        set[i] = cJSON_GetArrayItem(sets, i)->valuestring;
    tf_load_options options = {.path = text_member(json, "path"),
                               .display = text_member(json, "display"),
                               .workdir = text_member(json, "workdir"),
                               .output = text_member(json, "output"),
                               .seed = text_member(json, "seed"),
                               .retries = text_member(json, "retries"),
                               .keep_incomplete =
                                   cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "keep_incomplete")),
                               .latency = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(json, "latency")),
                               .sets = count,
                               .set = set};
    tf_diags diags = {.file = options.display};
    tf_campaign *campaign = tf_campaign_load(&options, &from.source, &diags);
    if (campaign) {
        read_links(&from, &campaign->links);
        read_settled(&from, campaign);
    }
    tf_diags_free(&diags);
    free(set);
    cJSON_Delete(json);
    return campaign;
}

const char *tf_bundle_workdir(const void *bytes, size_t size) {
    replay from = {.next = bytes, .left = size};
    entry head;
    const char *name, *data;
    return next_entry(&from, &head, &name, &data) ? name : NULL;
}
