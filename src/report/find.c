/* Tasks by their parameters: all rows are gone through, a piece at a time. Where none has the parameters, the one that
 * comes nearest is told: a typing error is in one of them, or in a digit. */
#include "report/find.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SAME_NUMBER 1e-12 /* 0.3 as people write it, and 3 * 0.1 */

/* A parameter, and the value that it is to have. */
typedef struct condition {
    int field;
    tf_buf text;     /* as written */
    bool is_integer; /* the parameter's values are, and so is this */
    int64_t integer;
    double number;
    view_values values; /* of the piece */
} condition;

/* How far a task is from what is wanted. */
typedef struct distance {
    int others; /* texts that are others */
    double gap; /* of the numbers, each relative to the larger one */
} distance;

typedef struct finder {
    view *view;
    int conditions;
    condition *condition;
    distance nearest;
} finder;

/* ---- What is wanted ---- */

static tf_err diagnose_parameter(view *v, const char *name, tf_error *error) {
    const int fields = view_fields(v);
    const char **known = tf_alloc_array((size_t)fields + 1, sizeof *known);
    size_t count = 0;
    tf_buf list = {0};
    for (int f = 0; f < fields; f++) {
        if (view_field(v, f)->kind != TF_FIELD_PARAM)
            continue;
        known[count++] = view_field(v, f)->name;
        tf_buf_addf(&list, "%s%s", list.length ? ", " : "", known[count - 1]);
    }
    const char *near = tf_suggest(name, known, count);
    tf_err err = near ? tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_UNKNOWN_NAME,
                                        "there is no parameter \"%s\"; did you mean \"%s\"?", name, near)
                      : tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_UNKNOWN_NAME, "there is no parameter \"%s\"; %s%s",
                                        name, list.length ? "there are " : "there is none", tf_buf_text(&list));
    tf_buf_free(&list);
    free(known);
    return err;
}

static tf_err parse_number(const tf_field *f, condition *c, tf_error *error) {
    const char *text = tf_buf_text(&c->text);
    c->is_integer = f->type == TF_INT64 && tf_parse_int(text, &c->integer);
    if (f->type == TF_BOOL && (strcmp(text, "true") == 0 || strcmp(text, "false") == 0)) {
        c->number = *text == 't';
        return TF_OK;
    }
    if (tf_parse_double(text, &c->number))
        return TF_OK;
    return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_VALUE, "%s=%s: the parameter is of type %s", f->name, text,
                           tf_type_name(f->type));
}

static tf_err add_condition(finder *f, const char *name, const char *value, tf_error *error) {
    condition *c = &f->condition[f->conditions++];
    c->field = view_find(f->view, name);
    tf_buf_adds(&c->text, value);
    if (c->field < 0 || view_field(f->view, c->field)->kind != TF_FIELD_PARAM)
        return diagnose_parameter(f->view, name, error);
    const tf_field *field = view_field(f->view, c->field);
    return field->type == TF_STRING ? TF_OK : parse_number(field, c, error);
}

/* "a=0.3, b=R". What has no "=" is a part of the text before it. */
static tf_err parse_conditions(finder *f, const char *wanted, tf_error *error) {
    tf_buf copy = {0};
    size_t most = 1;
    tf_buf_adds(&copy, wanted);
    char *rest = copy.data, *part;
    for (const char *c = wanted; *c; c++)
        most += *c == ',';
    f->condition = tf_alloc_array(most, sizeof *f->condition);
    tf_err err = TF_OK;
    while (err == TF_OK && (part = strsep(&rest, ","))) {
        char *equals = strchr(part, '=');
        if (!equals && f->conditions > 0) {
            tf_buf_addf(&f->condition[f->conditions - 1].text, ",%s", part);
            continue;
        }
        if (!equals) {
            err = tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_VALUE, "%s: must be NAME=VALUE", part);
            break;
        }
        *equals = '\0';
        err = add_condition(f, part + strspn(part, " "), equals + 1, error);
    }
    tf_buf_free(&copy);
    return err;
}

/* ---- Rows ---- */

static double gap_between(double x, double wanted) {
    if (x == wanted || (isnan(x) && isnan(wanted)))
        return 0;
    const double gap = fabs(x - wanted) / fmax(fabs(x), fabs(wanted));
    return isnan(gap) || gap > 1 ? 1 : gap;
}

static void add_distance(const condition *c, int64_t row, distance *d) {
    double x;
    size_t length;
    if (!c->values.numbers) {
        const char *text = tf_blobs_at(&c->values.texts, row, &length);
        d->others += length != c->text.length || memcmp(text, tf_buf_text(&c->text), length) != 0;
        return;
    }
    tf_load_doubles(c->values.field->type, c->values.numbers, row, 1, &x);
    const double gap = gap_between(x, c->number);
    const bool same = c->is_integer ? ((const int64_t *)c->values.numbers)[row] == c->integer : gap <= SAME_NUMBER;
    d->gap += same ? 0 : fmax(gap, 1e-300); /* integers that differ may be the same doubles */
}

static bool is_known(const finder *f, int64_t row) {
    bool known = true;
    for (int c = 0; c < f->conditions && known; c++)
        known = view_is_known(&f->condition[c].values, row);
    return known;
}

static void look_at_row(finder *f, int64_t index, int64_t row, found *out) {
    distance d = {0};
    if (!is_known(f, row)) {
        out->unknown++;
        return;
    }
    for (int c = 0; c < f->conditions; c++)
        add_distance(&f->condition[c], row, &d);
    if (d.others == 0 && d.gap == 0) {
        if (out->count < FIND_SHOWN)
            out->index[out->count] = index;
        out->count++;
    }
    if (out->nearest < 0 || d.others < f->nearest.others || (d.others == f->nearest.others && d.gap < f->nearest.gap)) {
        out->nearest = index;
        f->nearest = d;
    }
}

static tf_err look_at_rows(finder *f, found *out, tf_error *error) {
    enum { PIECE = 8192 };
    const int64_t tasks = view_tasks(f->view);
    tf_err err = TF_OK;
    for (int64_t first = 0; first < tasks && err == TF_OK; first += PIECE) {
        const int64_t count = tasks - first < PIECE ? tasks - first : PIECE;
        for (int c = 0; c < f->conditions && err == TF_OK; c++)
            err = view_read(f->view, f->condition[c].field, first, count, &f->condition[c].values, error);
        for (int64_t row = 0; row < count && err == TF_OK; row++)
            look_at_row(f, first + row, row, out);
    }
    return err;
}

tf_err find_tasks(view *v, const char *wanted, found *out, tf_error *error) {
    finder f = {.view = v};
    *out = (found){.nearest = -1};
    tf_err err = parse_conditions(&f, wanted, error);
    if (err == TF_OK)
        err = look_at_rows(&f, out, error);
    for (int c = 0; c < f.conditions; c++) {
        view_values_free(&f.condition[c].values);
        tf_buf_free(&f.condition[c].text);
    }
    free(f.condition);
    return err;
}

/* ---- What was found ---- */

/* Calls for each parameter of a task that can be read. */
typedef void on_parameter(void *context, const view_values *value);
static void each_parameter(view *v, int64_t index, on_parameter *visit, void *context) {
    tf_error ignored;
    for (int f = 0; f < view_fields(v); f++) {
        view_values value = {0};
        if (view_field(v, f)->kind == TF_FIELD_PARAM && view_read(v, f, index, 1, &value, &ignored) == TF_OK)
            visit(context, &value);
        view_values_free(&value);
    }
}

static void add_parameter(void *context, const view_values *value) {
    tf_buf *out = context;
    size_t length;
    tf_buf_addf(out, "%s%s=", out->data[out->length - 1] == '(' ? "" : ", ", value->field->name);
    if (value->numbers || !view_is_known(value, 0)) {
        view_add_csv(value, 0, 0, out);
        return;
    }
    const char *text = tf_blobs_at(&value->texts, 0, &length);
    tf_buf_add(out, text, length);
}

void find_add_task(view *v, const char *stage, int64_t index, tf_buf *out) {
    tf_buf_addf(out, "%s[%lld] (", stage, (long long)index);
    each_parameter(v, index, add_parameter, out);
    tf_buf_addc(out, ')');
}

static const char *status_of(view *v, int64_t index) {
    view_values value = {0};
    tf_error ignored;
    const char *name = "";
    if (view_read(v, view_record(v, "status"), index, 1, &value, &ignored) == TF_OK)
        name = tf_status_name(*(const uint8_t *)value.numbers);
    view_values_free(&value);
    return name;
}

static void add_member(void *context, const view_values *value) {
    tf_buf *out = context;
    tf_buf_adds(out, out->data[out->length - 1] == '{' ? "" : ", ");
    tf_buf_add_json(out, value->field->name, strlen(value->field->name));
    tf_buf_adds(out, ": ");
    view_add_json(value, 0, out);
}

static void add_json(view *v, const char *stage, const found *tasks, tf_buf *out) {
    tf_buf_adds(out, "{\n  \"stage\": ");
    tf_buf_add_json(out, stage, strlen(stage));
    tf_buf_addf(out, ",\n  \"matches\": %lld,\n  \"tasks\": [", (long long)tasks->count);
    for (int64_t i = 0; i < tasks->count && i < FIND_SHOWN; i++) {
        tf_buf_addf(out, "%s\n    {\"index\": %lld, \"status\": \"%s\", \"parameters\": {", i ? "," : "",
                    (long long)tasks->index[i], status_of(v, tasks->index[i]));
        each_parameter(v, tasks->index[i], add_member, out);
        tf_buf_adds(out, "}}");
    }
    tf_buf_adds(out, "\n  ]\n}");
}

void find_print(FILE *out, view *v, const char *stage, const found *tasks, bool json) {
    tf_buf text = {0};
    if (json) {
        add_json(v, stage, tasks, &text);
        tf_print_json(out, tf_buf_text(&text));
        tf_buf_free(&text);
        return;
    }
    tf_print(out, "%lld tasks have these parameters\n", (long long)tasks->count);
    for (int64_t i = 0; i < tasks->count && i < FIND_SHOWN; i++) {
        tf_buf_clear(&text);
        find_add_task(v, stage, tasks->index[i], &text);
        tf_print(out, "  %s: %s\n", tf_buf_text(&text), status_of(v, tasks->index[i]));
    }
    if (tasks->count > FIND_SHOWN)
        tf_print(out, "  and %lld more\n", (long long)(tasks->count - FIND_SHOWN));
    tf_buf_free(&text);
}
