/* Expressions: muParser parses and evaluates them; what it is given is made of the manifest's text here. Names become
 * terms t0, t1, ..., each an array of numbers, so that names may be any, unknown ones are found with a suggestion, and
 * strings, which muParser can't compare, are compared beforehand: the comparison is a term. Variables are constants. */
#ifndef TF_MANIFEST_TERMS_H
#define TF_MANIFEST_TERMS_H

#include <muParserDLL.h>

#include "manifest/load.h"

typedef enum term_kind {
    TERM_VALUE, /* a name's */
    TERM_INDEX,
    TERM_SAME,    /* two strings are equal: 1 or 0 */
    TERM_UNIFORM, /* random numbers of the task */
    TERM_NORMAL
} term_kind;

/* A string of a comparison: a name's, or a constant. */
typedef struct operand {
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

/* A parser that knows functions, constants and operators, and no terms. To be released. */
muParserHandle_t expr_parser(void);

bool expr_is_function(const char *name);
const char *expr_suggest_function(const char *name); /* the nearest; NULL if none is near */
bool expr_is_constant(const char *name);

#endif
