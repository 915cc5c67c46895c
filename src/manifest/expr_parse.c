/* An expression's text becomes a formula of terms. */
#include "manifest/terms.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    struct loader *loader;
    const json_path *where;
    const expr_names *names;
    const char *source, *next;
    tf_buf formula;
    size_t *origin; /* per byte of the formula: its place in the source */
    term *term;
    int terms;
    bool sound;                /* nothing has been reported */
    int depth;                 /* of parentheses */
    const char *operator_name; /* a name that is taken for that of a value, unless it makes no sense; NULL: none */
} reader;

TF_PRINTF(2, 3) static void refuse(reader *r, const char *format, ...) {
    tf_buf why = {0};
    va_list args;
    va_start(args, format);
    tf_buf_addv(&why, format, args);
    va_end(args);
    if (r->sound)
        diagnose(r->loader->diags, r->where, TF_DIAG_BAD_EXPRESSION, "\"%s\": %s", r->source, tf_buf_text(&why));
    r->sound = false;
    tf_buf_free(&why);
}

/* Adds a text to the formula; `from` is the part of the source that it stands for. */
static void add_text(reader *r, const char *from, const char *text) {
    size_t before = r->formula.length;
    tf_buf_adds(&r->formula, text);
    r->origin = tf_realloc_array(r->origin, r->formula.length + 1, sizeof *r->origin);
    for (size_t i = before; i <= r->formula.length; i++)
        r->origin[i] = (size_t)(from - r->source);
}

static void add_term(reader *r, const char *from, term t) {
    char name[24];
    r->term = tf_realloc_array(r->term, (size_t)r->terms + 1, sizeof *r->term);
    r->term[r->terms] = t;
    snprintf(name, sizeof name, "t%d", r->terms++);
    add_text(r, from, name);
}

static void add_number(reader *r, const char *from, double value) {
    tf_buf text = {0};
    if (isnan(value)) {
        tf_buf_adds(&text, "nan");
    } else {
        tf_buf_addc(&text, '(');
        tf_buf_add_double(&text, value);
        tf_buf_addc(&text, ')');
    }
    add_text(r, from, tf_buf_text(&text));
    tf_buf_free(&text);
}

static void skip_space(reader *r) {
    r->next += strspn(r->next, " \t\n\r");
}

static int find_name(const reader *r, const char *name) {
    if (r->names->number) {
        const uint32_t n = tf_table_get(r->names->number, name, strlen(name));
        return n == TF_TABLE_NONE ? -1 : (int)n;
    }
    for (int n = 0; n < r->names->count; n++)
        if (strcmp(r->names->name[n].name, name) == 0)
            return n;
    return -1;
}

static operand operand_of(const reader *r, int n) {
    const expr_name *name = &r->names->name[n];
    return (operand){.name = n, .type = name->type, .array = name->array, .width = name->width};
}

static const variable *find_variable(const reader *r, const char *name) {
    for (int i = 0; i < r->loader->variables; i++)
        if (strcmp(r->loader->variable[i].name, name) == 0)
            return &r->loader->variable[i];
    return NULL;
}

/* "a, b and c" */
static void list_names(const reader *r, tf_buf *out) {
    for (int n = 0; n < r->names->count; n++)
        tf_buf_addf(out, "%s%s", n == 0 ? "" : n + 1 < r->names->count ? ", " : " and ", r->names->name[n].name);
}

/* Operators as other languages spell them. */
static const char *find_operator(const char *word) {
    static const char *const operators[][2] = {{"and", "&&"},
                                               {"or", "||"},
                                               {"not", "!"},
                                               {"AND", "&&"},
                                               {"OR", "||"},
                                               {"NOT", "!"},
                                               {"in", "x == a || x == b"}};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i][0], word) == 0)
            return operators[i][1];
    return NULL;
}

static void refuse_unknown(reader *r, const char *name) {
    enum { LISTED = 12 };
    const char *written = find_operator(name);
    if (written) {
        refuse(r, "\"%s\" is written %s here", name, written);
        return;
    }
    size_t count = 0, most = (size_t)r->names->count + (size_t)r->loader->variables;
    const char **known = tf_alloc_array(most, sizeof *known);
    for (int n = 0; n < r->names->count; n++)
        known[count++] = r->names->name[n].name;
    for (int v = 0; v < r->loader->variables; v++)
        known[count++] = r->loader->variable[v].name;
    const char *near = tf_suggest(name, known, count);
    if (near)
        refuse(r, "there is no \"%s\" here; did you mean \"%s\"?", name, near);
    else {
        tf_buf list = {0};
        if (r->names->count <= LISTED)
            list_names(r, &list);
        refuse(r, "there is no \"%s\" here; there are %s%s%s", name, r->names->what, list.length ? ": " : "",
               tf_buf_text(&list));
        tf_buf_free(&list);
    }
    free(known);
}

static void refuse_function(reader *r, const char *name) {
    const char *near = expr_suggest_function(name);
    refuse(r, "there is no function \"%s\"%s%s%s", name, near ? "; did you mean \"" : "", near ? near : "",
           near ? "\"?" : "");
}

/* Parses an identifier, or a name in braces. NULL: neither is next. */
static const char *parse_name(reader *r) {
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

/* Parses a quoted string, in which a quote is written twice: 'it''s'. NULL after a diagnostic. */
static const char *parse_quoted(reader *r) {
    const char quote = *r->next, *from = r->next + 1, *end;
    tf_buf text = {0};
    while ((end = strchr(from, quote)) && end[1] == quote) {
        tf_buf_add(&text, from, (size_t)(end + 1 - from));
        from = end + 2;
    }
    if (end)
        tf_buf_add(&text, from, (size_t)(end - from));
    else
        refuse(r, "a string has no closing %c; a quote in it is written twice", quote);
    const char *found = end ? tf_arena_strdup(r->loader->arena, tf_buf_text(&text)) : NULL;
    r->next = end ? end + 1 : r->next;
    tf_buf_free(&text);
    return found;
}

/* Parses a string: a quoted one, or a name whose value is one. false, and the reader has not moved: none is next. */
static bool parse_string(reader *r, operand *out) {
    const char *start = r->next;
    *out = (operand){.name = -1};
    if (*start == '\'' || *start == '"') {
        out->constant = parse_quoted(r);
        return out->constant != NULL;
    }
    const char *name = parse_name(r);
    int n = name ? find_name(r, name) : -1;
    const variable *v = name && n < 0 ? find_variable(r, name) : NULL;
    if (n >= 0 && r->names->name[n].type == TF_STRING) {
        if (r->names->name[n].array && !r->names->has_arrays)
            refuse(r, "\"%s\" is an array, and the result is a single number", name);
        *out = operand_of(r, n);
        return true;
    }
    if (v && v->type == TF_STRING) {
        out->constant = v->text;
        return true;
    }
    r->next = start;
    return false;
}

/* Advice for a string that is a column of a table: see advise_types. */
static const char *advise_column(const reader *r, operand text) {
    const expr_name *name = text.name >= 0 ? &r->names->name[text.name] : NULL;
    return name ? advise_types(r->loader, name->param) : "";
}

/* What stands where a string must is a word without quotes, a number or nothing. */
static void refuse_other(reader *r, operand string) {
    const char *start = r->next, *name = *start == '{' ? NULL : parse_name(r);
    if (name && find_name(r, name) < 0 && !find_variable(r, name) && *r->next != '(')
        refuse(r, "there is no \"%s\" here; a text stands in quotes: '%s'", name, name);
    else
        refuse(r, "a string can only be compared to another string%s", advise_column(r, string));
}

/* A string that is one of a few words is compared to one of them. */
static void check_word(reader *r, operand string, operand other) {
    const char *const *words = string.name >= 0 ? r->names->name[string.name].words : NULL;
    size_t count = 0;
    tf_buf list = {0};
    if (!words || other.name >= 0)
        return;
    for (; words[count] && strcmp(words[count], other.constant) != 0; count++)
        tf_buf_addf(&list, "%s%s", count ? ", " : "", words[count]);
    const char *name = r->names->name[string.name].name;
    const char *near = words[count] ? NULL : tf_suggest(other.constant, words, count);
    if (near)
        refuse(r, "no %s is called '%s'; did you mean '%s'?", name, other.constant, near);
    else if (!words[count])
        refuse(r, "no %s is called '%s'; there are %s", name, other.constant, tf_buf_text(&list));
    tf_buf_free(&list);
}

/* Parses what follows a string: == or !=, and another string. */
static void parse_comparison(reader *r, operand a) {
    const char *start = r->next;
    skip_space(r);
    bool equal = strncmp(r->next, "==", 2) == 0;
    if (!equal && strncmp(r->next, "!=", 2) != 0) {
        if (r->names->is_open) /* it may be compared to what stands before it */
            add_number(r, start, 0);
        else
            refuse(r, "strings can only be compared, by == and !=, to other strings%s", advise_column(r, a));
        return;
    }
    r->next += 2;
    skip_space(r);
    operand b;
    if (!parse_string(r, &b)) {
        if (r->names->is_open) /* what follows may be one */
            add_text(r, start, "0==");
        else
            refuse_other(r, a);
        return;
    }
    check_word(r, a, b);
    check_word(r, b, a);
    add_text(r, start, equal ? "(" : "(1-");
    add_term(r, start, (term){.kind = TERM_SAME, .a = a, .b = b});
    add_text(r, start, ")");
}

/* Parses the parentheses of random() or normal(). */
static void parse_random(reader *r, const char *start, const char *name, term_kind kind) {
    r->next++;
    skip_space(r);
    if (*r->next != ')') {
        refuse(r, "%s() takes no argument", name);
        return;
    }
    r->next++;
    if (!r->names->streams) {
        refuse(r, "%s() can be used only in the \"expr\" of a run", name);
        return;
    }
    add_term(r, start, (term){.kind = kind, .stream = ++*r->names->streams});
}

/* Adds a name that may come to stand for something. One that other languages have for an operator is remembered. */
static void add_unknown(reader *r, const char *start, const char *name) {
    if (!r->operator_name && find_operator(name))
        r->operator_name = name;
    add_term(r, start, (term){.kind = TERM_VALUE, .a = {.name = -1}});
}

/* Parses what a name stands for: a function, a value or a constant. */
static void parse_named(reader *r, const char *start, const char *name) {
    skip_space(r);
    bool bare = *start != '{';
    if (bare && *r->next == '(') {
        if (!expr_is_function(name))
            refuse_function(r, name);
        else if (strcmp(name, "random") == 0)
            parse_random(r, start, name, TERM_UNIFORM);
        else if (strcmp(name, "normal") == 0)
            parse_random(r, start, name, TERM_NORMAL);
        else
            add_text(r, start, name);
        return;
    }
    int n = find_name(r, name);
    const variable *v = find_variable(r, name);
    if (n >= 0 && r->names->name[n].array && !r->names->has_arrays) {
        refuse(r, "\"%s\" is an array, and the result is a single number", name);
        return;
    }
    if (n >= 0) {
        add_term(r, start, (term){.kind = TERM_VALUE, .a = operand_of(r, n)});
        return;
    }
    if (v) {
        add_number(r, start, v->number);
        return;
    }
    if (strcmp(name, "index") == 0 && r->names->has_index) {
        add_term(r, start, (term){.kind = TERM_INDEX});
        return;
    }
    if (expr_is_constant(name))
        add_text(r, start, name);
    else if (r->names->is_open)
        add_unknown(r, start, name);
    else
        refuse_unknown(r, name);
}

static void parse_operator(reader *r) {
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
        add_text(r, start, o == 0 ? "^" : operators[o]);
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

static void parse_part(reader *r) {
    const char *start = r->next;
    operand string;
    if (parse_string(r, &string)) {
        parse_comparison(r, string);
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
            add_number(r, start, value);
        return;
    }
    const char *name = parse_name(r);
    if (name)
        parse_named(r, start, name);
    else if (r->sound)
        parse_operator(r);
}

/* Lets muParser check the whole formula. */
static void check_formula(reader *r) {
    double zero = 0;
    muParserHandle_t parser = expr_parser();
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
        if (r->operator_name)
            refuse_unknown(r, r->operator_name);
        else if (code == TOO_MANY || code == TOO_FEW)
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
                              .param = tf_space_param(space, p)};
    return (expr_names){.what = "the stage's parameters", .count = params, .name = name, .has_index = true};
}

const tf_expr *load_expr(struct loader *l, const json_path *where, const char *source, const expr_names *names) {
    enum { LONGEST = 4000 };
    reader r = {.loader = l, .where = where, .names = names, .source = source, .next = source, .sound = true};
    skip_space(&r);
    if (*r.next == '\0')
        refuse(&r, "the expression is empty");
    if (strlen(source) > LONGEST) {
        diagnose(l->diags, where, TF_DIAG_BAD_EXPRESSION, "an expression has at most %d characters", LONGEST);
        return NULL;
    }
    for (; r.sound && *r.next; skip_space(&r))
        parse_part(&r);
    if (r.sound)
        check_formula(&r);
    tf_expr *expr = NULL;
    if (r.sound) {
        expr = tf_arena_alloc(l->arena, sizeof *expr);
        *expr = (tf_expr){.source = tf_arena_strdup(l->arena, source),
                          .formula = tf_arena_strdup(l->arena, tf_buf_text(&r.formula)),
                          .terms = r.terms,
                          .term = tf_arena_array(l->arena, (size_t)r.terms, sizeof *expr->term)};
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
        name[n] = (expr_name){.name = names[n].name, .type = names[n].type, .words = names[n].words};
    const expr_names known = {.what = "the stage's columns", .count = count, .name = name, .has_index = true};
    return load_expr(&l, NULL, source, &known);
}
