/* taskfarm diff: two outputs, stage by stage and row by row, with the reductions of each stage behind it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "report/compare.h"

typedef struct outputs {
    const char *path[2]; /* the paths, as they were given */
    recalled of[2];
    const char *stage; /* the only one that is wanted, or the only reduction; NULL: all */
    cJSON *stages;     /* what differs, by stage, where JSON is wanted; else NULL */
    cJSON *reductions; /* likewise, by reduction */
    cJSON *stages_only[2], *reductions_only[2];
    int wanted;  /* how many stages and reductions that are wanted there are */
    bool differ; /* they differ, or not all can be compared */
} outputs;

static const tf_field *field_of(const compared *c, int column) {
    return view_field(c->of[0], c->column[column].field[0]);
}

/* ---- For people ---- */

/* The beginning of a long one. */
static void print_value(const tf_buf *value) {
    enum { MOST = 60 };
    size_t length = value->length;
    if (length > MOST)
        for (length = MOST; length > 0 && ((unsigned char)value->data[length] & 0xC0) == 0x80;)
            length--;
    tf_print(stdout, "%.*s%s", (int)length, tf_buf_text(value), length < value->length ? "..." : "");
}

static const char *noun(const compared *c, int64_t count) {
    return view_is_reduction(c->of[0]) ? count == 1 ? "group" : "groups" : count == 1 ? "row" : "rows";
}

/* Is there no more than one group, which has no keys? */
static bool is_only_group(const compared *c) {
    return view_is_reduction(c->of[0]) && view_field(c->of[0], 0)->kind != TF_FIELD_PARAM;
}

static void add_key(const compared *c, int side, int field, int64_t row, tf_buf *out) {
    view_values values = {0};
    tf_error ignored;
    if (view_read(c->of[side], field, row, 1, &values, &ignored) == TF_OK)
        view_add_csv(&values, 0, 0, out);
    view_values_free(&values);
}

/* The keys of a group: "[R, 3]"; nothing of the only one. */
static void print_keys(const compared *c, int side, int64_t row) {
    const view *v = c->of[side];
    tf_buf keys = {0};
    for (int f = 0; f < view_fields(v) && view_field(v, f)->kind == TF_FIELD_PARAM; f++) {
        tf_buf_adds(&keys, f ? ", " : "[");
        add_key(c, side, f, row, &keys);
    }
    if (keys.length)
        tf_print(stdout, "%s]", keys.data);
    tf_buf_free(&keys);
}

/* "[3]", with both rows where they are not the same; or the keys of a group. */
static void print_row(const compared *c, const int64_t row[2]) {
    if (view_is_reduction(c->of[0])) {
        print_keys(c, 0, row[0]);
        return;
    }
    tf_print(stdout, "[%lld]", (long long)row[0]);
    if (row[1] != row[0])
        tf_print(stdout, " and [%lld]", (long long)row[1]);
}

/* "[2, 0]" */
static void print_place(const int64_t *place, int rank) {
    for (int d = 0; d < rank; d++)
        tf_print(stdout, d ? ", %lld" : "[%lld", (long long)place[d]);
    tf_print(stdout, "]");
}

static void print_places(const difference *d, int rank) {
    tf_print(stdout, "(element ");
    print_place(d->place[0], rank);
    if (memcmp(d->place[0], d->place[1], (size_t)rank * sizeof *d->place[0]) != 0) {
        tf_print(stdout, " and ");
        print_place(d->place[1], rank);
    }
    tf_print(stdout, ") ");
}

/* "[3] 1.5, 1.6", with the place in an array. */
static void print_difference(const compared *c, const difference *d, const tf_field *field) {
    print_row(c, d->row);
    if (!is_only_group(c))
        tf_print(stdout, " ");
    if (field->rank > 0)
        tf_print(stdout, "(element %lld) ", (long long)d->element);
    if (field->grid)
        print_places(d, field->grid->rank);
    print_value(&d->value[0]);
    tf_print(stdout, ", ");
    print_value(&d->value[1]);
}

static void print_column(const outputs *o, const compared *c, int k) {
    const compared_column *column = &c->column[k];
    const tf_field *field = field_of(c, k);
    char count[32];
    if (column->form[0])
        tf_print(stdout, "  %s is %s in %s, %s in %s\n", field->dataset, column->form[0], o->path[0], column->form[1],
                 o->path[1]);
    if (column->why_not && !column->form[0])
        tf_print(stdout, "  %s is not compared: %s\n", field->dataset, column->why_not);
    if (column->left_out > 0)
        tf_print(stdout, "  %s is not compared in %s %s: %s\n", field->dataset,
                 tf_format_count(column->left_out, count), noun(c, column->left_out), column->why_left_out);
    if (column->rows == 0)
        return;
    tf_print(stdout, "  %s: %s %s", field->dataset, tf_format_count(column->rows, count), noun(c, column->rows));
    if (column->gap.measured)
        tf_print(stdout, ", by %.3g at most (relative %.3g)", column->gap.largest, column->gap.relative);
    for (int d = 0; d < column->shown; d++) {
        tf_print(stdout, d ? "; " : ": ");
        print_difference(c, &column->first[d], field);
    }
    tf_print(stdout, column->rows > column->shown ? "; ...\n" : "\n");
}

static void print_alone(const outputs *o, const compared *c, int side) {
    char count[32];
    if (c->alone[side] == 0)
        return;
    tf_print(stdout, "  %s %s %s in %s only", tf_format_count(c->alone[side], count), noun(c, c->alone[side]),
             c->alone[side] == 1 ? "is" : "are", o->path[side]);
    for (int i = 0; i < c->alone[side] && i < COMPARE_SHOWN; i++) {
        tf_print(stdout, i ? ", " : ": ");
        if (view_is_reduction(c->of[side]))
            print_keys(c, side, c->first_alone[side][i]);
        else
            tf_print(stdout, "[%lld]", (long long)c->first_alone[side][i]);
    }
    tf_print(stdout, c->alone[side] > COMPARE_SHOWN ? ", ...\n" : "\n");
}

static void print_lengths(const outputs *o, const char *name, const compared *c) {
    char rows[32], others[32];
    const bool is_reduction = view_is_reduction(c->of[0]);
    tf_print(stdout, "%s \"%s\": %s %s", is_reduction ? "reduction" : "stage", name, tf_format_count(c->tasks[0], rows),
             noun(c, c->tasks[0]));
    if (c->tasks[0] == c->tasks[1])
        return;
    tf_print(stdout, " in %s, %s in %s", o->path[0], tf_format_count(c->tasks[1], others), o->path[1]);
    if (!is_reduction)
        tf_print(stdout, ", compared by their %s%s",
                 c->by_points ? "parameters" : "index: ", c->by_points ? "" : c->why);
}

static void print_stage(const outputs *o, const char *name, const compared *c) {
    char rows[32];
    print_lengths(o, name, c);
    if (c->rows > 0)
        tf_print(stdout, "; %s differ%s", tf_format_count(c->rows, rows), c->rows == 1 ? "s" : "");
    tf_print(stdout, compared_differ(c)   ? "\n"
                     : compared_wholly(c) ? ", the same\n"
                                          : ", the same as far as they are compared\n");
    for (int k = 0; k < c->columns; k++)
        print_column(o, c, k);
    for (int side = 0; side < 2; side++) {
        for (int n = 0; n < c->only[side]; n++)
            tf_print(stdout, "  %s is in %s only\n", view_field(c->of[side], c->only_in[side][n])->dataset,
                     o->path[side]);
        print_alone(o, c, side);
    }
}

/* ---- For programs ---- */

static const char *const sides[] = {"a", "b"};

static void add_value(cJSON *to, const char *key, const tf_field *field, const tf_buf *value) {
    double number;
    const bool is_number = tf_type_is_float(field->type);
    const bool is_finite = !is_number || !tf_parse_double(tf_buf_text(value), &number) || isfinite(number);
    const bool is_word = field->kind == TF_FIELD_TASK || !is_finite; /* "nan", "inf": JSON has no such numbers */
    cJSON_AddItemToObject(to, key,
                          is_word ? cJSON_CreateString(tf_buf_text(value)) : cJSON_CreateRaw(tf_buf_text(value)));
}

static void add_number(cJSON *to, const char *key, bool is_known, double value) {
    cJSON_AddItemToObject(to, key, is_known && isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

static void add_pair(cJSON *to, const char *key, const int64_t pair[2]) {
    cJSON *list = cJSON_AddArrayToObject(to, key);
    for (int side = 0; side < 2; side++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)pair[side]));
}

/* Of an element in the whole array of either file. */
static void add_places(cJSON *to, const difference *its, int rank) {
    cJSON *list = cJSON_AddArrayToObject(to, "element");
    for (int side = 0; side < 2; side++) {
        cJSON *place = cJSON_CreateArray();
        cJSON_AddItemToArray(list, place);
        for (int d = 0; d < rank; d++)
            cJSON_AddItemToArray(place, cJSON_CreateNumber((double)its->place[side][d]));
    }
}

static cJSON *column_json(const compared *c, int k) {
    static const char *const kinds[][2] = {[TF_FIELD_PARAM] = {"parameter", "key"},
                                           [TF_FIELD_RESULT] = {"result", "statistic"},
                                           [TF_FIELD_TASK] = {"record", ""}};
    const compared_column *column = &c->column[k];
    const tf_field *field = field_of(c, k);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", field->dataset);
    cJSON_AddStringToObject(json, "kind", kinds[field->kind][view_is_reduction(c->of[0]) ? 1 : 0]);
    cJSON_AddBoolToObject(json, "same",
                          column->rows == 0 && !column->form[0] && !column->why_not && column->left_out == 0);
    for (int side = 0; side < 2 && column->form[0]; side++)
        cJSON_AddStringToObject(json, side ? "form_b" : "form_a", column->form[side]);
    if (column->why_not)
        cJSON_AddStringToObject(json, "not_compared", column->why_not);
    if (column->left_out > 0) {
        cJSON_AddNumberToObject(json, "rows_not_compared", (double)column->left_out);
        cJSON_AddStringToObject(json, "why_not_compared", column->why_left_out);
    }
    cJSON_AddNumberToObject(json, "differ", (double)column->rows);
    add_number(json, "largest", column->gap.measured, column->gap.largest);
    add_number(json, "largest_relative", column->gap.measured, column->gap.relative);
    cJSON *list = cJSON_AddArrayToObject(json, "first");
    for (int d = 0; d < column->shown; d++) {
        const difference *its = &column->first[d];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddItemToArray(list, item);
        add_pair(item, "rows", its->row);
        if (field->rank > 0)
            cJSON_AddNumberToObject(item, "element", (double)its->element);
        if (field->grid)
            add_places(item, its, field->grid->rank);
        for (int side = 0; side < 2; side++)
            add_value(item, sides[side], view_field(c->of[side], column->field[side]), &its->value[side]);
    }
    return json;
}

static cJSON *stage_json(const char *name, const compared *c) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", name);
    cJSON_AddBoolToObject(json, "same", !compared_differ(c) && compared_wholly(c));
    const bool is_reduction = view_is_reduction(c->of[0]);
    add_pair(json, is_reduction ? "groups" : "tasks", c->tasks);
    cJSON_AddStringToObject(json, "by", !c->by_points ? "index" : is_reduction ? "keys" : "parameters");
    cJSON_AddNumberToObject(json, "compared", (double)c->pairs);
    cJSON_AddNumberToObject(json, "differ", (double)c->rows);
    cJSON *list = cJSON_AddArrayToObject(json, "columns");
    for (int k = 0; k < c->columns; k++)
        cJSON_AddItemToArray(list, column_json(c, k));
    cJSON *rows = cJSON_AddObjectToObject(json, "rows_only"), *columns = cJSON_AddObjectToObject(json, "columns_only");
    for (int side = 0; side < 2; side++) {
        cJSON *item = cJSON_AddObjectToObject(rows, sides[side]);
        cJSON_AddNumberToObject(item, "count", (double)c->alone[side]);
        list = cJSON_AddArrayToObject(item, "first");
        for (int i = 0; i < c->alone[side] && i < COMPARE_SHOWN; i++)
            cJSON_AddItemToArray(list, cJSON_CreateNumber((double)c->first_alone[side][i]));
        list = cJSON_AddArrayToObject(columns, sides[side]);
        for (int n = 0; n < c->only[side]; n++)
            cJSON_AddItemToArray(list, cJSON_CreateString(view_field(c->of[side], c->only_in[side][n])->dataset));
    }
    return json;
}

/* ---- Stages and reductions ---- */

/* A stage that is wanted is so with its reductions. */
static bool is_wanted(const outputs *o, const tf_reader *reader, int table) {
    const char *reduction = tf_reader_reduction_name(reader, table);
    return !o->stage || strcmp(o->stage, tf_reader_stage(reader, table)) == 0 ||
           (reduction && strcmp(o->stage, reduction) == 0);
}

/* The same in the other output; -1: it is not there. */
static int find_other(const outputs *o, int side, int table) {
    const tf_reader *own = o->of[side].it.reader, *other = o->of[1 - side].it.reader;
    const char *stage = tf_reader_stage(own, table), *reduction = tf_reader_reduction_name(own, table);
    const int its = tf_reader_find(other, stage);
    return its < 0 || !reduction ? its : tf_reader_find_reduction(other, its, reduction + strlen(stage) + 1);
}

/* Visits what is wanted of an output: each stage, then its reductions. */
typedef tf_err on_table(outputs *o, int side, int table, tf_error *error);
static tf_err each_table(outputs *o, int side, on_table *visit, tf_error *error) {
    const tf_reader *reader = o->of[side].it.reader;
    tf_err err = TF_OK;
    for (int s = 0; s < tf_reader_stages(reader); s++)
        for (int n = -1; n < tf_reader_reductions(reader, s) && err == TF_OK; n++) {
            const int table = n < 0 ? s : tf_reader_reduction(reader, s, n);
            if (is_wanted(o, reader, table))
                err = visit(o, side, table, error);
        }
    return err;
}

static tf_err count_table(outputs *o, int side, int table, tf_error *error) {
    (void)side, (void)table, (void)error;
    o->wanted++;
    return TF_OK;
}

/* false after a diagnostic: the one that is wanted is in neither. */
static bool has_stage(outputs *o) {
    tf_error error;
    for (int side = 0; side < 2 && o->stage; side++)
        each_table(o, side, count_table, &error);
    return !o->stage || o->wanted > 0 || cli_find_table(&o->of[0], o->stage) >= 0;
}

static const char *name_of(const tf_reader *reader, int table) {
    const char *reduction = tf_reader_reduction_name(reader, table);
    return reduction ? reduction : tf_reader_stage(reader, table);
}

/* If both have it. */
static tf_err compare_table(outputs *o, int side, int table, tf_error *error) {
    const tf_reader *own = o->of[side].it.reader;
    const int other = find_other(o, side, table);
    if (other < 0)
        return TF_OK;
    view *a = view_new(&o->of[0].it, table), *b = view_new(&o->of[1].it, other);
    compared c;
    const tf_err err = compare_stages(a, b, &c, error);
    if (err == TF_OK && o->stages)
        cJSON_AddItemToArray(view_is_reduction(a) ? o->reductions : o->stages, stage_json(name_of(own, table), &c));
    else if (err == TF_OK)
        print_stage(o, name_of(own, table), &c);
    o->differ = o->differ || compared_differ(&c) || !compared_wholly(&c);
    compared_free(&c);
    view_free(a);
    view_free(b);
    return err;
}

/* What one of them alone has. Of a stage that only one has, its reductions need not be told. */
static tf_err tell_other(outputs *o, int side, int table, tf_error *error) {
    const tf_reader *own = o->of[side].it.reader;
    const bool is_reduction = tf_reader_reduction_name(own, table) != NULL;
    const bool is_told = is_reduction && tf_reader_find(o->of[1 - side].it.reader, tf_reader_stage(own, table)) < 0 &&
                         (!o->stage || strcmp(o->stage, tf_reader_stage(own, table)) == 0);
    (void)error;
    if (find_other(o, side, table) >= 0 || is_told)
        return TF_OK;
    o->differ = true;
    if (o->stages)
        cJSON_AddItemToArray(is_reduction ? o->reductions_only[side] : o->stages_only[side],
                             cJSON_CreateString(name_of(own, table)));
    else
        tf_print(stdout, "%s \"%s\" is in %s only\n", is_reduction ? "reduction" : "stage", name_of(own, table),
                 o->path[side]);
    return TF_OK;
}

static void add_sides(cJSON *json, const char *key, cJSON *list[2]) {
    cJSON *only = cJSON_AddObjectToObject(json, key);
    for (int side = 0; side < 2; side++)
        list[side] = cJSON_AddArrayToObject(only, sides[side]);
}

static int diff(const options *given, outputs *o) {
    cJSON *json = given->json ? cJSON_CreateObject() : NULL;
    for (int side = 0; side < 2 && json; side++)
        cJSON_AddStringToObject(json, sides[side], o->path[side]);
    if (json) {
        o->stages = cJSON_AddArrayToObject(json, "stages");
        o->reductions = cJSON_AddArrayToObject(json, "reductions");
        add_sides(json, "stages_only", o->stages_only);
        add_sides(json, "reductions_only", o->reductions_only);
    }
    tf_error error;
    tf_err err = each_table(o, 0, compare_table, &error);
    for (int side = 0; side < 2 && err == TF_OK; side++)
        err = each_table(o, side, tell_other, &error);
    if (err == TF_OK && json) {
        cJSON_AddBoolToObject(json, "same", !o->differ);
        cli_print_json(json);
        json = NULL;
    }
    cJSON_Delete(json);
    return err != TF_OK ? cli_fail(given, NULL, &error) : o->differ ? TF_ERR_TASKS : TF_OK;
}

int cli_diff(const options *given) {
    const char *const other = given->argument[0];
    if (given->arguments > 2)
        return cli_usage_error("%s: one argument too many", given->argument[2]);
    outputs o = {.path = {given->manifest, other}, .stage = given->arguments > 1 ? given->argument[1] : NULL};
    options second = *given;
    char *whole = given->trust ? realpath(other, NULL) : NULL; /* the first output's work folder is another one */
    second.manifest = whole ? whole : other;
    int status = cli_recall(given, &o.of[0]);
    if (status == TF_OK) {
        status = cli_recall(&second, &o.of[1]);
        if (status == TF_OK) {
            status = has_stage(&o) ? diff(given, &o) : TF_ERR_USAGE;
            cli_forget(&o.of[1]);
        }
        cli_forget(&o.of[0]);
    }
    free(whole);
    return status;
}
