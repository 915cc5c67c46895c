/* One pass over the text, in which strings are skipped (see relaxed.h). Ends of lines stay, so that a place has the
 * same line and byte before and after. */
#include "manifest/relaxed.h"

#include <string.h>

static void blank(char *from, const char *to) {
    for (; from < to; from++)
        if (*from != '\n' && *from != '\r')
            *from = ' ';
}

/* The end of a string that begins at `at`, behind its closing quote. */
static char *skip_string(char *at, const char *end) {
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\' && at + 1 < end)
            at++;
    return at < end ? at + 1 : at;
}

/* The end of a comment that begins at `at`; NULL: none does, or it does not end. */
static char *skip_comment(char *at, char *end) {
    if (end - at < 2 || at[0] != '/')
        return NULL;
    if (at[1] == '/') {
        char *line = memchr(at, '\n', (size_t)(end - at));
        return line ? line : end;
    }
    for (char *star = at + 2; at[1] == '*' && star + 1 < end; star++)
        if (star[0] == '*' && star[1] == '/')
            return star + 2;
    return NULL;
}

void relaxed_blank(char *text, size_t length) {
    char *const end = text + length, *comma = NULL; /* that may turn out to stand behind a last member */
    char before = '[';                              /* the last character that was no space */
    for (char *at = text; at < end;) {
        char *behind = skip_comment(at, end);
        if (behind) {
            blank(at, behind);
            at = behind;
            continue;
        }
        if (strchr(" \t\r\n", *at) && *at) {
            at++;
            continue;
        }
        if ((*at == ']' || *at == '}') && comma)
            *comma = ' ';
        comma = *at == ',' && !strchr("[{,:", before) ? at : NULL;
        before = *at ? *at : '[';
        at = *at == '"' ? skip_string(at, end) : at + 1;
    }
}
