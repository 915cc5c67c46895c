/* The functions, constants and operators of expressions. */
#include "manifest/terms.h"

#include <math.h>
#include <string.h>

static double sign_of(double x) {
    return x > 0 ? 1 : x < 0 ? -1 : x;
}

/* The remainder as in Python: it has the sign of the divisor. */
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

muParserHandle_t expr_parser(void) {
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

bool expr_is_function(const char *name) {
    for (int f = 0; f < FUNCTIONS; f++)
        if (strcmp(functions[f].name, name) == 0)
            return true;
    return false;
}

const char *expr_suggest_function(const char *name) {
    const char *known[FUNCTIONS];
    for (int f = 0; f < FUNCTIONS; f++)
        known[f] = functions[f].name;
    return tf_suggest(name, known, FUNCTIONS);
}

bool expr_is_constant(const char *name) {
    for (size_t c = 0; c < sizeof constants / sizeof *constants; c++)
        if (strcmp(constants[c].name, name) == 0)
            return true;
    return false;
}
