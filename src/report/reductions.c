/* Reductions in words and in JSON: titles, groups as objects, and what a summary has of them (see reductions.h). */
#include "report/reductions.h"

#include <stdlib.h>
#include <string.h>

#include "manifest/json_read.h"
#include "report/failures.h"
#include "report/groups.h"
#include "report/reduction_table.h"

/* ---- Groups ---- */

static void add_group(view *v, const view_values *values, int64_t row, tf_buf *out) {
    for (int f = 0; f < view_fields(v); f++) {
        tf_buf_addc(out, f ? ',' : '{');
        tf_buf_add_json(out, view_field(v, f)->name, strlen(view_field(v, f)->name));
        tf_buf_addc(out, ':');
        view_add_json(&values[f], row, out);
    }
    tf_buf_addc(out, '}');
}

typedef struct groups_json {
    view *view;
    tf_buf *out;
    bool any;
} groups_json;

static void add_piece(void *context, const view_values *values, int64_t count) {
    groups_json *g = context;
    for (int64_t row = 0; row < count; row++) {
        if (g->any)
            tf_buf_addc(g->out, ',');
        g->any = true;
        add_group(g->view, values, row, g->out);
    }
}

static tf_err add_group_list(const tf_recalled *from, int table, tf_buf *out, tf_error *error) {
    groups_json g = {.view = view_new(from, table), .out = out};
    tf_buf_addc(out, '[');
    const tf_err err = groups_each_piece(g.view, NULL, add_piece, &g, error);
    tf_buf_addc(out, ']');
    view_free(g.view);
    return err;
}

static int64_t count_numbers(const tf_reader *reader, int table) {
    int64_t each = 0, all;
    for (int f = 0; f < tf_reader_fields(reader, table); f++)
        each += tf_reader_field(reader, table, f)->elements;
    return __builtin_mul_overflow(each, tf_reader_tasks(reader, table), &all) ? INT64_MAX : all;
}

/* Takes the room of its groups and numbers, if it is there. */
static bool has_room(const tf_reader *reader, int table, reductions_room *left) {
    const int64_t groups = tf_reader_tasks(reader, table), numbers = count_numbers(reader, table);
    const bool fits =
        groups <= left->groups && numbers <= left->numbers && tf_reader_fields(reader, table) <= left->fields;
    left->groups -= !fits ? 0 : groups > 0 ? groups : 1;
    left->numbers -= fits ? numbers : 0;
    return fits;
}

/* ---- A summary ---- */

static void print_hint(FILE *out, const tf_reader *reader, int table, const char *path) {
    char groups[32];
    tf_buf title = {0}, hint = {0};
    const int64_t rows = tf_reader_tasks(reader, table);
    groups_add_title(reader, table, &title);
    failures_add_hint("show", path, tf_reader_reduction_name(reader, table), -1, &hint);
    tf_print(out, "  %s: %s group%s; see: %s\n", tf_buf_text(&title), tf_format_count(rows, groups),
             rows == 1 ? "" : "s", tf_buf_text(&hint));
    tf_buf_free(&title);
    tf_buf_free(&hint);
}

void reductions_print_all(FILE *out, tf_reader *reader, const char *path) {
    enum { MOST_HINTS = 5 };
    const tf_recalled from = {.reader = reader};
    reductions_room left = REDUCTIONS_IN_STATUS;
    char count[32];
    int64_t others = 0;
    tf_error error;
    tf_err err = TF_OK;
    for (int s = 0; s < tf_reader_stages(reader); s++)
        for (int n = 0; n < tf_reader_reductions(reader, s) && err == TF_OK; n++) {
            const int table = tf_reader_reduction(reader, s, n);
            if (has_room(reader, table, &left))
                err = reduction_print_brief(out, &from, table, &error);
            else if (others++ < MOST_HINTS)
                print_hint(out, reader, table, path);
        }
    if (err != TF_OK)
        tf_print(out, "  %s\n", error.text);
    if (others > MOST_HINTS)
        tf_print(out, "  and %s more reduction%s\n", tf_format_count(others - MOST_HINTS, count),
                 others == MOST_HINTS + 1 ? "" : "s");
}

/* ---- For programs ---- */

static void add_keys(const tf_reader *reader, int table, cJSON *json) {
    cJSON *keys = cJSON_AddArrayToObject(json, "keys");
    for (int f = 0; f < tf_reader_fields(reader, table); f++)
        if (tf_reader_field(reader, table, f)->kind == TF_FIELD_PARAM)
            cJSON_AddItemToArray(keys, cJSON_CreateString(tf_reader_field(reader, table, f)->name));
}

/* Its name without the stage's. */
static const char *own_name(const tf_reader *reader, int table) {
    return tf_reader_reduction_name(reader, table) + strlen(tf_reader_stage(reader, table)) + 1;
}

static tf_err add_groups(const tf_recalled *from, int table, cJSON *json, tf_error *error) {
    tf_buf groups = {0};
    const tf_err err = add_group_list(from, table, &groups, error);
    cJSON_AddItemToObject(json, "groups", cJSON_CreateRaw(tf_buf_text(&groups)));
    tf_buf_free(&groups);
    return err;
}

static void add_settings(const tf_reader *reader, int table, cJSON *json) {
    cJSON *settings = cJSON_Parse(tf_reader_settings(reader, table));
    const cJSON *where = cJSON_GetObjectItemCaseSensitive(settings, "where");
    add_keys(reader, table, json);
    if (cJSON_IsString(where))
        cJSON_AddStringToObject(json, "where", where->valuestring);
    cJSON_AddNumberToObject(json, "size", (double)tf_reader_tasks(reader, table));
    cJSON_Delete(settings);
}

cJSON *reductions_json(const tf_recalled *from, int stage, reductions_room *left, tf_error *error) {
    cJSON *list = cJSON_CreateArray();
    for (int n = 0; n < tf_reader_reductions(from->reader, stage); n++) {
        const int table = tf_reader_reduction(from->reader, stage, n);
        cJSON *json = cJSON_CreateObject();
        cJSON_AddItemToArray(list, json);
        cJSON_AddStringToObject(json, "name", own_name(from->reader, table));
        add_settings(from->reader, table, json);
        if (has_room(from->reader, table, left) && add_groups(from, table, json, error) != TF_OK) {
            cJSON_Delete(list);
            return NULL;
        }
    }
    return list;
}

static tf_err print_json(FILE *out, const tf_recalled *from, int table, tf_error *error) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "stage", tf_reader_stage(from->reader, table));
    cJSON_AddStringToObject(json, "reduction", own_name(from->reader, table));
    cJSON_AddItemToObject(json, "settings", cJSON_Parse(tf_reader_settings(from->reader, table)));
    add_settings(from->reader, table, json);
    const tf_err err = add_groups(from, table, json, error);
    char *text = err == TF_OK ? json_print_indented(json) : NULL;
    if (text)
        tf_print_json(out, text);
    cJSON_free(text);
    cJSON_Delete(json);
    return err;
}

tf_err reduction_show(FILE *out, const tf_recalled *from, int table, bool json, tf_error *error) {
    return json ? print_json(out, from, table, error) : reduction_print(out, from, table, error);
}
