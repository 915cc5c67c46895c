/* What is known of an expression, and its evaluation. */
#include "manifest/terms.h"

#include <assert.h>
#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *tf_expr_source(const tf_expr *expr) {
    return expr->source;
}

bool tf_expr_uses(const tf_expr *expr, int name) {
    for (int t = 0; t < expr->terms; t++) {
        const term *m = &expr->term[t];
        if (((m->kind == TERM_VALUE || m->kind == TERM_SAME) && m->a.name == name) ||
            (m->kind == TERM_SAME && m->b.name == name))
            return true;
    }
    return false;
}

void tf_expr_resolved(const tf_expr *expr, tf_buf *out) {
    tf_buf_addf(out, "%s %s", expr->source, expr->formula);
    for (int t = 0; t < expr->terms; t++) {
        const term *m = &expr->term[t];
        if (m->kind == TERM_SAME)
            tf_buf_addf(out, " '%s' '%s'", m->a.constant ? m->a.constant : "", m->b.constant ? m->b.constant : "");
    }
}

/* ---- Evaluation ---- */

struct tf_eval {
    const tf_expr *expr;
    muParserHandle_t parser;
    double **term; /* per term: a block of values */
    uint64_t seed;
    const char *stage;
    void (*set_threads)(int); /* of OpenMP; NULL: muParser was built without */
    int (*threads)(void);     /* of OpenMP: how many threads there are; NULL without it */
};

/* Points of a block: a call of muParser's bulk mode costs something, and a block should stay in the cache. */
enum { BLOCK = 1024 };

/* POSIX says that function pointers may come as object pointers from dlsym. */
static void find_threads(tf_eval *e) {
    void *set = dlsym(RTLD_DEFAULT, "omp_set_num_threads"), *get = dlsym(RTLD_DEFAULT, "omp_get_max_threads");
    memcpy(&e->set_threads, &set, sizeof set);
    memcpy(&e->threads, &get, sizeof get);
}

tf_eval *tf_eval_new(const tf_expr *expr, uint64_t seed, const char *stage) {
    tf_eval *e = tf_alloc(sizeof *e);
    *e = (tf_eval){.expr = expr, .parser = expr_parser(), .seed = seed, .stage = stage};
    e->term = tf_alloc_array((size_t)expr->terms, sizeof *e->term);
    for (int t = 0; t < expr->terms; t++) {
        char name[24];
        e->term[t] = tf_alloc_array(BLOCK, sizeof(double));
        snprintf(name, sizeof name, "t%d", t);
        mupDefineVar(e->parser, name, e->term[t]);
    }
    mupSetExpr(e->parser, expr->formula);
    find_threads(e);
    return e;
}

void tf_eval_free(tf_eval *e) {
    if (!e)
        return;
    mupRelease(e->parser);
    for (int t = 0; t < e->expr->terms; t++)
        free(e->term[t]);
    free(e->term);
    free(e);
}

/* A string of a comparison, for element i. Strings of arrays are cells that may lack a NUL. */
static const char *text_at(const operand *t, const void *const *values, int64_t i, size_t *length) {
    const bool cells = t->name >= 0 && t->array;
    const char *text = t->name < 0 ? t->constant
                       : cells     ? (const char *)values[t->name] + (size_t)i * t->width
                                   : ((const char *const *)values[t->name])[i];
    *length = cells ? strnlen(text, t->width) : strlen(text);
    return text;
}

static bool is_same(const term *t, const void *const *values, int64_t a, int64_t b) {
    size_t x_length, y_length;
    const char *x = text_at(&t->a, values, a, &x_length), *y = text_at(&t->b, values, b, &y_length);
    return x_length == y_length && memcmp(x, y, x_length) == 0;
}

static void fill_term(const tf_eval *e, const term *t, const void *const *values, int64_t first, int64_t from,
                      int64_t count, double *out) {
    uint64_t key = t->stream ? tf_rng_stage_key(e->seed, e->stage, t->stream) : 0;
    for (int64_t i = 0; i < count; i++) {
        if (t->kind == TERM_VALUE) {
            tf_load_doubles(t->a.type, values[t->a.name], from, count, out);
            return;
        }
        if (t->kind == TERM_INDEX) {
            out[i] = (double)(first + from + i);
        } else if (t->kind == TERM_SAME) {
            out[i] = is_same(t, values, from + i, from + i);
        } else {
            tf_rng rng = tf_rng_start(key, first + from + i);
            out[i] = t->kind == TERM_NORMAL ? tf_rng_normal(&rng) : tf_rng_double(&rng);
        }
    }
}

/* Limits muParser, if it was built with OpenMP, to one thread: slots are for tasks. Returns how many threads it had. */
static int use_one_thread(const tf_eval *e) {
    int threads = e->threads ? e->threads() : 1;
    if (e->set_threads && threads > 1)
        e->set_threads(1);
    return threads;
}

static void restore_threads(const tf_eval *e, int threads) {
    if (e->set_threads && threads > 1)
        e->set_threads(threads);
}

/* Evaluates the formula, whose terms are filled. */
static void evaluate(const tf_eval *e, int64_t count, double *out) {
    if (e->expr->terms)
        mupEvalBulk(e->parser, out, (int)count);
    else
        for (int64_t i = 0; i < count; i++)
            out[i] = mupEval(e->parser);
}

void tf_eval_run(tf_eval *e, const void *const *values, int64_t first, int64_t count, double *out) {
    int threads = use_one_thread(e);
    for (int64_t from = 0; from < count; from += BLOCK) {
        int64_t size = count - from < BLOCK ? count - from : BLOCK;
        for (int t = 0; t < e->expr->terms; t++)
            fill_term(e, &e->expr->term[t], values, first, from, size, e->term[t]);
        evaluate(e, size, out + from);
    }
    restore_threads(e, threads);
}

/* ---- Element by element ---- */

/* Fills a term for a block of elements. What is the same for all elements is filled already. */
static void fill_elements(const tf_eval *e, int t, const void *const *values, tf_rng *rng, int64_t from,
                          int64_t count) {
    const term *m = &e->expr->term[t];
    double *out = e->term[t];
    if (m->kind == TERM_VALUE && m->a.array)
        tf_load_doubles(m->a.type, values[m->a.name], from, count, out);
    bool a = m->kind == TERM_SAME && m->a.name >= 0 && m->a.array;
    bool b = m->kind == TERM_SAME && m->b.name >= 0 && m->b.array;
    for (int64_t i = 0; (a || b) && i < count; i++)
        out[i] = is_same(m, values, a ? from + i : 0, b ? from + i : 0);
    for (int64_t i = 0; m->stream && i < count; i++)
        out[i] = m->kind == TERM_NORMAL ? tf_rng_normal(rng) : tf_rng_double(rng);
}

void tf_eval_elements(tf_eval *e, const void *const *values, int64_t index, int64_t count, double *out) {
    const int64_t block = count < BLOCK ? count : BLOCK;
    const int terms = e->expr->terms;
    int threads = use_one_thread(e);
    tf_rng *rng = tf_alloc_array((size_t)terms, sizeof *rng);
    for (int t = 0; t < terms; t++) {
        const term *m = &e->expr->term[t];
        if (m->stream)
            rng[t] = tf_rng_start(tf_rng_stage_key(e->seed, e->stage, m->stream), index);
        else if (m->kind != TERM_VALUE || !m->a.array)
            fill_term(e, m, values, index, 0, 1, e->term[t]);
        for (int64_t i = 1; i < block; i++)
            e->term[t][i] = e->term[t][0];
    }
    for (int64_t from = 0; from < count; from += BLOCK) {
        int64_t size = count - from < BLOCK ? count - from : BLOCK;
        for (int t = 0; t < terms; t++)
            fill_elements(e, t, values, &rng[t], from, size);
        evaluate(e, size, out + from);
    }
    restore_threads(e, threads);
    free(rng);
}

bool tf_eval_is_true(double value) {
    return value != 0 && !isnan(value);
}
