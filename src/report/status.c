/* How far a campaign is, for people and for programs. */
#include <cjson/cJSON.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/report.h"

#define SILENCE 30.0 /* s after which a run that says that it lives has nothing to show for it */

static const char *const status_names[TF_STATUSES] = {"pending", "done", "failed", "timeout", "skipped", "excluded"};

/* ---- The sign of life ---- */

static double number_at(const cJSON *json, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

/* NULL: there is none. "age" is added: s since it was given. */
static cJSON *read_heartbeat(const char *output) {
    tf_buf path = {0}, text = {0};
    tf_buf_addf(&path, "%s.d/heartbeat", output);
    cJSON *json = tf_read_file(path.data, &text) == 0 ? cJSON_Parse(tf_buf_text(&text)) : NULL;
    if (json)
        cJSON_AddNumberToObject(json, "age", tf_wall() - number_at(json, "time"));
    tf_buf_free(&path);
    tf_buf_free(&text);
    return json;
}

/* The run's lock can't always be seen from another machine: there it lives if it was heard of lately. */
static bool is_running(const tf_survey *survey, const cJSON *beat) {
    char host[HOST_NAME_MAX + 1] = "";
    if (strcmp(survey->state, "interrupted") != 0 || !beat)
        return strcmp(survey->state, "running") == 0;
    gethostname(host, sizeof host - 1);
    const char *its = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(beat, "host"));
    const bool here = its && strcmp(its, host) == 0;
    return !here && number_at(beat, "age") < 10 * number_at(beat, "interval");
}

/* ---- For people ---- */

static void print_rate(FILE *out, double rate) {
    char text[32];
    if (rate >= 10)
        fprintf(out, "; %s tasks/s", tf_format_count((int64_t)rate, text));
    else if (rate > 0)
        fprintf(out, "; %.2g tasks/s", rate);
}

static void print_life(FILE *out, const cJSON *beat) {
    char elapsed[32], ranks[32], busy[32], slots[32];
    const double age = number_at(beat, "age");
    fprintf(out, " for %s; %s rank%s, %s of %s slots at work", tf_format_duration(number_at(beat, "elapsed"), elapsed),
            tf_format_count((int64_t)number_at(beat, "ranks"), ranks), number_at(beat, "ranks") == 1 ? "" : "s",
            tf_format_count((int64_t)number_at(beat, "busy"), busy),
            tf_format_count((int64_t)number_at(beat, "slots"), slots));
    if (age > SILENCE) {
        fprintf(out, ", but not heard of for %s: it may hang", tf_format_duration(age, elapsed));
        return;
    }
    print_rate(out, number_at(beat, "rate"));
    if (cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(beat, "left")))
        fprintf(out, ", %s left", tf_format_duration(number_at(beat, "left"), elapsed));
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(beat, "stopping")))
        fputs("; stopping", out);
}

/* A column for each status that some task has. */
static void print_stages(FILE *out, const tf_survey *survey) {
    enum { CELL = 16 };
    bool shown[TF_STATUSES] = {[TF_STATUS_DONE] = true};
    int width = 5;
    char text[32];
    for (int s = 0; s < survey->stages; s++) {
        int length = (int)strlen(survey->stage[s].name);
        width = length > width ? length : width;
        for (int k = 0; k < TF_STATUSES; k++)
            shown[k] = shown[k] || survey->stage[s].count[k] > 0;
    }
    fprintf(out, "  %-*s %*s", width, "stage", CELL, "tasks");
    for (int k = 1; k <= TF_STATUSES; k++)
        if (shown[k % TF_STATUSES])
            fprintf(out, " %*s", CELL, status_names[k % TF_STATUSES]);
    fputc('\n', out);
    for (int s = 0; s < survey->stages; s++) {
        const tf_survey_stage *stage = &survey->stage[s];
        fprintf(out, "  %-*s", width, stage->name);
        if (!stage->begun) {
            fputs(" has not begun\n", out);
            continue;
        }
        fprintf(out, " %*s", CELL, tf_format_count(stage->tasks, text));
        for (int k = 1; k <= TF_STATUSES; k++) /* pending ones last */
            if (shown[k % TF_STATUSES])
                fprintf(out, " %*s", CELL, tf_format_count(stage->count[k % TF_STATUSES], text));
        fputc('\n', out);
    }
}

void tf_report_status(FILE *out, const char *path, const tf_survey *survey) {
    char elapsed[32];
    cJSON *beat = read_heartbeat(path);
    const bool running = is_running(survey, beat);
    fprintf(out, "%s: %s", path, running ? "running" : survey->state);
    if (running && beat)
        print_life(out, beat);
    else if (!running)
        fprintf(out, " after %s", tf_format_duration(survey->elapsed, elapsed));
    if (!running && strcmp(survey->state, "interrupted") == 0)
        fputs("; the same command line goes on", out);
    fputc('\n', out);
    print_stages(out, survey);
    cJSON_Delete(beat);
}

/* ---- For programs ---- */

void tf_report_status_json(FILE *out, const char *path, const tf_survey *survey) {
    cJSON *json = cJSON_CreateObject(), *beat = read_heartbeat(path);
    const bool running = is_running(survey, beat);
    cJSON_AddStringToObject(json, "file", path);
    cJSON_AddStringToObject(json, "state", running ? "running" : survey->state);
    cJSON_AddNumberToObject(json, "elapsed", survey->elapsed);
    if (running && beat)
        cJSON_AddItemToObject(json, "heartbeat", beat);
    else
        cJSON_Delete(beat);
    cJSON *stages = cJSON_AddArrayToObject(json, "stages");
    for (int s = 0; s < survey->stages; s++) {
        const tf_survey_stage *stage = &survey->stage[s];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(stages, item);
        cJSON_AddStringToObject(item, "name", stage->name);
        cJSON_AddBoolToObject(item, "begun", stage->begun);
        if (!stage->begun)
            continue;
        cJSON_AddNumberToObject(item, "tasks", (double)stage->tasks);
        for (int k = 0; k < TF_STATUSES; k++)
            cJSON_AddNumberToObject(item, status_names[k], (double)stage->count[k]);
    }
    cJSON_AddItemToObject(json, "runs", cJSON_Parse(survey->runs));
    char *text = cJSON_Print(json);
    fprintf(out, "%s\n", text);
    cJSON_free(text);
    cJSON_Delete(json);
}
