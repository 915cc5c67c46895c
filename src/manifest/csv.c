/* CSV by RFC 4180: a header, fields that may be quoted, quotes doubled inside them, CR LF or LF. Fields are cut out of
 * the text in place. */
#include "manifest/csv.h"
#include "manifest/load.h"

#include <stdlib.h>
#include <string.h>

csv_end csv_field(csv_reader *r, const char **field) {
    if (r->next < r->end && *r->next == '"') {
        char *to = ++r->next;
        *field = to;
        for (;; r->next++) {
            if (r->next == r->end)
                return CSV_BROKEN;
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
            return CSV_END;
        char after = *r->next;
        if (after != ',' && after != '\n')
            return CSV_BROKEN;
        r->next++;
        r->line += after == '\n';
        return after == ',' ? CSV_COMMA : CSV_NEWLINE;
    }
    *field = r->next;
    r->next += strcspn(r->next, ",\n");
    char *stop = r->next;
    char after = r->next < r->end ? *r->next++ : '\0';
    if (after != ',' && stop > *field && stop[-1] == '\r')
        stop--;
    *stop = '\0';
    r->line += after == '\n';
    return after == ',' ? CSV_COMMA : after == '\n' ? CSV_NEWLINE : CSV_END;
}

bool csv_check_name(struct loader *l, const at *where, const char *file, const char *const *names, int count,
                    const char *name) {
    if (!check_param_name(l, where, "parameter", name))
        return false;
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            complain(l->diags, where, "%s: line 1: two columns are called \"%s\"", file, name);
            return false;
        }
    }
    return true;
}

/* Returns how many columns there are; 0 after a complaint. */
static int read_header(struct loader *l, const at *where, const char *file, csv_reader *r, const char ***names) {
    const char **list = NULL;
    int count = 0, capacity = 0;
    bool sound = true;
    csv_end end;
    do {
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            list = tf_realloc_array(list, (size_t)capacity, sizeof *list);
        }
        end = csv_field(r, &list[count]);
        if (end == CSV_BROKEN)
            complain(l->diags, where, "%s: line %d: " CSV_BROKEN_QUOTE, file, r->line);
        sound = end != CSV_BROKEN && csv_check_name(l, where, file, list, count, list[count]);
        count++;
    } while (end == CSV_COMMA && sound);
    *names = tf_arena_array(l->arena, (size_t)count, sizeof **names);
    memcpy(*names, list, (size_t)count * sizeof **names);
    free(list);
    return sound ? count : 0;
}

/* The records so far, column by column. */
typedef struct records {
    int columns;
    const char **name;
    const char ***cell; /* [column][row] */
    int64_t rows;
} records;

/* Which column each of a further file's is; NULL after a complaint. */
static int *match_columns(struct loader *l, const at *where, const csv_file *file, const char *first,
                          const char *const *name, int columns, const records *t) {
    int *place = tf_arena_array(l->arena, (size_t)columns, sizeof *place);
    for (int c = 0; c < columns; c++) {
        place[c] = 0;
        while (place[c] < t->columns && strcmp(t->name[place[c]], name[c]) != 0)
            place[c]++;
        if (place[c] == t->columns || columns != t->columns) {
            complain(l->diags, where, "%s: must have the columns of %s", file->name, first);
            return NULL;
        }
    }
    return place;
}

static bool read_records(struct loader *l, const at *where, const char *file, csv_reader *r, const int *place,
                         records *t) {
    while (r->next < r->end) {
        int line = r->line, fields = 0;
        const bool blank = csv_is_blank(r);
        csv_end end;
        do {
            const char *field;
            end = csv_field(r, &field);
            if (end == CSV_BROKEN) {
                complain(l->diags, where, "%s: line %d: " CSV_BROKEN_QUOTE, file, line);
                return false;
            }
            if (fields < t->columns)
                t->cell[place[fields]][t->rows] = field;
            fields++;
        } while (end == CSV_COMMA);
        if (blank && fields == 1)
            continue;
        if (fields != t->columns) {
            complain(l->diags, where, "%s: line %d: %d field%s, expected %d", file, line, fields,
                     fields == 1 ? "" : "s", t->columns);
            return false;
        }
        t->rows++;
    }
    return true;
}

/* The first file says what the columns are called. `most` rows are in all files together. */
static bool add_file(struct loader *l, const at *where, const csv_file *file, const char *first, size_t most,
                     records *t) {
    const char **name;
    if (memchr(file->text, 0, file->length)) {
        complain(l->diags, where, "%s: " HOLDS_NUL, file->name);
        return false;
    }
    if (file->length == 0) {
        complain(l->diags, where, "%s is empty; its first line must name the columns", file->name);
        return false;
    }
    csv_reader r = {.next = file->text, .end = file->text + file->length, .line = 1};
    int columns = read_header(l, where, file->name, &r, &name);
    if (columns == 0)
        return false;
    if (!t->name) {
        t->name = name;
        t->columns = columns;
        t->cell = tf_arena_array(l->arena, (size_t)columns, sizeof *t->cell);
        for (int c = 0; c < columns; c++)
            t->cell[c] = tf_arena_array(l->arena, most, sizeof **t->cell);
    }
    const int *place = match_columns(l, where, file, first, name, columns, t);
    return place && read_records(l, where, file->name, &r, place, t);
}

tf_space *load_csv(struct loader *l, const at *where, const csv_file *file, int64_t files) {
    records t = {0};
    size_t most = (size_t)files;
    for (int64_t f = 0; f < files; f++)
        for (size_t i = 0; i < file[f].length; i++)
            most += file[f].text[i] == '\n';
    for (int64_t f = 0; f < files; f++)
        if (!add_file(l, where, &file[f], file[0].name, most, &t))
            return NULL;
    if (t.rows == 0) {
        complain(l->diags, where, "%s has a header and no records", file[0].name);
        return NULL;
    }
    return table_of_strings(l, t.columns, t.name, t.rows, t.cell);
}
