/* Regular expressions that a manifest gives. The C library makes a copy of what is repeated for each time that it is,
 * so that repetitions of repetitions take for ever: how much there would be is found out first. To find what refers
 * back to a group it may have to try all ways to match, which takes for ever on a short text already. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/load.h"

#define MOST_COPIES 1e5 /* of single characters and brackets */
#define LONGEST     4000
/* Behind a bracket expression, which begins at `p`. */
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

/* How often what is before it is there, of a repetition at `p`; 0: there is none. */
static double repetitions(const char *p, const char **behind) {
    *behind = p + 1;
    if (*p == '*' || *p == '?')
        return 1;
    if (*p == '+')
        return 2;
    if (*p != '{')
        return 0;
    char *end;
    double least = strtod(p + 1, &end), most = *end == ',' ? strtod(end + 1, &end) : least;
    *behind = *end == '}' ? end + 1 : p + 1;
    return least > most ? least : most > 1 ? most : 1;
}

/* Up to the end of the group, and behind it. */
static double copies(const char *p, const char **behind) {
    double all = 0;
    while (*p && *p != ')') {
        double atom = 1, times;
        if (*p == '(') {
            atom += copies(p + 1, &p);
            p += *p == ')';
        } else if (*p == '[') {
            p = skip_bracket(p);
        } else {
            p += 1 + (*p == '\\' && p[1]);
        }
        while ((times = repetitions(p, behind)) > 0) {
            atom *= times;
            p = *behind;
        }
        all += atom;
    }
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

bool check_regex(struct loader *l, const at *where, const char *text, int flags) {
    regex_t regex;
    char reason[100];
    double all = 0;
    const bool is_long = strlen(text) > LONGEST; /* groups may be as deep */
    for (const char *p = text; *p && !is_long; p += *p == ')')
        all += copies(p, &p);
    if (is_long || all > MOST_COPIES) {
        complain(l->diags, where, "\"%.60s\" is too long, or repeats too much of itself", text);
        return false;
    }
    if (refers_back(text)) {
        complain(l->diags, where, "\"%.60s\" refers back to a group (\\1 to \\9), which can take for ever; do without",
                 text);
        return false;
    }
    int status = regcomp(&regex, text, flags | REG_EXTENDED);
    if (status == 0) {
        regfree(&regex);
        return true;
    }
    regerror(status, &regex, reason, sizeof reason);
    complain(l->diags, where, "\"%.200s\" is not an extended regular expression: %s", text, reason);
    return false;
}
