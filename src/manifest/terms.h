/* Expressions: muParser parses and evaluates them; what it is given is made of the manifest's text here. Names become
 * terms t0, t1, ..., each an array of numbers, so that names may be any, unknown ones are found with a suggestion, and
 * strings, which muParser can't compare, are compared beforehand: the comparison is a term. Variables are constants. */
#ifndef TF_MANIFEST_TERMS_H
#define TF_MANIFEST_TERMS_H

#include <muParserDLL.h>

#include "manifest/load.h"

typedef enum term_kind {
    TERM_VALUE,   /* the value of a name */
    TERM_INDEX,   /* the index of the task */
    TERM_SAME,    /* 1 if two strings are equal, else 0 */
    TERM_UNIFORM, /* a random number of the task, from 0 to 1 */
    TERM_NORMAL   /* a random number of the task, by the normal distribution */
} term_kind;

/* The value of a name, or a constant string. */
typedef struct operand {
    int name; /* -1: it is a constant */
    const char *constant;
    tf_type type;
    bool array;   /* a task has several values */
    size_t width; /* of an array of strings: the bytes of a cell */
} operand;

typedef struct term {
    term_kind kind;
    operand a;       /* TERM_VALUE, TERM_SAME */
    operand b;       /* TERM_SAME */
    uint32_t stream; /* TERM_UNIFORM, TERM_NORMAL: the number of its stream */
} term;

struct tf_expr {
    const char *source, *formula;
    int terms;
    term *term;
};

/* A parser that knows functions, constants and operators, and no terms. To be released. */
muParserHandle_t expr_parser(void);

bool expr_is_function(const char *name);
const char *expr_suggest_function(const char *name); /* the nearest; NULL if none is near */
bool expr_is_constant(const char *name);

#endif
