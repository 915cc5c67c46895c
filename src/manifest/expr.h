/* Expressions, checked and evaluated. */
#ifndef TF_MANIFEST_EXPR_H
#define TF_MANIFEST_EXPR_H

#include "manifest/source.h"

/* Arithmetic on named values, checked when the manifest is read: "n > 10 && filter == 'R'". Numbers are double
 * precision (integers beyond 2^53 are rounded), truth is 1 and 0. */
typedef struct tf_expr tf_expr;
const char *tf_expr_source(const tf_expr *expr); /* as written in the manifest */

/* A name that may stand in an expression. */
typedef struct tf_expr_name {
    const char *name;
    tf_type type;
    const char *const *words; /* of a string: all that it may be, and a NULL; NULL: any */
} tf_expr_name;

/* Parses an expression that is in no manifest: of these names and of "index". The arena owns it. NULL after a
 * diagnostic.
 */
const tf_expr *tf_expr_parse(const char *source, const tf_expr_name *names, int count, tf_arena *arena,
                             tf_diags *diags);

/* Does the expression use the value of a name? Names have the numbers that they had when it was loaded: first the
 * parameters of its stage, then other names. */
bool tf_expr_uses(const tf_expr *expr, int name);

/* Adds what the expression's values depend on, besides the values of the names. */
void tf_expr_resolved(const tf_expr *expr, tf_buf *out);

/* Evaluates an expression, in one thread. Random numbers are those of the stage's tasks. The expression and `stage`
 * must outlive it. */
typedef struct tf_eval tf_eval;
tf_eval *tf_eval_new(const tf_expr *expr, uint64_t seed, const char *stage);
void tf_eval_free(tf_eval *eval);

/* Computes the values for tasks first .. first + count - 1. values[n] has the values of name n, as tf_space_fill gives
 * them; it may be NULL if the name is not used. */
void tf_eval_run(tf_eval *eval, const void *const *values, int64_t first, int64_t count, double *out);

bool tf_eval_is_true(double value); /* neither 0 nor NaN */

/* Computes the elements of one task. values[n] has `count` elements if name n is an array, else one. Random numbers are
 * drawn from the task's streams, one an element. */
void tf_eval_elements(tf_eval *eval, const void *const *values, int64_t index, int64_t count, double *out);

#endif
