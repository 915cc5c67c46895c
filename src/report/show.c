/* All that is known of one task. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report/not_run.h"
#include "report/stand_in.h"

typedef struct shower {
    const tf_recalled *from;
    view *view;
    const tf_stage_spec *spec; /* of the campaign; NULL: not known */
    int stage;
    int64_t index;
    view_values *values; /* per field; without a field: it could not be read */
    tf_buf *missing;     /* per field: why it could not be read; empty: it was */
    uint8_t status;
    tf_buf run;             /* what was run: a command line; empty: not known */
    stand_in_gaps gaps;     /* what is not put in there */
    tf_buf inputs, outputs; /* a line each */
    tf_buf reasons;         /* why it was not run, a line each */
} shower;

/* ---- What there is ---- */

/* Why a parameter or a command line is not known. */
static void add_why(const shower *s, tf_buf *out) {
    if (s->from->unopened)
        tf_buf_addf(out, "not known without --trust, which would open %s", s->from->unopened);
    else
        tf_buf_addf(out, "it is stored with the row, which is not written yet, and %s", view_why_unknown(s->view));
}

/* A parameter that can't be worked out is no reason to hide the rest. */
static tf_err read_fields(shower *s, tf_error *error) {
    for (int f = 0; f < view_fields(s->view); f++) {
        const tf_field *field = view_field(s->view, f);
        if (field->grid) {
            s->values[f].field = field;
            tf_buf_adds(&s->missing[f], "a block of an array, which is in the output");
            continue;
        }
        tf_err err = view_read(s->view, f, s->index, 1, &s->values[f], error);
        if (err != TF_OK && field->stored)
            return err;
        if (err != TF_OK) {
            if (s->from->unopened)
                add_why(s, &s->missing[f]);
            else
                tf_buf_adds(&s->missing[f], error->text);
            s->values[f].field = NULL;
        } else if (field->kind == TF_FIELD_PARAM && !view_is_known(&s->values[f], 0))
            add_why(s, &s->missing[f]);
    }
    s->status = *(const uint8_t *)s->values[view_record(s->view, "status")].numbers;
    return TF_OK;
}

static void add_paths(const tf_paths *paths, tf_buf *out) {
    for (size_t i = 0; i < paths->count; i++) {
        const char *name = paths->item[i].spec->name;
        tf_buf_addf(out, "%s%s", name ? name : "", name ? ": " : "");
        tf_paths_show(paths, i, out);
        tf_buf_addc(out, '\n');
    }
}

static void copy_point(void *context, const tf_stage_spec *spec, const tf_point *point) {
    shower *s = context;
    tf_run_text(spec, point, &s->run);
    if (!s->gaps.inputs && !s->gaps.params)
        add_paths(point->inputs, &s->inputs);
    if (!s->gaps.params)
        add_paths(point->outputs, &s->outputs);
}

static void copy_known_point(void *context, const tf_point *point) {
    const shower *s = context;
    copy_point(context, s->spec, point);
}

/* Does a placeholder stand in the command line for what is not known? */
static bool has_gaps(const shower *s) {
    const char *run = tf_buf_text(&s->run);
    return (s->gaps.params && strchr(run, '{')) || (s->gaps.inputs && strstr(run, "{inputs"));
}

/* A number of the task's record; false: it is not recorded. */
static bool number_of(const shower *s, const char *name, double *value) {
    const int f = view_record(s->view, name);
    if (f < 0)
        return false;
    tf_load_doubles(view_field(s->view, f)->type, s->values[f].numbers, 0, 1, value);
    return true;
}

static bool was_run(const shower *s) {
    double attempts = 0;
    return number_of(s, "attempts", &attempts) && attempts > 0;
}

/* ---- For people ---- */

void tf_report_lines(FILE *out, int steps, const char *text, size_t length) {
    for (const char *end = text + length; text < end;) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t size = newline ? (size_t)(newline - text) : (size_t)(end - text);
        tf_print(out, "%*s", 2 * steps, "");
        tf_print_text(out, text, size);
        tf_print(out, "\n");
        text += size + 1;
    }
}

static void print_lines(FILE *out, const char *heading, const char *text, size_t length) {
    if (length == 0)
        return;
    tf_print(out, "%s\n", heading);
    tf_report_lines(out, 1, text, length);
}

/* All elements of a few, the first ones of many. */
static void print_value(FILE *out, const shower *s, int f) {
    enum { MOST = 10 };
    const tf_field *field = view_field(s->view, f);
    tf_buf text = {0};
    size_t length;
    if (s->missing[f].length) {
        tf_buf_addf(&text, "(%s)", tf_buf_text(&s->missing[f]));
    } else if (field->type == TF_STRING) {
        const char *its = tf_blobs_at(&s->values[f].texts, 0, &length);
        tf_buf_add(&text, its, length);
    } else {
        for (int64_t e = 0; e < field->elements && e < MOST; e++) {
            tf_buf_adds(&text, e ? ", " : "");
            view_add_csv(&s->values[f], 0, e, &text);
        }
        if (field->elements > MOST)
            tf_buf_adds(&text, ", ...");
    }
    tf_print(out, "  %s = %s\n", field->name, tf_buf_text(&text));
    tf_buf_free(&text);
}

static void print_fields(FILE *out, const shower *s, tf_field_kind kind, const char *heading) {
    bool any = false;
    for (int f = 0; f < view_fields(s->view); f++) {
        if (view_field(s->view, f)->kind != kind)
            continue;
        if (!any)
            tf_print(out, "%s\n", heading);
        any = true;
        print_value(out, s, f);
    }
}

static void print_time(FILE *out, double start) {
    char text[40];
    struct tm utc = {0};
    const double latest = 1e11; /* s; the record may be damaged */
    time_t whole = start > 0 && start < latest ? (time_t)start : 0;
    gmtime_r(&whole, &utc);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc);
    tf_print(out, "  started %s UTC\n", text);
}

static void print_record(FILE *out, const shower *s) {
    char text[64];
    double value = 0, slot = 0;
    if (!was_run(s))
        return;
    tf_print(out, "record\n");
    number_of(s, "attempts", &value);
    tf_print(out, "  attempts %g\n", value);
    if (number_of(s, "start", &value))
        print_time(out, value);
    if (number_of(s, "worker", &value) && number_of(s, "slot", &slot))
        tf_print(out, "  on rank %g, slot %g\n", value, slot);
    if (number_of(s, "duration", &value))
        tf_print(out, "  took %s\n", tf_format_duration(value, text));
    if (number_of(s, "cpu", &value) && value > 0)
        tf_print(out, "  processor time %s\n", tf_format_duration(value, text));
    const bool is_process = number_of(s, "max_rss", &value) && value > 0; /* of other tasks it is not measured */
    if (is_process)
        tf_print(out, "  memory %s\n", tf_format_size((int64_t)value, text));
    if (number_of(s, "signal", &value) && value != 0)
        tf_print(out, "  ended by %s\n", tf_format_signal((int)value, text));
    else if (number_of(s, "exit_code", &value) && (is_process || value != 0))
        tf_print(out, "  exit status %g\n", value);
}

static void print_text(FILE *out, const shower *s, const char *name) {
    const int f = view_record(s->view, name);
    size_t length;
    if (f < 0)
        return;
    const char *text = tf_blobs_at(&s->values[f].texts, 0, &length);
    print_lines(out, name, text, length);
}

/* The command line; where it is not known, what it is made of, and why. */
static void print_run(FILE *out, const shower *s) {
    const char *run = tf_reader_run(s->from->reader, s->stage);
    tf_buf why = {0};
    if (s->run.length)
        print_lines(out, has_gaps(s) ? "runs, as far as that is known" : "runs", tf_buf_text(&s->run), s->run.length);
    else
        print_lines(out, "runs, with its parameters not put in", run, strlen(run));
    if (strstr(run, "{seed") && tf_fingerprint_round(tf_reader_fingerprint(s->from->reader, s->stage)) > 0)
        tf_print(out, "  (the seed is that of rows made since the space last grew between its points; of older rows it "
                      "is not known)\n");
    tf_buf_adds(&why, s->run.length && s->from->unopened ? "the rest is " : "");
    if (s->from->unopened)
        add_why(s, &why);
    else if (!s->from->campaign)
        tf_buf_adds(&why, s->from->why);
    if (why.length && (!s->run.length || has_gaps(s)))
        tf_print(out, "  (%s)\n", tf_buf_text(&why));
    tf_buf_free(&why);
}

static void print_task(FILE *out, const shower *s) {
    tf_print(out, "%s[%lld]: %s\n", tf_reader_stage(s->from->reader, s->stage), (long long)s->index,
             tf_status_name(s->status));
    print_text(out, s, "message");
    print_lines(out, s->status == TF_STATUS_EXCLUDED ? "left out by" : "because of", tf_buf_text(&s->reasons),
                s->reasons.length);
    print_fields(out, s, TF_FIELD_PARAM, "parameters");
    print_lines(out, "inputs", tf_buf_text(&s->inputs), s->inputs.length);
    print_lines(out, "outputs", tf_buf_text(&s->outputs), s->outputs.length);
    print_run(out, s);
    print_record(out, s);
    if (s->status == TF_STATUS_DONE)
        print_fields(out, s, TF_FIELD_RESULT, "results");
    print_text(out, s, "stdout");
    print_text(out, s, "stderr");
}

/* ---- For programs ---- */

/* A member of an object that is `depth` objects down, on a line of its own. */
static void add_member(tf_buf *out, int depth, const char *name, bool *any) {
    tf_buf_adds(out, *any ? ",\n" : "{\n");
    *any = true;
    for (int d = 0; d <= depth; d++)
        tf_buf_adds(out, "  ");
    tf_buf_add_json(out, name, strlen(name));
    tf_buf_adds(out, ": ");
}

static void add_fields(const shower *s, tf_field_kind kind, tf_buf *out) {
    bool any = false;
    for (int f = 0; f < view_fields(s->view); f++) {
        const tf_field *field = view_field(s->view, f);
        if (field->kind != kind || (kind == TF_FIELD_TASK && strcmp(field->dataset, "status") == 0))
            continue;
        add_member(out, 1, field->dataset, &any);
        if (s->missing[f].length || (kind == TF_FIELD_RESULT && s->status != TF_STATUS_DONE))
            tf_buf_adds(out, "null");
        else
            view_add_json(&s->values[f], 0, out);
    }
    tf_buf_adds(out, any ? "\n  }" : "{}");
}

static void add_reasons(const shower *s, tf_buf *out, bool *any) {
    add_member(out, 0, "because", any);
    const char *line = tf_buf_text(&s->reasons);
    for (size_t length; *line; line += length + 1) {
        length = strcspn(line, "\n");
        tf_buf_adds(out, line == tf_buf_text(&s->reasons) ? "[" : ", ");
        tf_buf_add_json(out, line, length);
    }
    tf_buf_addc(out, ']');
}

static void print_json(FILE *out, const shower *s) {
    tf_buf text = {0};
    bool any = false;
    const char *stage = tf_reader_stage(s->from->reader, s->stage);
    add_member(&text, 0, "stage", &any);
    tf_buf_add_json(&text, stage, strlen(stage));
    add_member(&text, 0, "index", &any);
    tf_buf_addf(&text, "%lld", (long long)s->index);
    add_member(&text, 0, "status", &any);
    tf_buf_addf(&text, "\"%s\"", tf_status_name(s->status));
    add_member(&text, 0, "parameters", &any);
    add_fields(s, TF_FIELD_PARAM, &text);
    if (s->run.length && !has_gaps(s)) {
        add_member(&text, 0, "run", &any);
        tf_buf_add_json(&text, tf_buf_text(&s->run), s->run.length);
    }
    if (s->reasons.length)
        add_reasons(s, &text, &any);
    add_member(&text, 0, "record", &any);
    add_fields(s, TF_FIELD_TASK, &text);
    add_member(&text, 0, "results", &any);
    add_fields(s, TF_FIELD_RESULT, &text);
    add_member(&text, 0, "texts", &any);
    add_fields(s, TF_FIELD_TEXT, &text);
    tf_buf_adds(&text, "\n}");
    tf_print_json(out, tf_buf_text(&text));
    tf_buf_free(&text);
}

tf_err tf_report_show(FILE *out, const tf_recalled *from, int stage, int64_t index, bool json, tf_error *error) {
    shower s = {.from = from, .view = view_new(from, stage), .stage = stage, .index = index};
    const int fields = view_fields(s.view);
    s.values = tf_alloc_array((size_t)fields, sizeof *s.values);
    s.missing = tf_alloc_array((size_t)fields, sizeof *s.missing);
    tf_err err = read_fields(&s, error);
    if (err == TF_OK) {
        s.spec = tf_recalled_stage(from, stage);
        view_tell_point(from, s.spec, index, copy_known_point, &s);
        if (!from->campaign)
            stand_in_tell(from, s.view, stage, index, s.values, copy_point, &s, &s.gaps);
        not_run_add_reasons(&(unrun_task){from, s.spec, s.view, stage, index, s.status, s.values}, &s.reasons);
    }
    if (err == TF_OK && json)
        print_json(out, &s);
    else if (err == TF_OK)
        print_task(out, &s);
    for (int f = 0; f < fields; f++) {
        view_values_free(&s.values[f]);
        tf_buf_free(&s.missing[f]);
    }
    free(s.values);
    free(s.missing);
    tf_buf_free(&s.run);
    tf_buf_free(&s.inputs);
    tf_buf_free(&s.reasons);
    tf_buf_free(&s.outputs);
    view_free(s.view);
    return err;
}
