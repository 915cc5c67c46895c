/* Expressions. muParser parses and evaluates them; what it is given is made of the manifest's text here: names become
 * terms t0, t1, ..., each an array of numbers, so that names may be any, unknown ones are found with a suggestion, and
 * strings, which muParser can't compare, are compared beforehand: the comparison is a term. Variables are constants. */
#include <assert.h>
#include <ctype.h>
#include <dlfcn.h>
#include <math.h>
#include <muParserDLL.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/csv.h"
#include "manifest/load.h"

typedef enum term_kind {
    TERM_VALUE, /* a name's */
    TERM_INDEX,
    TERM_SAME,    /* two strings are equal: 1 or 0 */
    TERM_UNIFORM, /* random numbers of the task */
    TERM_NORMAL
} term_kind;

/* A string of a comparison: a name's, or a constant. */
typedef struct text {
    int name; /* -1: `constant` */
    const char *constant;
} operand;

typedef struct term {
    term_kind kind;
    int name;        /* TERM_VALUE */
    operand a, b;    /* TERM_SAME */
    uint32_t stream; /* of random numbers */
} term;

struct tf_expr {
    const char *source, *formula;
    int names;
    tf_type *type; /* per name */
    bool *array;   /* likewise */
    size_t *width; /* likewise, of texts that are an array's: bytes of a cell */
    int terms;
    term *term;
};

/* ---- Functions ---- */

static double sign_of(double x) {
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

/* As in Python: the result has the sign of the divisor. */
static double modulo(double x, double y) {
    double rest = fmod(x, y);
    return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest;
}

static double is_nan(double x) {
    return isnan(x);
}

static double is_finite(double x) {
    return isfinite(x) != 0;
}

static double negation(double x) {
    return x == 0;
}

static double smallest(const double *x, int count) {
    double least = x[0];
    for (int i = 1; i < count; i++)
        least = x[i] < least || isnan(x[i]) ? x[i] : least;
    return least;
}

static double largest(const double *x, int count) {
    double most = x[0];
    for (int i = 1; i < count; i++)
        most = x[i] > most || isnan(x[i]) ? x[i] : most;
    return most;
}

static const struct {
    const char *name;
    double (*one)(double);
    double (*two)(double, double);
    double (*many)(const double *, int);
} functions[] = {
    {"abs", fabs, NULL, NULL},     {"acos", acos, NULL, NULL},   {"acosh", acosh, NULL, NULL},
    {"asin", asin, NULL, NULL},    {"asinh", asinh, NULL, NULL}, {"atan", atan, NULL, NULL},
    {"atan2", NULL, atan2, NULL},  {"atanh", atanh, NULL, NULL}, {"cbrt", cbrt, NULL, NULL},
    {"ceil", ceil, NULL, NULL},    {"cos", cos, NULL, NULL},     {"cosh", cosh, NULL, NULL},
    {"erf", erf, NULL, NULL},      {"exp", exp, NULL, NULL},     {"expm1", expm1, NULL, NULL},
    {"floor", floor, NULL, NULL},  {"hypot", NULL, hypot, NULL}, {"isfinite", is_finite, NULL, NULL},
    {"isnan", is_nan, NULL, NULL}, {"log", log, NULL, NULL},     {"log10", log10, NULL, NULL},
    {"log1p", log1p, NULL, NULL},  {"log2", log2, NULL, NULL},   {"max", NULL, NULL, largest},
    {"min", NULL, NULL, smallest}, {"pow", NULL, pow, NULL},     {"round", rint, NULL, NULL},
    {"sign", sign_of, NULL, NULL}, {"sin", sin, NULL, NULL},     {"sinh", sinh, NULL, NULL},
    {"sqrt", sqrt, NULL, NULL},    {"tan", tan, NULL, NULL},     {"tanh", tanh, NULL, NULL},
    {"trunc", trunc, NULL, NULL},  {"normal", NULL, NULL, NULL}, {"random", NULL, NULL, NULL},
};

enum { FUNCTIONS = sizeof functions / sizeof *functions };

static const struct {
    const char *name;
    double value;
} constants[] = {{"pi", 0x1.921fb54442d18p+1}, {"true", 1}, {"false", 0}, {"nan", NAN}, {"inf", INFINITY}};

static muParserHandle_t new_parser(void) {
    muParserHandle_t parser = mupCreate(muBASETYPE_FLOAT);
    mupClearFun(parser);
    mupClearConst(parser);
    for (int f = 0; f < FUNCTIONS; f++) {
        if (functions[f].one)
            mupDefineFun1(parser, functions[f].name, functions[f].one, 1);
        else if (functions[f].two)
            mupDefineFun2(parser, functions[f].name, functions[f].two, 1);
        else if (functions[f].many)
            mupDefineMultFun(parser, functions[f].name, functions[f].many, 1);
    }
    for (size_t c = 0; c < sizeof constants / sizeof *constants; c++)
        mupDefineConst(parser, constants[c].name, constants[c].value);
    enum { AS_MULTIPLICATION = 6 };
    mupDefineOprt(parser, "%", modulo, AS_MULTIPLICATION, muOPRT_ASCT_LEFT, 1);
    mupDefineInfixOprt(parser, "!", negation, 1);
    return parser;
}

/* ---- From the manifest's text to muParser's ---- */

typedef struct reader {
    struct loader *loader;
    const at *where;
    const expr_names *names;
    const char *source, *next;
    tf_buf formula;
    size_t *origin; /* per byte of the formula: where in the source it is from */
    term *term;
    int terms;
    bool sound;
    int depth; /* of parentheses */
} reader;

TF_PRINTF(2, 3) static void refuse(reader *r, const char *format, ...) {
    tf_buf why = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv(&why, format, args);
    va_end(args);
    if (r->sound)
        complain(r->loader->diags, r->where, "\"%s\": %s", r->source, tf_buf_text(&why));
    r->sound = false;
    tf_buf_free(&why);
}

static void put(reader *r, const char *from, const char *text) {
    size_t before = r->formula.length;
    tf_buf_adds(&r->formula, text);
    r->origin = tf_realloc_array(r->origin, r->formula.length + 1, sizeof *r->origin);
    for (size_t i = before; i <= r->formula.length; i++)
        r->origin[i] = (size_t)(from - r->source);
}

static void put_term(reader *r, const char *from, term t) {
    char name[24];
    r->term = tf_realloc_array(r->term, (size_t)r->terms + 1, sizeof *r->term);
    r->term[r->terms] = t;
    snprintf(name, sizeof name, "t%d", r->terms++);
    put(r, from, name);
}

static void put_number(reader *r, const char *from, double value) {
    tf_buf text = {0};
    if (isnan(value)) {
        tf_buf_adds(&text, "nan");
    } else {
        tf_buf_addc(&text, '(');
        tf_buf_add_double(&text, value);
        tf_buf_addc(&text, ')');
    }
    put(r, from, tf_buf_text(&text));
    tf_buf_free(&text);
}

static void skip_space(reader *r) {
    r->next += strspn(r->next, " \t\n\r");
}

static int find_name(const reader *r, const char *name) {
    for (int n = 0; n < r->names->count; n++)
        if (strcmp(r->names->name[n].name, name) == 0)
            return n;
    return -1;
}

static const variable *find_variable(const reader *r, const char *name) {
    for (int i = 0; i < r->loader->variables; i++)
        if (strcmp(r->loader->variable[i].name, name) == 0)
            return &r->loader->variable[i];
    return NULL;
}

static void refuse_unknown(reader *r, const char *name) {
    size_t count = 0, most = (size_t)(r->names->count + r->loader->variables + FUNCTIONS) + 1;
    const char **known = tf_alloc_array(most, sizeof *known);
    for (int n = 0; n < r->names->count; n++)
        known[count++] = r->names->name[n].name;
    for (int v = 0; v < r->loader->variables; v++)
        known[count++] = r->loader->variable[v].name;
    const char *near = tf_suggest(name, known, count);
    if (near)
        refuse(r, "there is no \"%s\" here; did you mean \"%s\"?", name, near);
    else
        refuse(r, "there is no \"%s\" here; there are %s", name, r->names->what);
    free(known);
}

static void refuse_function(reader *r, const char *name) {
    const char *known[FUNCTIONS];
    for (int f = 0; f < FUNCTIONS; f++)
        known[f] = functions[f].name;
    const char *near = tf_suggest(name, known, FUNCTIONS);
    refuse(r, "there is no function \"%s\"%s%s%s", name, near ? "; did you mean \"" : "", near ? near : "",
           near ? "\"?" : "");
}

/* An identifier, or what stands in braces. NULL if neither is next. */
static const char *take_name(reader *r) {
    const char *start = r->next;
    if (*start == '{') {
        const char *end = strchr(start, '}');
        if (!end) {
            refuse(r, "'{' has no '}'");
            return NULL;
        }
        r->next = end + 1;
        return tf_arena_strndup(r->loader->arena, start + 1, (size_t)(end - start - 1));
    }
    if (!isalpha((unsigned char)*start) && *start != '_')
        return NULL;
    const char *end = start;
    while (isalnum((unsigned char)*end) || *end == '_' ||
           (*end == '.' && (isalpha((unsigned char)end[1]) || end[1] == '_')))
        end++;
    r->next = end;
    return tf_arena_strndup(r->loader->arena, start, (size_t)(end - start));
}

/* A string: quoted, or the value of a name. false (and nothing taken) if none is next. */
static bool take_text(reader *r, operand *out) {
    const char *start = r->next;
    *out = (operand){.name = -1};
    if (*start == '\'' || *start == '"') {
        const char *end = strchr(start + 1, *start);
        if (!end) {
            refuse(r, "a string has no closing %c", *start);
            return false;
        }
        out->constant = tf_arena_strndup(r->loader->arena, start + 1, (size_t)(end - start - 1));
        r->next = end + 1;
        return true;
    }
    const char *name = take_name(r);
    int n = name ? find_name(r, name) : -1;
    const variable *v = name && n < 0 ? find_variable(r, name) : NULL;
    if (n >= 0 && r->names->name[n].type == TF_STRING) {
        if (r->names->name[n].array && !r->names->has_arrays)
            refuse(r, "\"%s\" is an array, and the result is a single number", name);
        out->name = n;
        return true;
    }
    if (v && v->type == TF_STRING) {
        out->constant = v->text;
        return true;
    }
    r->next = start;
    return false;
}

/* How a column of a table that is text by its cells becomes one of numbers. */
static const char *way_out(const reader *r, operand text) {
    const expr_name *name = text.name >= 0 ? &r->names->name[text.name] : NULL;
    return name ? advise_types(r->loader, name->name, name->type, name->why) : "";
}

/* string == string, string != string. */
static void read_comparison(reader *r, operand a) {
    const char *start = r->next;
    skip_space(r);
    bool equal = strncmp(r->next, "==", 2) == 0;
    if (!equal && strncmp(r->next, "!=", 2) != 0) {
        refuse(r, "strings can only be compared, by == and !=, to other strings%s", way_out(r, a));
        return;
    }
    r->next += 2;
    skip_space(r);
    operand b;
    if (!take_text(r, &b)) {
        refuse(r, "a string can only be compared to another string%s", way_out(r, a));
        return;
    }
    put(r, start, equal ? "(" : "(1-");
    put_term(r, start, (term){.kind = TERM_SAME, .a = a, .b = b});
    put(r, start, ")");
}

static bool is_function(const char *name) {
    for (int f = 0; f < FUNCTIONS; f++)
        if (strcmp(functions[f].name, name) == 0)
            return true;
    return false;
}

static void read_random(reader *r, const char *start, const char *name) {
    r->next++;
    skip_space(r);
    if (*r->next != ')') {
        refuse(r, "%s() takes no argument", name);
        return;
    }
    r->next++;
    if (!r->names->streams) {
        refuse(r, "%s() has no place here", name);
        return;
    }
    put_term(r, start, (term){.kind = *name == 'n' ? TERM_NORMAL : TERM_UNIFORM, .stream = ++*r->names->streams});
}

static void read_name(reader *r, const char *start, const char *name) {
    skip_space(r);
    bool bare = *start != '{';
    if (bare && *r->next == '(') {
        if (!is_function(name))
            refuse_function(r, name);
        else if (strcmp(name, "random") == 0 || strcmp(name, "normal") == 0)
            read_random(r, start, name);
        else
            put(r, start, name);
        return;
    }
    int n = find_name(r, name);
    const variable *v = find_variable(r, name);
    if (n >= 0 && r->names->name[n].array && !r->names->has_arrays) {
        refuse(r, "\"%s\" is an array, and the result is a single number", name);
        return;
    }
    if (n >= 0) {
        put_term(r, start, (term){.kind = TERM_VALUE, .name = n});
        return;
    }
    if (v) {
        put_number(r, start, v->number);
        return;
    }
    if (strcmp(name, "index") == 0 && r->names->has_index) {
        put_term(r, start, (term){.kind = TERM_INDEX});
        return;
    }
    for (size_t c = 0; c < sizeof constants / sizeof *constants; c++) {
        if (strcmp(constants[c].name, name) == 0) {
            put(r, start, name);
            return;
        }
    }
    refuse_unknown(r, name);
}

static void read_operator(reader *r) {
    static const char *const operators[] = {"**", "==", "!=", "<=", ">=", "&&", "||", "+", "-", "*", "/",
                                            "%",  "^",  "<",  ">",  "!",  "?",  ":",  "(", ")", ","};
    const char *start = r->next;
    for (size_t o = 0; o < sizeof operators / sizeof *operators; o++) {
        size_t length = strlen(operators[o]);
        if (strncmp(start, operators[o], length) != 0)
            continue;
        r->depth += *start == '(' ? 1 : *start == ')' ? -1 : 0;
        if (*start == ',' && r->depth <= 0)
            refuse(r, "a ',' belongs between the arguments of a function");
        put(r, start, o == 0 ? "^" : operators[o]);
        r->next += length;
        return;
    }
    if (*start == '=')
        refuse(r, "a single '=' has no meaning; equality is ==");
    else if (*start == '&' || *start == '|')
        refuse(r, "'%c' has no meaning; \"and\" is &&, \"or\" is ||", *start);
    else
        refuse(r, "'%c' has no meaning", *start);
}

static void read_part(reader *r) {
    const char *start = r->next;
    operand string;
    if (take_text(r, &string)) {
        read_comparison(r, string);
        return;
    }
    if (!r->sound)
        return;
    if (isdigit((unsigned char)*start) || (*start == '.' && isdigit((unsigned char)start[1]))) {
        char *end;
        double value = strtod(start, &end);
        r->next = end;
        if (isalpha((unsigned char)*end) || *end == '_')
            refuse(r, "\"%.*s\" is not a number", (int)(end - start) + 1, start);
        else if (isinf(value))
            refuse(r, "%.*s is beyond float64", (int)(end - start), start);
        else
            put_number(r, start, value);
        return;
    }
    const char *name = take_name(r);
    if (name)
        read_name(r, start, name);
    else if (r->sound)
        read_operator(r);
}

/* What muParser says of the whole. */
static void check_formula(reader *r) {
    double zero = 0;
    muParserHandle_t parser = new_parser();
    for (int t = 0; t < r->terms; t++) {
        char name[24];
        snprintf(name, sizeof name, "t%d", t);
        mupDefineVar(parser, name, &zero);
    }
    mupSetExpr(parser, tf_buf_text(&r->formula));
    mupEval(parser);
    if (mupError(parser)) {
        enum { TOO_MANY = 14, TOO_FEW = 15 };
        int code = mupGetErrorCode(parser), position = mupGetErrorPos(parser);
        bool inside = position >= 0 && (size_t)position < r->formula.length;
        const char *rest = r->source + (inside ? r->origin[position] : 0);
        if (code == TOO_MANY || code == TOO_FEW)
            refuse(r, "a function has too %s arguments", code == TOO_MANY ? "many" : "few");
        else if (inside && *rest)
            refuse(r, "is not an expression: it makes no sense from \"%s\" on", rest);
        else
            refuse(r, "is not an expression: something is missing");
    }
    mupRelease(parser);
}

expr_names param_names(const tf_space *space, expr_name *name) {
    int params = tf_space_params(space);
    for (int p = 0; p < params; p++)
        name[p] = (expr_name){.name = tf_space_param(space, p)->name,
                              .type = tf_space_param(space, p)->type,
                              .why = tf_space_param(space, p)->why};
    return (expr_names){.what = "the stage's parameters", .count = params, .name = name, .has_index = true};
}

const tf_expr *load_expr(struct loader *l, const at *where, const char *source, const expr_names *names) {
    enum { LONGEST = 4000 };
    reader r = {.loader = l, .where = where, .names = names, .source = source, .next = source, .sound = true};
    skip_space(&r);
    if (*r.next == '\0')
        refuse(&r, "the expression is empty");
    if (strlen(source) > LONGEST) {
        complain(l->diags, where, "an expression has at most %d characters", LONGEST);
        return NULL;
    }
    for (; r.sound && *r.next; skip_space(&r))
        read_part(&r);
    if (r.sound)
        check_formula(&r);
    tf_expr *expr = NULL;
    if (r.sound) {
        expr = tf_arena_alloc(l->arena, sizeof *expr);
        *expr = (tf_expr){.source = tf_arena_strdup(l->arena, source),
                          .formula = tf_arena_strdup(l->arena, tf_buf_text(&r.formula)),
                          .names = names->count,
                          .type = tf_arena_array(l->arena, (size_t)names->count, sizeof *expr->type),
                          .array = tf_arena_array(l->arena, (size_t)names->count, sizeof *expr->array),
                          .width = tf_arena_array(l->arena, (size_t)names->count, sizeof *expr->width),
                          .terms = r.terms,
                          .term = tf_arena_array(l->arena, (size_t)r.terms, sizeof *expr->term)};
        for (int n = 0; n < names->count; n++) {
            expr->type[n] = names->name[n].type;
            expr->array[n] = names->name[n].array;
            expr->width[n] = names->name[n].width;
        }
        for (int t = 0; t < r.terms; t++)
            expr->term[t] = r.term[t];
    }
    tf_buf_free(&r.formula);
    free(r.origin);
    free(r.term);
    return expr;
}

const tf_expr *tf_expr_parse(const char *source, const tf_expr_name *names, int count, tf_arena *arena,
                             tf_diags *diags) {
    struct loader l = {.arena = arena, .diags = diags};
    expr_name *name = tf_arena_array(arena, (size_t)count, sizeof *name);
    for (int n = 0; n < count; n++)
        name[n] = (expr_name){.name = names[n].name, .type = names[n].type};
    const expr_names known = {.what = "the stage's columns", .count = count, .name = name, .has_index = true};
    return load_expr(&l, NULL, source, &known);
}

/* ---- What is known of an expression ---- */

const char *tf_expr_source(const tf_expr *expr) {
    return expr->source;
}

bool tf_expr_uses(const tf_expr *expr, int name) {
    for (int t = 0; t < expr->terms; t++) {
        const term *m = &expr->term[t];
        if ((m->kind == TERM_VALUE && m->name == name) ||
            (m->kind == TERM_SAME && (m->a.name == name || m->b.name == name)))
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
    double **term; /* per term, a block of values */
    uint64_t seed;
    const char *stage;
    void (*set_threads)(int);
    int (*threads)(void);
};

/* Points at once: muParser's bulk mode costs something a call, and what is evaluated should stay in the cache. */
enum { BLOCK = 1024 };

/* POSIX says that function pointers may come as object pointers from dlsym. */
static void find_threads(tf_eval *e) {
    void *set = dlsym(RTLD_DEFAULT, "omp_set_num_threads"), *get = dlsym(RTLD_DEFAULT, "omp_get_max_threads");
    memcpy(&e->set_threads, &set, sizeof set);
    memcpy(&e->threads, &get, sizeof get);
}

tf_eval *tf_eval_new(const tf_expr *expr, uint64_t seed, const char *stage) {
    tf_eval *e = tf_alloc(sizeof *e);
    *e = (tf_eval){.expr = expr, .parser = new_parser(), .seed = seed, .stage = stage};
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

/* Texts of arrays are cells that may lack a NUL. */
static const char *text_at(const tf_expr *expr, const operand *t, const void *const *values, int64_t i,
                           size_t *length) {
    const bool cells = t->name >= 0 && expr->array[t->name];
    const char *text = t->name < 0 ? t->constant
                       : cells     ? (const char *)values[t->name] + (size_t)i * expr->width[t->name]
                                   : ((const char *const *)values[t->name])[i];
    *length = cells ? strnlen(text, expr->width[t->name]) : strlen(text);
    return text;
}

static bool is_same(const tf_expr *expr, const term *t, const void *const *values, int64_t a, int64_t b) {
    size_t x_length, y_length;
    const char *x = text_at(expr, &t->a, values, a, &x_length), *y = text_at(expr, &t->b, values, b, &y_length);
    return x_length == y_length && memcmp(x, y, x_length) == 0;
}

static void fill_term(const tf_eval *e, const term *t, const void *const *values, int64_t first, int64_t from,
                      int64_t count, double *out) {
    uint64_t key = t->stream ? tf_rng_stage_key(e->seed, e->stage, t->stream) : 0;
    for (int64_t i = 0; i < count; i++) {
        if (t->kind == TERM_VALUE) {
            tf_load_doubles(e->expr->type[t->name], values[t->name], from, count, out);
            return;
        }
        if (t->kind == TERM_INDEX) {
            out[i] = (double)(first + from + i);
        } else if (t->kind == TERM_SAME) {
            out[i] = is_same(e->expr, t, values, from + i, from + i);
        } else {
            tf_rng rng = tf_rng_start(key, first + from + i);
            out[i] = t->kind == TERM_NORMAL ? tf_rng_normal(&rng) : tf_rng_double(&rng);
        }
    }
}

/* muParser's threads, where it was built so: slots are ours to share out. Returns how many there were. */
static int take_one_thread(const tf_eval *e) {
    int threads = e->threads ? e->threads() : 1;
    if (e->set_threads && threads > 1)
        e->set_threads(1);
    return threads;
}

static void give_back_threads(const tf_eval *e, int threads) {
    if (e->set_threads && threads > 1)
        e->set_threads(threads);
}

/* The terms are filled. */
static void evaluate(const tf_eval *e, int64_t count, double *out) {
    if (e->expr->terms)
        mupEvalBulk(e->parser, out, (int)count);
    else
        for (int64_t i = 0; i < count; i++)
            out[i] = mupEval(e->parser);
}

void tf_eval_run(tf_eval *e, const void *const *values, int64_t first, int64_t count, double *out) {
    int threads = take_one_thread(e);
    for (int64_t from = 0; from < count; from += BLOCK) {
        int64_t size = count - from < BLOCK ? count - from : BLOCK;
        for (int t = 0; t < e->expr->terms; t++)
            fill_term(e, &e->expr->term[t], values, first, from, size, e->term[t]);
        evaluate(e, size, out + from);
    }
    give_back_threads(e, threads);
}

/* ---- Element by element ---- */

/* What is the same for all elements is there already. */
static void fill_elements(const tf_eval *e, int t, const void *const *values, tf_rng *rng, int64_t from,
                          int64_t count) {
    const term *m = &e->expr->term[t];
    double *out = e->term[t];
    if (m->kind == TERM_VALUE && e->expr->array[m->name])
        tf_load_doubles(e->expr->type[m->name], values[m->name], from, count, out);
    bool a = m->kind == TERM_SAME && m->a.name >= 0 && e->expr->array[m->a.name];
    bool b = m->kind == TERM_SAME && m->b.name >= 0 && e->expr->array[m->b.name];
    for (int64_t i = 0; (a || b) && i < count; i++)
        out[i] = is_same(e->expr, m, values, a ? from + i : 0, b ? from + i : 0);
    for (int64_t i = 0; m->stream && i < count; i++)
        out[i] = m->kind == TERM_NORMAL ? tf_rng_normal(rng) : tf_rng_double(rng);
}

void tf_eval_elements(tf_eval *e, const void *const *values, int64_t index, int64_t count, double *out) {
    const int64_t block = count < BLOCK ? count : BLOCK;
    const int terms = e->expr->terms;
    int threads = take_one_thread(e);
    tf_rng *rng = tf_alloc_array((size_t)terms, sizeof *rng);
    for (int t = 0; t < terms; t++) {
        const term *m = &e->expr->term[t];
        if (m->stream)
            rng[t] = tf_rng_start(tf_rng_stage_key(e->seed, e->stage, m->stream), index);
        else if (m->kind != TERM_VALUE || !e->expr->array[m->name])
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
    give_back_threads(e, threads);
    free(rng);
}

bool tf_eval_is_true(double value) {
    return value != 0 && !isnan(value);
}
