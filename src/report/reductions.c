/* Reductions in words and in JSON: titles, groups as objects, and what a summary has of them (see reductions.h). */
#include "report/reductions.h"

#include <stdlib.h>
#include <string.h>

#include "report/failures.h"
#include "report/groups.h"
#include "report/reduction_table.h"

/* What a summary shows of all reductions together: groups, and how others are seen. */
enum { MOST_GROUPS = 20, MOST_HINTS = 5 };

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

/* Is there little of it: few groups, and few numbers in each? */
static bool is_small(const tf_reader *reader, int table) {
    enum { MOST_NUMBERS = 4000 };
    int64_t numbers = 0;
    for (int f = 0; f < tf_reader_fields(reader, table); f++)
        numbers += tf_reader_field(reader, table, f)->elements;
    return tf_reader_tasks(reader, table) <= MOST_GROUPS && numbers <= MOST_NUMBERS;
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

/* Room that is left: what a summary shows stays on a screen. */
typedef struct room {
    int64_t groups, hints;
} room;

static tf_err print_table(FILE *out, const tf_recalled *from, int table, const char *path, room *left,
                          tf_error *error) {
    const int64_t rows = tf_reader_tasks(from->reader, table);
    if (is_small(from->reader, table) && rows <= left->groups) {
        left->groups -= rows > 0 ? rows : 1;
        return reduction_print_brief(out, from, table, error);
    }
    if (left->hints-- > 0)
        print_hint(out, from->reader, table, path);
    return TF_OK;
}

void reductions_print_all(FILE *out, tf_reader *reader, const char *path) {
    const tf_recalled from = {.reader = reader};
    char count[32];
    tf_error error;
    tf_err err = TF_OK;
    room left = {.groups = MOST_GROUPS, .hints = MOST_HINTS};
    for (int s = 0; s < tf_reader_stages(reader); s++)
        for (int n = 0; n < tf_reader_reductions(reader, s) && err == TF_OK; n++)
            err = print_table(out, &from, tf_reader_reduction(reader, s, n), path, &left, &error);
    if (err != TF_OK)
        tf_print(out, "  %s\n", error.text);
    if (left.hints < 0)
        tf_print(out, "  and %s more reduction%s\n", tf_format_count(-left.hints, count), left.hints == -1 ? "" : "s");
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

/* `whole`: by itself, and whatever its size. */
static cJSON *reduction_json(const tf_recalled *from, int table, bool whole, tf_error *error) {
    cJSON *json = cJSON_CreateObject();
    if (whole)
        cJSON_AddStringToObject(json, "stage", tf_reader_stage(from->reader, table));
    cJSON_AddStringToObject(json, whole ? "reduction" : "name", own_name(from->reader, table));
    if (whole)
        cJSON_AddItemToObject(json, "settings", cJSON_Parse(tf_reader_settings(from->reader, table)));
    add_keys(from->reader, table, json);
    cJSON_AddNumberToObject(json, "size", (double)tf_reader_tasks(from->reader, table));
    if ((!whole && !is_small(from->reader, table)) || add_groups(from, table, json, error) == TF_OK)
        return json;
    cJSON_Delete(json);
    return NULL;
}

cJSON *reductions_json(const tf_recalled *from, int stage, tf_error *error) {
    cJSON *list = cJSON_CreateArray();
    for (int n = 0; n < tf_reader_reductions(from->reader, stage); n++) {
        cJSON *item = reduction_json(from, tf_reader_reduction(from->reader, stage, n), false, error);
        if (!item) {
            cJSON_Delete(list);
            return NULL;
        }
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

static tf_err print_json(FILE *out, const tf_recalled *from, int table, tf_error *error) {
    cJSON *json = reduction_json(from, table, true, error);
    if (!json)
        return error->code;
    char *text = cJSON_Print(json);
    tf_print_json(out, text);
    cJSON_free(text);
    cJSON_Delete(json);
    return TF_OK;
}

tf_err reduction_show(FILE *out, const tf_recalled *from, int table, bool json, tf_error *error) {
    return json ? print_json(out, from, table, error) : reduction_print(out, from, table, error);
}
