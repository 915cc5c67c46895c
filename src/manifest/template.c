/* Templates, expanded for a task. */
#include "manifest/template_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Printing values ---- */

/* The conversion was checked against the value's type when the template was parsed. */
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#endif
static void add_formatted(tf_buf *out, const value *v, const format *f) {
    char spec[40];
    char conversion = f->conversion;
    if (strchr("diouxX", conversion)) {
        bool seed = v->type == TF_UINT64;
        snprintf(spec, sizeof spec, "%s%s%c", f->flags, "ll", seed && strchr("di", conversion) ? 'u' : conversion);
        if (seed)
            tf_buf_addf(out, spec, (unsigned long long)v->seed);
        else
            tf_buf_addf(out, spec, v->type == TF_BOOL ? (long long)v->boolean : (long long)v->integer);
    } else if (strchr("eEfFgG", conversion)) {
        snprintf(spec, sizeof spec, "%s%c", f->flags, conversion);
        tf_buf_addf(out, spec, v->type == TF_FLOAT64 ? v->number : (double)v->integer);
    } else {
        snprintf(spec, sizeof spec, "%ss", f->flags);
        tf_buf_addf(out, spec, v->string);
    }
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

static void add_natural(tf_buf *out, const value *v) {
    switch (v->type) {
    case TF_BOOL: tf_buf_adds(out, v->boolean ? "true" : "false"); break;
    case TF_INT64: tf_buf_addf(out, "%" PRId64, v->integer); break;
    case TF_UINT64: tf_buf_addf(out, "%" PRIu64, v->seed); break;
    case TF_FLOAT64: tf_buf_add_double(out, v->number); break;
    default: tf_buf_adds(out, v->string);
    }
}

void template_add_value(tf_buf *out, const value *v, const format *f, bool shell) {
    if (!shell || f->raw) {
        if (f->conversion)
            add_formatted(out, v, f);
        else
            add_natural(out, v);
        return;
    }
    tf_buf text = {0};
    template_add_value(&text, v, f, false);
    tf_buf_add_quoted(out, tf_buf_text(&text));
    tf_buf_free(&text);
}

static value point_value(const part *p, const tf_point *point) {
    value v = {.type = p->type};
    const char *own = p->texts ? tf_space_text(p->texts, p->param, point->index) : NULL;
    if (own)
        return (value){.type = TF_STRING, .string = own};
    switch (p->kind) {
    case PART_INDEX: v.integer = point->index; break;
    case PART_SEED: v.seed = point->seed; break;
    case PART_SCRATCH: v.string = point->scratch; break;
    default:
        if (p->type == TF_BOOL)
            v.boolean = *(const uint8_t *)point->params[p->param];
        else if (p->type == TF_INT64)
            v.integer = *(const int64_t *)point->params[p->param];
        else if (p->type == TF_FLOAT64)
            v.number = *(const double *)point->params[p->param];
        else
            v.string = *(const char *const *)point->params[p->param];
    }
    return v;
}

static bool is_files(const part *p) {
    return p->kind == PART_INPUTS || p->kind == PART_OUTPUTS;
}

/* The next path that the part stands for, put together in `out`; NULL: there are no more. `next` moves behind it. */
static const char *next_path(const part *p, const tf_point *point, size_t *next, tf_buf *out) {
    const tf_paths *paths = p->kind == PART_INPUTS ? point->inputs : point->outputs;
    while (*next < paths->count) {
        const tf_file_spec *spec = paths->item[*next].spec;
        const char *path = tf_paths_text(paths, (*next)++);
        if (!tf_file_has_name(spec, p->name))
            continue;
        tf_buf_clear(out);
        if (point->folder && *path != '/')
            tf_buf_addf(out, "%s/", point->folder);
        tf_buf_adds(out, path);
        return tf_buf_text(out);
    }
    return NULL;
}

static void add_files(tf_buf *out, const part *p, const tf_point *point, bool shell) {
    size_t next = 0, before = out->length;
    tf_buf text = {0};
    for (const char *path; (path = next_path(p, point, &next, &text));) {
        if (out->length > before)
            tf_buf_addc(out, ' ');
        value v = {.type = TF_STRING, .string = path};
        template_add_value(out, &v, &p->format, shell);
    }
    tf_buf_free(&text);
}

bool tf_template_is_list(const tf_template *template) {
    return template->parts == 1 && is_files(&template->part[0]);
}

int tf_template_expand_list(const tf_template *template, const tf_point *point, tf_buf *out) {
    size_t next = 0;
    int count = 0;
    tf_buf text = {0};
    for (const char *path; (path = next_path(&template->part[0], point, &next, &text)); count++)
        tf_buf_add(out, path, text.length + 1);
    tf_buf_free(&text);
    return count;
}

void tf_template_expand(const tf_template *template, const tf_point *point, tf_buf *out) {
    for (int i = 0; i < template->parts; i++) {
        const part *p = &template->part[i];
        if (p->kind == PART_TEXT) {
            tf_buf_add(out, p->text, p->length);
        } else if (p->kind == PART_PARAM && !point->params[p->param]) {
            tf_buf_addf(out, "{%s}", p->text);
        } else if (is_files(p)) {
            add_files(out, p, point, template->shell);
        } else {
            value v = point_value(p, point);
            template_add_value(out, &v, &p->format, template->shell);
        }
    }
}

void tf_template_resolved(const tf_template *template, tf_buf *out) {
    for (int i = 0; i < template->parts; i++) {
        const part *p = &template->part[i];
        if (p->kind != PART_TEXT) {
            tf_buf_addf(out, "{%s}", p->text);
            continue;
        }
        for (size_t c = 0; c < p->length; c++) {
            tf_buf_addc(out, p->text[c]);
            if (p->text[c] == '{' || p->text[c] == '}')
                tf_buf_addc(out, p->text[c]);
        }
    }
}

void tf_template_beginning(const tf_template *template, tf_buf *out) {
    if (template->parts && template->part[0].kind == PART_TEXT)
        tf_buf_add(out, template->part[0].text, template->part[0].length);
}

bool tf_template_is_constant(const tf_template *template) {
    return template->parts == 0 || (template->parts == 1 && template->part[0].kind == PART_TEXT);
}

const char *tf_template_text_name(const tf_template *template) {
    for (int i = 0; i < template->parts; i++)
        if (template->part[i].kind != PART_TEXT && template->part[i].type == TF_STRING)
            return template->part[i].text;
    return NULL;
}

bool tf_template_uses_scratch(const tf_template *template) {
    for (int i = 0; i < template->parts; i++)
        if (template->part[i].kind == PART_SCRATCH)
            return true;
    return false;
}

const char *tf_template_source(const tf_template *template) {
    return template->source;
}
