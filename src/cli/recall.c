/* From an output to the campaign that made it: the manifest that is in it, with the settings of the last run. An output
 * may be somebody else's: what its manifest reads (lists, tables) is opened with --trust alone. It may also be gone or
 * have changed. In all these cases the output is read without. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* Files, of which the manifest is the output's. */
typedef struct recall_source {
    tf_source source;
    tf_source disk;
    const char *path, *text;
    bool trusted; /* files of the disk may be opened */
    tf_arena *arena;
    const char *unopened; /* the first that was not; NULL: there is none */
} recall_source;

static int refuse(recall_source *s, const char *path) {
    if (!s->unopened)
        s->unopened = tf_arena_strdup(s->arena, path);
    return TF_READ_UNTRUSTED;
}

static int read_recalled(tf_source *self, const char *path, tf_buf *out) {
    recall_source *s = (recall_source *)(void *)self;
    if (strcmp(path, s->path) != 0)
        return s->trusted ? s->disk.read(&s->disk, path, out) : refuse(s, path);
    tf_buf_adds(out, s->text);
    return 0;
}

static int glob_disk(tf_source *self, const char *pattern, tf_buf *out) {
    recall_source *s = (recall_source *)(void *)self;
    return s->trusted ? s->disk.glob(&s->disk, pattern, out) : refuse(s, pattern);
}

static int scan_disk(tf_source *self, const char *path, int64_t batch, int64_t before, tf_buf *out) {
    recall_source *s = (recall_source *)(void *)self;
    return s->trusted ? s->disk.scan(&s->disk, path, batch, before, out) : refuse(s, path);
}

/* The random streams of a stage's rows that were made last. */
static void recall_round(const recalled *r, const tf_stage_spec *stage) {
    const int its = tf_reader_find(r->it.reader, stage->name);
    if (its >= 0)
        tf_stage_set_round(stage, r->campaign->seed, tf_fingerprint_round(tf_reader_fingerprint(r->it.reader, its)));
}

static void load_campaign(recalled *r, bool trusted) {
    cJSON *runs = cJSON_Parse(tf_reader_text(r->it.reader, "runs"));
    const cJSON *last = cJSON_GetArrayItem(runs, cJSON_GetArraySize(runs) - 1);
    const cJSON *sets = cJSON_GetObjectItemCaseSensitive(last, "set");
    const char *workdir = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(last, "workdir"));
    const char **set = tf_arena_array(r->arena, (size_t)cJSON_GetArraySize(sets) + 1, sizeof *set);
    tf_load_options *with = tf_arena_alloc(r->arena, sizeof *with);
    *with = (tf_load_options){.output = r->path, .workdir = "/", .set = set};
    for (const cJSON *item = sets ? sets->child : NULL; item; item = item->next)
        if (cJSON_IsString(item))
            set[with->sets++] = tf_arena_strdup(r->arena, item->valuestring);
    if (workdir)
        with->workdir = tf_arena_strdup(r->arena, workdir);
    cJSON_Delete(runs);
    with->path = tf_arena_printf(r->arena, "%s.json", tf_reader_text(r->it.reader, "name"));
    with->display = "the manifest in it";
    with->seed = tf_arena_printf(r->arena, "%llu", (unsigned long long)tf_reader_seed(r->it.reader));
    r->diags.file = with->display;
    recall_source source = {.source = {.read = read_recalled, .glob = glob_disk, .scan = scan_disk},
                            .disk = tf_source_disk(),
                            .path = with->path,
                            .text = tf_reader_text(r->it.reader, "manifest"),
                            .trusted = trusted,
                            .arena = r->arena};
    if (trusted && chdir(with->workdir) != 0) /* another machine: what is not read from files is known all the same */
        with->workdir = "/";
    r->campaign = tf_campaign_load(with, &source.source, &r->diags);
    for (int s = 0; r->campaign && s < r->campaign->stages; s++)
        recall_round(r, &r->campaign->stage[s]);
    r->it.with = with;
    r->it.unopened = r->campaign ? NULL : source.unopened;
}

int cli_recall(const options *o, recalled *r) {
    tf_error error = {0};
    *r = (recalled){.name = o->manifest, .arena = tf_arena_new()};
    char *path = realpath(o->manifest, NULL);
    r->path = tf_arena_strdup(r->arena, path ? path : o->manifest);
    free(path);
    r->it.reader = tf_reader_open(o->manifest, &error);
    if (!r->it.reader) {
        cli_forget(r);
        cli_name_output(o, &error);
        return cli_fail(o, NULL, &error);
    }
    load_campaign(r, o->trust);
    const char *why = tf_buf_text(&r->diags.lines);
    r->it.campaign = r->campaign;
    r->it.why = tf_arena_printf(r->arena, "the campaign can't be made again from %.*s", (int)strcspn(why, "\n"), why);
    return TF_OK;
}

void cli_forget(recalled *r) {
    tf_reader_close(r->it.reader);
    tf_campaign_free(r->campaign);
    tf_diags_free(&r->diags);
    tf_arena_free(r->arena);
}
