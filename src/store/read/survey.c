/* How far a campaign is, from its file: the statuses of all tasks are counted where they lie, whether the run that
 * writes them goes on, has been killed or is over. Nothing is locked, changed or waited for. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manifest/code.h"
#include "store/journal.h"
#include "store/read/reader.h"
#include "store/resume/plan.h"

/* What the last run said of itself; "interrupted" if it came to no end. */
static void find_state(const contents *c, bool held, tf_survey *survey) {
    cJSON *runs = c->runs ? cJSON_Parse(c->runs) : NULL;
    const cJSON *last = cJSON_GetArrayItem(runs, cJSON_GetArraySize(runs) - 1);
    const char *state = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(last, "state"));
    survey->state = tf_arena_strdup(survey->arena, held    ? tf_run_state_name(TF_STATE_RUNNING)
                                                   : state ? state
                                                           : tf_run_state_name(TF_STATE_INTERRUPTED));
    survey->runs = tf_arena_strdup(survey->arena, c->runs ? c->runs : "[]");
    cJSON_Delete(runs);
}

/* Most pieces have one status only, which is soon seen. */
static void count_piece(const uint8_t *status, int64_t count, int64_t *counts) {
    if (status[0] < TF_STATUSES && memcmp(status, status + 1, (size_t)count - 1) == 0) {
        counts[status[0]] += count;
        return;
    }
    int64_t bin[256] = {0};
    for (int64_t i = 0; i < count; i++)
        bin[status[i]]++;
    for (int s = 0; s < TF_STATUSES; s++)
        counts[s] += bin[s];
}

static tf_err count_statuses(const old_output *old, const contents_table *rows, tf_survey_stage *stage,
                             tf_error *error) {
    enum { AT_ONCE = 1 << 20, PIECE = 1 << 12 };
    uint8_t *status = tf_alloc(AT_ONCE);
    tf_err err = TF_OK;
    for (int64_t first = old_skip_hole(old, rows, 0), count; first < rows->rows && err == TF_OK;
         first = old_skip_hole(old, rows, first + count)) {
        count = rows->rows - first < AT_ONCE ? rows->rows - first : AT_ONCE;
        err = old_read(old, rows, 1, first, count, status, error);
        for (int64_t from = 0; from < count && err == TF_OK; from += PIECE)
            count_piece(status + from, count - from < PIECE ? count - from : PIECE, stage->count);
    }
    free(status);
    stage->count[TF_STATUS_PENDING] = stage->tasks; /* those that no page of the file says anything of, too */
    for (int s = 1; s < TF_STATUSES; s++)
        stage->count[TF_STATUS_PENDING] -= stage->count[s];
    return err;
}

static void survey_code(const contents_stage *found, tf_arena *arena, tf_survey_stage *stage) {
    tf_intervals other = {0};
    tf_buf names = {0}, text = {0};
    stage->unknown_code = found->code.versions ? code_other_rows(&found->code, &other) : stage->count[TF_STATUS_DONE];
    stage->other_code = other.total;
    code_changed_files(&found->code, &names);
    if (other.total > 0)
        tf_code_tell(&names, other.total, &text);
    stage->changed = tf_arena_strdup(arena, tf_buf_text(&text));
    tf_intervals_free(&other);
    tf_buf_free(&names);
    tf_buf_free(&text);
}

/* A journal does not have it: the file does. `found` is what a reader has found in it; NULL: there is no reader. */
static void survey_until(const contents_stage *found, tf_arena *arena, tf_survey_stage *stage) {
    if (!found || !found->finished || found->enough <= 0)
        return;
    stage->enough = found->enough;
    stage->until = tf_arena_strdup(arena, found->until ? found->until : "");
}

static tf_err survey_stages(const old_output *old, const tf_reader *reader, tf_survey *survey, tf_error *error) {
    const contents *c = &old->contents;
    const int most = c->names + c->stages;
    tf_err err = TF_OK;
    survey->stage = tf_arena_array(survey->arena, (size_t)most, sizeof *survey->stage);
    for (int n = 0; n < c->names; n++)
        survey->stage[survey->stages++].name = tf_arena_strdup(survey->arena, c->name[n]);
    for (int s = 0; s < c->stages && err == TF_OK; s++) {
        tf_survey_stage *stage = survey->stage;
        while (stage < survey->stage + survey->stages && strcmp(stage->name, c->stage[s].name) != 0)
            stage++;
        if (stage == survey->stage + survey->stages) {
            stage->name = tf_arena_strdup(survey->arena, c->stage[s].name);
            survey->stages++;
        }
        const contents_table *rows = contents_table_at(&c->stage[s], "task/status");
        stage->begun = true;
        stage->tasks = c->stage[s].tasks;
        if (rows && rows->offset >= 0)
            err = count_statuses(old, rows, stage, error);
        survey_code(&c->stage[s], survey->arena, stage);
        survey_until(contents_find(reader ? &reader_output(reader)->contents : c, stage->name), survey->arena, stage);
    }
    return err;
}

/* While a run is on its way, or where one was killed, the journal says where the rows are, and HDF5 is left out of it;
 * else the file says it, which a reader has looked at already. */
static tf_err survey_once(const char *path, const tf_reader *reader, bool held, tf_survey *survey, tf_error *error) {
    bool there = false;
    old_output own = {.path = path, .fd = -1};
    const old_output *old = &own;
    tf_err err = journal_read(path, &own.contents, &own.dirty, &there, error);
    if (err == TF_OK && there)
        err = old_open_rows(&own, error);
    else if (err == TF_OK && reader)
        old = reader_output(reader);
    else if (err == TF_OK)
        err = old_open(path, OLD_SALVAGES, &own, error);
    if (err == TF_OK) {
        find_state(&old->contents, held, survey);
        survey->lost = old->lost && !held;
        survey->elapsed = old->contents.elapsed;
        err = old->fd >= 0 ? survey_stages(old, reader, survey, error) : TF_OK;
    }
    old_close(&own);
    return err;
}

tf_err tf_store_survey(const char *path, const tf_reader *reader, tf_survey *survey, tf_error *error) {
    *survey = (tf_survey){0};
    tf_store_init();
    old_look once = {0};
    tf_err err;
    do {
        tf_survey_free(survey);
        *survey = (tf_survey){.arena = tf_arena_new()};
        old_look_begin(&once, path);
        if (access(path, R_OK) == 0)
            err = survey_once(path, reader, once.held, survey, error);
        else if (errno == ENOENT)
            err = old_missing(path, error);
        else
            err = tf_error_set_as(error, TF_ERR_USAGE, tf_diag_of_read(errno), "%s: %s", path, strerror(errno));
    } while (old_look_again(&once, path, err == TF_OK));
    return err;
}

void tf_survey_free(tf_survey *survey) {
    tf_arena_free(survey->arena);
}

/* ---- The sign of life ---- */

int tf_store_put_heartbeat(const char *output, const char *text) {
    tf_error error;
    int folder = folder_open(output, &error);
    if (folder < 0)
        return ENOENT;
    int failure = folder_replace(folder, "heartbeat", text, strlen(text), false);
    close(folder);
    return failure;
}

int tf_store_get_heartbeat(const char *output, tf_buf *text) {
    int folder = folder_open_any(output);
    if (folder < 0)
        return errno;
    int failure = folder_read(folder, "heartbeat", text);
    close(folder);
    return failure;
}
