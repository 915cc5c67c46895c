/* CSV by RFC 4180: a header, fields that may be quoted, quotes doubled inside them, CR LF or LF. Fields are cut out of
 * the text in place. */
#include "manifest/load.h"

#include <string.h>

typedef struct reader {
    char *next;
    char *end;
    int line; /* of the next character, from 1 */
} reader;

typedef enum field_end { FIELD_COMMA, FIELD_NEWLINE, FIELD_END, FIELD_BROKEN } field_end;

/* Reads one field. Its text is unquoted and ended by a NUL in place of what followed it. */
static field_end read_field(reader *r, const char **field) {
    if (r->next < r->end && *r->next == '"') {
        char *to = ++r->next;
        *field = to;
        for (;; r->next++) {
            if (r->next == r->end)
                return FIELD_BROKEN;
            r->line += *r->next == '\n';
            if (*r->next == '"') {
                if (r->next + 1 == r->end || r->next[1] != '"')
                    break;
                r->next++;
            }
            *to++ = *r->next;
        }
        r->next++;
        *to = '\0';
        if (r->next < r->end && *r->next == '\r' && (r->next + 1 == r->end || r->next[1] == '\n'))
            r->next++;
        if (r->next == r->end)
            return FIELD_END;
        char after = *r->next;
        if (after != ',' && after != '\n')
            return FIELD_BROKEN;
        r->next++;
        r->line += after == '\n';
        return after == ',' ? FIELD_COMMA : FIELD_NEWLINE;
    }
    *field = r->next;
    r->next += strcspn(r->next, ",\n");
    char *stop = r->next;
    char after = r->next < r->end ? *r->next++ : '\0';
    if (after != ',' && stop > *field && stop[-1] == '\r')
        stop--;
    *stop = '\0';
    r->line += after == '\n';
    return after == ',' ? FIELD_COMMA : after == '\n' ? FIELD_NEWLINE : FIELD_END;
}

static int read_header(struct loader *l, const at *where, const char *file, reader *r, const char ***names) {
    size_t most = 1;
    bool quoted = false;
    for (const char *c = r->next; *c && (quoted || *c != '\n'); c++) {
        most += *c == ',';
        quoted = quoted != (*c == '"');
    }
    *names = tf_arena_array(l->arena, most, sizeof **names);
    int count = 0;
    field_end end;
    do {
        end = read_field(r, &(*names)[count]);
        if (end == FIELD_BROKEN) {
            complain(l->diags, where, "%s: line %d: a quote is not closed, or has text behind it", file, r->line);
            return 0;
        }
        const char *name = (*names)[count];
        if (!check_param_name(l, where, "parameter", name))
            return 0;
        for (int i = 0; i < count; i++) {
            if (strcmp((*names)[i], name) == 0) {
                complain(l->diags, where, "%s: line 1: two columns are called \"%s\"", file, name);
                return 0;
            }
        }
        count++;
    } while (end == FIELD_COMMA);
    return count;
}

tf_space *load_csv(struct loader *l, const at *where, const char *file, char *text, size_t length) {
    if (memchr(text, 0, length)) {
        complain(l->diags, where, "%s: holds NUL bytes: is it a text file?", file);
        return NULL;
    }
    reader r = {.next = text, .end = text + length, .line = 1};
    if (length == 0) {
        complain(l->diags, where, "%s is empty; its first line must name the columns", file);
        return NULL;
    }
    size_t most = 1;
    for (const char *c = text; (c = strchr(c, '\n')); c++)
        most++;
    const char **names;
    int columns = read_header(l, where, file, &r, &names);
    if (columns == 0)
        return NULL;
    const char ***cells = tf_arena_array(l->arena, (size_t)columns, sizeof *cells);
    for (int c = 0; c < columns; c++)
        cells[c] = tf_arena_array(l->arena, most, sizeof **cells);
    int64_t rows = 0;
    while (r.next < r.end) {
        int line = r.line, fields = 0;
        bool blank = *r.next == '\n' || *r.next == '\r';
        field_end end;
        do {
            const char *field;
            end = read_field(&r, &field);
            if (end == FIELD_BROKEN) {
                complain(l->diags, where, "%s: line %d: a quote is not closed, or has text behind it", file, line);
                return NULL;
            }
            if (fields < columns)
                cells[fields][rows] = field;
            fields++;
        } while (end == FIELD_COMMA);
        if (blank && fields == 1)
            continue;
        if (fields != columns) {
            complain(l->diags, where, "%s: line %d: %d field%s, expected %d", file, line, fields,
                     fields == 1 ? "" : "s", columns);
            return NULL;
        }
        rows++;
    }
    if (rows == 0) {
        complain(l->diags, where, "%s has a header and no records", file);
        return NULL;
    }
    return table_of_strings(l, columns, names, rows, cells);
}
