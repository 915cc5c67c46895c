/* How far a campaign is, for people and for programs. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manifest/json_read.h"
#include "report/failures.h"
#include "report/incidents.h"
#include "report/notices.h"
#include "report/reductions.h"
#include "report/status.h"
#include "report/stops.h"

#define SILENCE 30.0 /* s after which a run that says that it lives has nothing to show for it */

/* ---- The sign of life ---- */

static double number_at(const cJSON *json, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, key);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

/* NULL: there is none. "age" is added: s since it was given. */
static cJSON *read_heartbeat(const char *output) {
    tf_buf text = {0};
    cJSON *json = tf_store_get_heartbeat(output, &text) == 0 ? cJSON_Parse(tf_buf_text(&text)) : NULL;
    if (json)
        cJSON_AddNumberToObject(json, "age", tf_wall() - number_at(json, "time"));
    tf_buf_free(&text);
    return json;
}

/* The run's lock can't always be seen from another machine: there it lives if it was heard of lately. */
static bool is_running(const tf_survey *survey, const cJSON *beat) {
    char host[HOST_NAME_MAX + 1] = "";
    const tf_run_state state = tf_run_state_of(survey->state);
    if (state != TF_STATE_INTERRUPTED || !beat)
        return state == TF_STATE_RUNNING;
    gethostname(host, sizeof host - 1);
    const char *its = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(beat, "host"));
    const bool here = its && strcmp(its, host) == 0;
    return !here && number_at(beat, "age") < 10 * number_at(beat, "interval");
}

/* ---- For people ---- */

static void print_rate(FILE *out, double rate) {
    char text[32];
    if (rate >= 10)
        tf_print(out, "; %s tasks/s", tf_format_count((int64_t)rate, text));
    else if (rate > 0)
        tf_print(out, "; %.2g tasks/s", rate);
}

/* How long the run has lasted: up to when it was heard of, and since. Clocks of two machines may differ. */
static double life_of(const cJSON *beat) {
    const double age = number_at(beat, "age");
    return number_at(beat, "elapsed") + (age > 0 ? age : 0);
}

static void print_life(FILE *out, const cJSON *beat) {
    char elapsed[32], ranks[32], busy[32], slots[32];
    const double age = number_at(beat, "age");
    tf_print(out, " for %s; %s rank%s, %s of %s slots at work", tf_format_duration(life_of(beat), elapsed),
             tf_format_count((int64_t)number_at(beat, "ranks"), ranks), number_at(beat, "ranks") == 1 ? "" : "s",
             tf_format_count((int64_t)number_at(beat, "busy"), busy),
             tf_format_count((int64_t)number_at(beat, "slots"), slots));
    if (age > SILENCE) {
        tf_print(out, ", but not heard of for %s: it may hang", tf_format_duration(age, elapsed));
        return;
    }
    print_rate(out, number_at(beat, "rate"));
    if (cJSON_IsNumber(cJSON_GetObjectItemCaseSensitive(beat, "left")))
        tf_print(out, ", %s left", tf_format_duration(number_at(beat, "left"), elapsed));
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(beat, "stopping")))
        tf_print(out, "; stopping");
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
    tf_print(out, "  %-*s %*s", width, "stage", CELL, "tasks");
    for (int k = 1; k <= TF_STATUSES; k++)
        if (shown[k % TF_STATUSES])
            tf_print(out, " %*s", CELL, tf_status_name((uint8_t)(k % TF_STATUSES)));
    tf_print(out, "\n");
    for (int s = 0; s < survey->stages; s++) {
        const tf_survey_stage *stage = &survey->stage[s];
        tf_print(out, "  %-*s", width, stage->name);
        if (!stage->begun) {
            tf_print(out, " has not begun\n");
            continue;
        }
        tf_print(out, " %*s", CELL, tf_format_count(stage->tasks, text));
        for (int k = 1; k <= TF_STATUSES; k++) /* pending ones last */
            if (shown[k % TF_STATUSES])
                tf_print(out, " %*s", CELL, tf_format_count(stage->count[k % TF_STATUSES], text));
        tf_print(out, "\n");
    }
}

/* Rows that were not made by the code of the last run, or of which that is not known. */
static void print_code(FILE *out, const tf_survey *survey) {
    char rows[32];
    for (int s = 0; s < survey->stages; s++) {
        const tf_survey_stage *stage = &survey->stage[s];
        if (stage->other_code > 0)
            tf_print(out, "  code of %s: %s; --rerun code makes %s anew\n", stage->name, stage->changed,
                     stage->other_code == 1 ? "it" : "them");
        if (stage->begun && stage->unknown_code > 0)
            tf_print(out, "  code of %s: not known for %s row%s\n", stage->name,
                     tf_format_count(stage->unknown_code, rows), stage->unknown_code == 1 ? "" : "s");
    }
}

/* What the history says of the last run under this key. NULL: nothing. To be freed. */
static cJSON *of_last_run(const tf_survey *survey, const char *key) {
    cJSON *runs = cJSON_Parse(survey->runs);
    cJSON *last = cJSON_GetArrayItem(runs, cJSON_GetArraySize(runs) - 1);
    cJSON *item = cJSON_DetachItemFromObjectCaseSensitive(last, key);
    cJSON_Delete(runs);
    return item;
}

/* What was noticed of stages: of a run that is at work it says so itself. NULL: nothing. To be freed. */
static cJSON *find_notices(const tf_survey *survey, const cJSON *beat) {
    return beat ? cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(beat, "notices"), true)
                : of_last_run(survey, "notices");
}

static void print_notices(FILE *out, const tf_survey *survey, const cJSON *beat) {
    cJSON *notices = find_notices(survey, beat);
    notices_print(out, notices, false);
    cJSON_Delete(notices);
}

/* Stages that the last run has stopped. */
static void print_stops(FILE *out, const tf_survey *survey) {
    cJSON *stops = of_last_run(survey, "stopped");
    for (const cJSON *stop = stops ? stops->child : NULL; stop; stop = stop->next) {
        const char *stage = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(stop, "stage"));
        const char *why = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(stop, "why"));
        if (stage && why)
            stops_print(out, stage, why);
    }
    cJSON_Delete(stops);
}

static void print_incidents(FILE *out, const tf_survey *survey) {
    cJSON *incidents = of_last_run(survey, "incidents");
    incidents_print(out, incidents);
    cJSON_Delete(incidents);
}

/* Of stages whose "until" has come true: what is pending there is to stay so. */
static void print_enough(FILE *out, const tf_survey *survey) {
    char rows[32];
    for (int s = 0; s < survey->stages; s++)
        if (survey->stage[s].enough > 0)
            tf_print(out, "  %s: enough was known after %s row%s: %s\n", survey->stage[s].name,
                     tf_format_count(survey->stage[s].enough, rows), survey->stage[s].enough == 1 ? "" : "s",
                     survey->stage[s].until);
}

/* ---- Details: why tasks failed, and which took long ---- */

typedef struct slow_task {
    int stage; /* of the survey */
    int64_t index;
    double seconds;
} slow_task;

enum { SLOW_TASKS = 3 };

typedef struct details {
    const char **name; /* of the survey's stages */
    tf_tally failures; /* owners are these */
    int slow;
    slow_task slowest[SLOW_TASKS];
} details;

static void rank_slow(details *d, int stage, int64_t index, double seconds) {
    int at = d->slow;
    while (at > 0 && d->slowest[at - 1].seconds < seconds)
        at--;
    if (at == SLOW_TASKS)
        return;
    if (d->slow < SLOW_TASKS)
        d->slow++;
    memmove(&d->slowest[at + 1], &d->slowest[at], (size_t)(d->slow - 1 - at) * sizeof *d->slowest);
    d->slowest[at] = (slow_task){stage, index, seconds};
}

static tf_err find_slowest(tf_reader *reader, int stage, int owner, int64_t most, details *d, tf_error *error) {
    enum { PIECE = 1 << 16 };
    const int64_t tasks = tf_reader_tasks(reader, stage);
    const int field = tf_reader_record(reader, stage, "duration");
    if (field < 0 || tasks > most)
        return TF_OK;
    double *seconds = tf_alloc_array(PIECE, sizeof *seconds);
    tf_err err = TF_OK;
    for (int64_t first = 0; first < tasks && err == TF_OK; first += PIECE) {
        const int64_t count = tasks - first < PIECE ? tasks - first : PIECE;
        err = tf_reader_numbers(reader, stage, field, first, count, seconds, error);
        for (int64_t i = 0; i < count && err == TF_OK; i++)
            if (seconds[i] > 0 && (d->slow < SLOW_TASKS || seconds[i] > d->slowest[SLOW_TASKS - 1].seconds))
                rank_slow(d, owner, first + i, seconds[i]);
    }
    free(seconds);
    return err;
}

/* Of a run that is at work: what it says itself. */
static void add_failures(const cJSON *beat, const tf_survey *survey, details *d) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(beat, "failures"), *item;
    cJSON_ArrayForEach(item, list) {
        const cJSON *tasks = cJSON_GetObjectItemCaseSensitive(item, "tasks");
        const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "message"));
        int64_t number[TF_TALLY_NUMBERS];
        int numbers = 0;
        for (const cJSON *n = tasks ? tasks->child : NULL; n && numbers < TF_TALLY_NUMBERS; n = n->next)
            number[numbers++] = (int64_t)n->valuedouble;
        const int stage = (int)number_at(item, "stage");
        if (message && stage >= 0 && stage < survey->stages)
            tf_tally_add(&d->failures, stage, message, strlen(message), (int64_t)number_at(item, "count"), number,
                         numbers);
    }
}

/* What can't be read now is not told. */
static int64_t count_tasks(const tf_survey_stage *stage, bool (*are)(uint8_t status)) {
    int64_t tasks = 0;
    for (int k = 0; k < TF_STATUSES; k++)
        tasks += are((uint8_t)k) ? stage->count[k] : 0;
    return tasks;
}

static void find_details(tf_reader *reader, const tf_survey *survey, bool running, const cJSON *beat, details *d) {
    enum { MOST = 1 << 24, MOST_WHILE_RUNNING = 1 << 20 };
    tf_error error;
    d->name = tf_arena_array(survey->arena, (size_t)survey->stages, sizeof *d->name);
    if (running)
        add_failures(beat, survey, d);
    for (int s = 0; s < survey->stages; s++) {
        const tf_survey_stage *stage = &survey->stage[s];
        d->name[s] = stage->name;
        const int number = reader ? tf_reader_find(reader, stage->name) : -1;
        if (number < 0)
            continue;
        if (!running && count_tasks(stage, tf_status_has_failed) > 0)
            failures_find(reader, number, s, &d->failures, &error);
        find_slowest(reader, number, s, running ? MOST_WHILE_RUNNING : MOST, d, &error);
    }
    tf_tally_sort(&d->failures);
}

static void print_slowest(FILE *out, const details *d) {
    char text[32];
    if (d->slow == 0)
        return;
    tf_print(out, "  slowest:");
    for (int i = 0; i < d->slow; i++)
        tf_print(out, "%s %s[%lld] %s", i ? "," : "", d->name[d->slowest[i].stage], (long long)d->slowest[i].index,
                 tf_format_duration(d->slowest[i].seconds, text));
    tf_print(out, "\n");
}

static void add_details(cJSON *json, const details *d) {
    failures_add_json(json, &d->failures, d->failures.count, d->name);
    cJSON *list = cJSON_AddArrayToObject(json, "slowest");
    for (int i = 0; i < d->slow; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        cJSON_AddStringToObject(item, "stage", d->name[d->slowest[i].stage]);
        cJSON_AddNumberToObject(item, "index", (double)d->slowest[i].index);
        cJSON_AddNumberToObject(item, "duration", d->slowest[i].seconds);
    }
}

/* ---- The whole ---- */

static bool is_over(const tf_survey *survey) {
    return tf_run_state_is_over(tf_run_state_of(survey->state));
}

/* As progress counts: those that ended, of those that are to be run. Where enough is known the rest is not. */
static int percent_of(const tf_survey *survey, const cJSON *beat) {
    int64_t ended = 0, all = 0;
    for (int s = 0; s < survey->stages; s++) {
        const tf_survey_stage *stage = &survey->stage[s];
        ended += count_tasks(stage, tf_status_is_good) + count_tasks(stage, tf_status_has_failed);
        all += stage->tasks - stage->count[TF_STATUS_SKIPPED];
        all -= stage->enough > 0 ? stage->count[TF_STATUS_PENDING] : 0;
    }
    if (beat) /* which knows of stages that have not begun, too */
        all = (int64_t)number_at(beat, "all");
    return all > 0 ? (int)(100 * (double)ended / (double)all) : is_over(survey) ? 100 : 0;
}

static void print_text(FILE *out, const char *path, const tf_survey *survey, bool running, const cJSON *beat,
                       const details *d) {
    char elapsed[32];
    tf_print(out, "%s: %s", path, running ? tf_run_state_name(TF_STATE_RUNNING) : survey->state);
    if (running && beat)
        print_life(out, beat);
    else if (!running && tf_run_state_of(survey->state) != TF_STATE_INTERRUPTED) /* nobody knows when that was */
        tf_print(out, " after %s", tf_format_duration(survey->elapsed, elapsed));
    if (running ? beat != NULL : !is_over(survey))
        tf_print(out, "; %d%%", percent_of(survey, running ? beat : NULL));
    if (!running && survey->lost)
        tf_print(out, "; what was in %s.d is lost: --salvage goes on with the rows that are whole without it", path);
    else if (!running && tf_run_state_of(survey->state) == TF_STATE_INTERRUPTED)
        tf_print(out, "; the same command line goes on");
    else if (!running && tf_run_state_of(survey->state) == TF_STATE_STOPPED) /* or was a run of targets alone */
        tf_print(out, "; the next run goes on from there");
    tf_print(out, "\n");
    print_stages(out, survey);
    print_enough(out, survey);
    print_code(out, survey);
    failures_print(out, &d->failures, path, d->name);
    print_notices(out, survey, running ? beat : NULL);
    print_stops(out, survey);
    print_incidents(out, survey);
    print_slowest(out, d);
}

/* What is known of a campaign. */
typedef struct state {
    const char *path;
    tf_survey survey;
    bool running;
    cJSON *beat; /* NULL: there is none */
    details details;
} state;

/* `reader`: of the output; NULL: there is none, because it can't be read now. */
static tf_err read_state(state *s, tf_reader *reader, tf_error *error) {
    tf_err err = tf_store_survey(s->path, reader, &s->survey, error);
    if (err != TF_OK)
        return err;
    s->beat = read_heartbeat(s->path);
    s->running = is_running(&s->survey, s->beat);
    find_details(reader, &s->survey, s->running, s->beat, &s->details);
    return TF_OK;
}

static void forget(state *s) {
    cJSON_Delete(s->beat);
    tf_tally_free(&s->details.failures);
    tf_survey_free(&s->survey);
}

/* Of a stage, by its name, as far as they can be read. */
static void add_reductions(cJSON *stage, tf_reader *reader, reductions_room *left) {
    tf_error error;
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(stage, "name"));
    const int number = reader ? tf_reader_find(reader, name) : -1;
    const tf_recalled from = {.reader = reader};
    cJSON *list =
        number >= 0 && tf_reader_reductions(reader, number) > 0 ? reductions_json(&from, number, left, &error) : NULL;
    if (list)
        cJSON_AddItemToObject(stage, "reductions", list);
}

/* What the stage runs, and its columns, as far as they can be read; of one that is an array not which axis it has. */
static void add_description(cJSON *stage, const tf_reader *reader) {
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(stage, "name"));
    const int number = reader ? tf_reader_find(reader, name) : -1;
    cJSON *run = number >= 0 ? cJSON_Parse(tf_reader_run(reader, number)) : NULL;
    if (run)
        cJSON_AddItemToObject(stage, "run", run);
    cJSON *results = number >= 0 ? cJSON_AddObjectToObject(stage, "results") : NULL;
    for (int f = 0; results && f < tf_reader_fields(reader, number); f++) {
        const tf_field *field = tf_reader_field(reader, number, f);
        if (field->kind != TF_FIELD_RESULT)
            continue;
        cJSON *column = cJSON_AddObjectToObject(results, field->name);
        cJSON_AddStringToObject(column, "type", tf_type_name(field->type));
        cJSON *shape = field->rank > 0 && !field->grid ? cJSON_AddArrayToObject(column, "shape") : NULL;
        for (int d = 0; shape && d < field->rank; d++)
            cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)field->shape[d]));
        if (field->grid)
            cJSON_AddBoolToObject(column, "array", true);
    }
}

static cJSON *as_json(const state *s, tf_reader *reader) {
    cJSON *json = cJSON_CreateObject();
    const tf_survey *survey = &s->survey;
    const cJSON *beat = s->running ? s->beat : NULL;
    reductions_room left = REDUCTIONS_IN_STATUS;
    cJSON_AddStringToObject(json, "file", s->path);
    cJSON_AddStringToObject(json, "state", s->running ? tf_run_state_name(TF_STATE_RUNNING) : survey->state);
    cJSON_AddNumberToObject(json, "elapsed", survey->elapsed);
    if (!s->running && survey->lost)
        cJSON_AddBoolToObject(json, "lost", true);
    if (!s->running || beat)
        cJSON_AddNumberToObject(json, "percent", percent_of(survey, beat));
    cJSON *stages = cJSON_AddArrayToObject(json, "stages");
    for (int n = 0; n < survey->stages; n++) {
        const tf_survey_stage *stage = &survey->stage[n];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(stages, item);
        cJSON_AddStringToObject(item, "name", stage->name);
        cJSON_AddBoolToObject(item, "begun", stage->begun);
        if (!stage->begun)
            continue;
        cJSON_AddNumberToObject(item, "tasks", (double)stage->tasks);
        for (int k = 0; k < TF_STATUSES; k++)
            cJSON_AddNumberToObject(item, tf_status_name((uint8_t)k), (double)stage->count[k]);
        cJSON_AddNumberToObject(item, "code_changed", (double)stage->other_code);
        cJSON_AddNumberToObject(item, "code_unknown", (double)stage->unknown_code);
        if (stage->other_code > 0)
            cJSON_AddStringToObject(item, "code", stage->changed);
        if (stage->enough > 0) {
            cJSON_AddNumberToObject(item, "enough", (double)stage->enough);
            cJSON_AddStringToObject(item, "until", stage->until);
        }
        add_description(item, reader);
        add_reductions(item, reader, &left);
    }
    add_details(json, &s->details);
    cJSON *stops = of_last_run(survey, "stopped");
    if (stops)
        cJSON_AddItemToObject(json, "stopped", stops);
    cJSON *incidents = of_last_run(survey, "incidents");
    if (incidents)
        cJSON_AddItemToObject(json, "incidents", incidents);
    cJSON *notices = find_notices(survey, beat);
    if (notices)
        cJSON_AddItemToObject(json, "notices", notices);
    if (beat) {
        cJSON *copy = cJSON_Duplicate(beat, true);
        cJSON_DeleteItemFromObjectCaseSensitive(copy, "failures"); /* they are there by name */
        cJSON_DeleteItemFromObjectCaseSensitive(copy, "notices");
        cJSON_AddItemToObject(json, "heartbeat", copy);
    }
    cJSON_AddItemToObject(json, "runs", cJSON_Parse(survey->runs));
    return json;
}

cJSON *status_json(const char *path, tf_reader *reader, tf_error *error) {
    state s = {.path = path};
    cJSON *json = read_state(&s, reader, error) == TF_OK ? as_json(&s, reader) : NULL;
    forget(&s);
    return json;
}

tf_err tf_report_status(FILE *out, const char *path, tf_status_style style, bool *running, tf_error *error) {
    state s = {.path = path};
    tf_error unread;
    tf_reader *reader = tf_reader_open(path, &unread);
    tf_err err = read_state(&s, reader, error);
    if (err == TF_OK && style == TF_STATUS_TEXT) {
        print_text(out, path, &s.survey, s.running, s.beat, &s.details);
        if (reader)
            reductions_print_all(out, reader, path);
        else if (unread.id == TF_DIAG_OUTPUT_DAMAGED && !s.running)
            tf_print(out, "  %s\n", unread.text);
    } else if (err == TF_OK) {
        cJSON *json = as_json(&s, reader);
        char *text = style == TF_STATUS_JSON ? json_print_indented(json) : cJSON_PrintUnformatted(json);
        tf_print_json(out, text);
        cJSON_free(text);
        cJSON_Delete(json);
    }
    *running = s.running;
    forget(&s);
    tf_reader_close(reader);
    return err;
}
