/* A column from the first match of a regular expression in stdout. */
#include "host/column_reader.h"

#include <regex.h>

/* The first match in the lines: its first group, or all of it if there are no groups. NULL: there is none. */
static const char *find_match(const cell *c, const regex_t *regex, const tf_buf *lines, size_t *length) {
    regmatch_t match[2] = {{.rm_so = 0, .rm_eo = (regoff_t)lines->length}};
    const int status = regexec(regex, tf_buf_text(lines), 2, match, REG_STARTEND);
    if (status != 0 && status != REG_NOMATCH)
        host_fail(c->host, "column \"%s\": \"%s\" can't be looked for: out of memory", c->spec->name, c->spec->regex);
    if (status != 0)
        return NULL;
    const regmatch_t *found = &match[regex->re_nsub > 0];
    *length = (size_t)(found->rm_eo - found->rm_so);
    return found->rm_so >= 0 ? tf_buf_text(lines) + found->rm_so : NULL;
}

static void fail_no_match(const cell *c, answer *a) {
    char text[SHORT], part[32] = "";
    if (a->is_cut)
        host_fail(c->host, "column \"%s\": nothing in the first and the last %s of stdout matches \"%s\"",
                  c->spec->name, tf_format_size(c->host->out.limit / 2, part), c->spec->regex);
    else if (answer_find_line(c, a) && a->length > 0)
        host_fail(c->host, "column \"%s\": nothing in stdout matches \"%s\"; its last line is \"%s\"", c->spec->name,
                  c->spec->regex, shorten(a->line, a->length, text));
    else
        host_fail(c->host, "column \"%s\": nothing in stdout matches \"%s\"; it is empty", c->spec->name,
                  c->spec->regex);
}

bool read_regex(const cell *c, answer *a) {
    regex_t regex; /* compiled here a second time: the manifest's check left nothing behind */
    if (regcomp(&regex, c->spec->regex, REG_EXTENDED | REG_NEWLINE) != 0) {
        host_fail(c->host, "column \"%s\": \"%s\" can't be compiled: out of memory", c->spec->name, c->spec->regex);
        return false;
    }
    answer_read(c->host, a);
    size_t length = 0;
    const char *found = find_match(c, &regex, &a->first, &length);
    if (!found && a->is_cut)
        found = find_match(c, &regex, &a->last, &length);
    regfree(&regex);
    if (found)
        return cell_store_text(c, found, length, "what the regular expression found");
    if (!c->spec->optional)
        fail_no_match(c, a);
    return c->spec->optional;
}
