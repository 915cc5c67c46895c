/* Regular expressions that a manifest gives. The C library makes a copy of what is repeated for each time that it is,
 * and where a copy may be empty it looks from each copy at all that follow. So repetitions of repetitions take for
 * ever: the work is worked out first. To find what refers back to a group the library may have to try all ways to
 * match, which takes for ever on a short text already. */
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/load.h"

#define MOST_WORK 1e5 /* in copies of a single character */
#define LONGEST   4000

/* Returns what is behind a bracket expression that begins at `p`. */
static const char *skip_bracket(const char *p) {
    p++;
    p += *p == '^';
    p += *p == ']';
    while (*p && *p != ']') {
        if (*p == '[' && p[1] && strchr(":.=", p[1])) { /* [:alpha:] */
            const char end[] = {p[1], ']', '\0'}, *behind = strstr(p + 2, end);
            p = behind ? behind + 1 : p;
        }
        p++;
    }
    return *p ? p + 1 : p;
}

/* A part of an expression. */
typedef struct part {
    double work;  /* what it costs to compile */
    double empty; /* in how many ways it matches nothing */
} part;

/* Applies the repetition at `p` to what is before it. Returns what is behind it; NULL: there is no repetition. */
static const char *repeat(const char *p, part *atom) {
    double least = 0, most = 1; /* copies */
    const double before = atom->empty;
    const bool is_optional = *p == '?', loops = *p == '+';
    char *end;
    switch (*p) {
    case '*':
    case '?': break;
    case '+': least = most = 2; break;
    case '{':
        least = strtod(p + 1, &end);
        most = *end == ',' ? strtod(end + 1, &end) : least;
        most = least > most ? least : most > 1 ? most : 1;
        p = *end == '}' ? end : p;
        break;
    default: return NULL;
    }
    atom->work *= most;
    atom->empty = least == 0 ? 1 : 0;
    if (before > 0)
        atom->empty += pow(most > least ? before + 1 : before, most) + (loops ? before : 0);
    if (before > 0 && !is_optional)
        atom->work *= most * atom->empty;
    return p + 1;
}

/* Reads a single character, or what stands for one; an anchor is empty. Returns what is behind it. */
static const char *read_character(const char *p, part *atom) {
    const bool is_escaped = *p == '\\' && p[1];
    const bool is_anchor = is_escaped ? strchr("<>bB`'", p[1]) != NULL : *p == '^' || *p == '$';
    *atom = (part){.work = 1, .empty = is_anchor};
    return p + 1 + is_escaped;
}

/* Reads a group to its end. `behind` gets what follows. */
static part read_group(const char *p, const char **behind) {
    part all = {0}, branch = {.empty = 1};
    while (*p && *p != ')') {
        part atom = {.work = 1};
        if (*p == '|') {
            all.empty += branch.empty;
            branch.empty = 1;
            p++;
            continue;
        }
        if (*p == '(') {
            atom = read_group(p + 1, &p);
            atom.work++;
            p += *p == ')';
        } else if (*p == '[') {
            p = skip_bracket(p);
        } else {
            p = read_character(p, &atom);
        }
        for (const char *next; (next = repeat(p, &atom)); p = next)
            ;
        all.work += atom.work;
        branch.empty *= atom.empty;
    }
    all.empty += branch.empty;
    *behind = p;
    return all;
}

static bool refers_back(const char *p) {
    while (*p) {
        if (*p == '[') {
            p = skip_bracket(p);
            continue;
        }
        if (*p == '\\' && p[1] >= '1' && p[1] <= '9')
            return true;
        p += 1 + (*p == '\\' && p[1]);
    }
    return false;
}

bool check_regex(struct loader *l, const json_path *where, const char *text, int flags) {
    regex_t regex;
    char reason[100];
    double work = 0;
    if (*text == '\0') {
        diagnose(l->diags, where, TF_DIAG_BAD_REGEX, "the regular expression is empty");
        return false;
    }
    const bool is_long = strlen(text) > LONGEST; /* groups may be as deep */
    for (const char *p = text; *p && !is_long; p += *p == ')')
        work += read_group(p, &p).work;
    if (is_long || work > MOST_WORK) {
        diagnose(l->diags, where, TF_DIAG_BAD_REGEX, "\"%.60s\" is too long, or repeats too much of itself", text);
        return false;
    }
    if (refers_back(text)) {
        diagnose(l->diags, where, TF_DIAG_BAD_REGEX,
                 "\"%.60s\" refers back to a group (\\1 to \\9), which can take for ever; do without", text);
        return false;
    }
    int status = regcomp(&regex, text, flags | REG_EXTENDED);
    if (status == 0) {
        regfree(&regex);
        return true;
    }
    regerror(status, &regex, reason, sizeof reason);
    diagnose(l->diags, where, TF_DIAG_BAD_REGEX, "\"%.200s\" is not an extended regular expression: %s", text, reason);
    return false;
}
