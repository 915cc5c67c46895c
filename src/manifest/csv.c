/* CSV by RFC 4180: a header, fields that may be quoted, quotes doubled inside them, CR LF or LF. Fields are cut out of
 * the text in place. And tables that are read as a whole. */
#include "manifest/csv.h"
#include "manifest/axis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

csv_end csv_field(csv_reader *r, const char **field) {
    r->quoted = r->next < r->end && *r->next == '"';
    if (r->quoted) {
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

/* ---- Reading ---- */

/* Reads the names of the columns. Returns how many they are; 0 after a diagnostic. */
static int read_header(struct loader *l, const json_path *where, const char *file, csv_reader *r, const char ***names) {
    const char **list = NULL;
    int count = 0, capacity = 0;
    csv_end end;
    do {
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            list = tf_realloc_array(list, (size_t)capacity, sizeof *list);
        }
        end = csv_field(r, &list[count]);
        if (end == CSV_BROKEN)
            diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s: line %d: " CSV_BROKEN_QUOTE, file, r->line);
        count++;
    } while (end == CSV_COMMA);
    *names = tf_arena_array(l->arena, (size_t)count, sizeof **names);
    memcpy(*names, list, (size_t)count * sizeof **names);
    free(list);
    return end != CSV_BROKEN && csv_check_header(l, where, file, *names, count) ? count : 0;
}

/* The records so far, column by column. */
typedef struct records {
    int columns;
    const char **name;
    csv_column *column;
    const char ***cell; /* [column][row] */
    int64_t rows;
} records;

/* Finds for each column of a further file which of the table's it is. NULL after a diagnostic. */
static int *match_columns(struct loader *l, const json_path *where, const csv_file *file, const char *first,
                          const char *const *name, int columns, const records *t) {
    int *place = tf_arena_array(l->arena, (size_t)columns, sizeof *place);
    tf_table number = {0};
    bool same = columns == t->columns;
    for (int c = 0; c < t->columns; c++)
        tf_table_add(&number, t->name[c], strlen(t->name[c]), (uint32_t)c);
    for (int c = 0; c < columns && same; c++) {
        const uint32_t found = tf_table_get(&number, name[c], strlen(name[c]));
        same = found != TF_TABLE_NONE;
        place[c] = same ? (int)found : 0;
    }
    tf_table_free(&number);
    if (!same)
        diagnose(l->diags, where, TF_DIAG_MISMATCH, "%s: must have the columns of %s", file->name, first);
    return same ? place : NULL;
}

/* `more` gets what is known of the columns. */
static bool read_records(struct loader *l, const json_path *where, const char *file, csv_reader *r, const int *place,
                         records *t, csv_column *more) {
    while (r->next < r->end) {
        int line = r->line, fields = 0;
        const bool blank = csv_is_blank(r);
        csv_end end;
        do {
            const char *field;
            end = csv_field(r, &field);
            if (end == CSV_BROKEN) {
                diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s: line %d: " CSV_BROKEN_QUOTE, file, line);
                return false;
            }
            if (fields < t->columns) {
                t->cell[place[fields]][t->rows] = field;
                if (!blank)
                    csv_note(&more[place[fields]], field, r->quoted, line);
            }
            fields++;
        } while (end == CSV_COMMA);
        if (blank && fields == 1)
            continue;
        if (fields != t->columns) {
            tf_buf fault = {0};
            csv_describe_fields(&fault, line, fields, t->columns, t->name[0]);
            diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s%s", file, tf_buf_text(&fault));
            tf_buf_free(&fault);
            return false;
        }
        t->rows++;
    }
    return true;
}

/* Adds the records of one of the files. The first file says what the columns are called. `most`: the most rows that all
 * files can have together. */
static bool add_file(struct loader *l, const json_path *where, const csv_file *file, int number, size_t most,
                     records *t) {
    const char **name;
    const csv_file *own = &file[number];
    if (memchr(own->text, 0, own->length)) {
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s: " HOLDS_NUL, own->name);
        return false;
    }
    if (own->length == 0) {
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s is empty; its first line must name the columns", own->name);
        return false;
    }
    csv_reader r = {.next = own->text, .end = own->text + own->length, .line = 1};
    int columns = read_header(l, where, own->name, &r, &name);
    if (columns == 0)
        return false;
    if (!t->name) {
        t->name = name;
        t->columns = columns;
        t->cell = tf_arena_array(l->arena, (size_t)columns, sizeof *t->cell);
        t->column = tf_arena_array(l->arena, (size_t)columns, sizeof *t->column);
        for (int c = 0; c < columns; c++) {
            t->cell[c] = tf_arena_array(l->arena, most, sizeof **t->cell);
            t->column[c] = (csv_column)CSV_NO_CELLS;
        }
    }
    const int *place = match_columns(l, where, own, file->name, name, columns, t);
    csv_column *more = tf_arena_array(l->arena, (size_t)columns, sizeof *more);
    for (int c = 0; c < columns; c++)
        more[c] = (csv_column)CSV_NO_CELLS;
    const bool sound = place && read_records(l, where, own->name, &r, place, t, more);
    for (int c = 0; c < columns && sound; c++)
        csv_merge(&t->column[c], &more[c], number);
    return sound;
}

/* ---- Tables that are read as a whole ---- */

static void set_integers(struct loader *l, tf_space *leaf, int c, const char *const *cell) {
    int64_t *integers = tf_arena_array(l->arena, (size_t)leaf->size, sizeof *integers);
    bool as_printed = true; /* no cell has a sign or zeros that printing leaves out */
    for (int64_t i = 0; i < leaf->size; i++) {
        tf_parse_int(cell[i], &integers[i]);
        as_printed = as_printed && *cell[i] != '+' && !csv_is_padded(cell[i]) && strcmp(cell[i], "-0") != 0;
    }
    table_set(leaf, c, TF_INT64, integers);
    if (!as_printed)
        table_set_texts(leaf, c, cell);
}

static void set_numbers(struct loader *l, tf_space *leaf, int c, const char *const *cell) {
    double *numbers = tf_arena_array(l->arena, (size_t)leaf->size, sizeof *numbers);
    for (int64_t i = 0; i < leaf->size; i++)
        if (!tf_parse_double(cell[i], &numbers[i]))
            numbers[i] = NAN; /* an empty cell */
    table_set(leaf, c, TF_FLOAT64, numbers);
    table_set_texts(leaf, c, cell);
}

static tf_space *table_of(struct loader *l, const axis_json *axis, const char *const *path, const records *t) {
    tf_space *leaf = table_new(l->arena, t->columns, t->rows);
    for (int c = 0; c < t->columns; c++) {
        if (!csv_choose(l, axis, path, t->name[c], &t->column[c], &leaf->param[c]))
            continue;
        if (leaf->param[c].type == TF_INT64)
            set_integers(l, leaf, c, t->cell[c]);
        else if (leaf->param[c].type == TF_FLOAT64)
            set_numbers(l, leaf, c, t->cell[c]);
        else
            table_set_strings(leaf, c, t->cell[c]);
    }
    return leaf;
}

tf_space *load_csv(struct loader *l, const axis_json *axis, const csv_file *file, int64_t files) {
    const json_path *where = &axis->where;
    const int before = l->diags->count;
    records t = {0};
    size_t most = (size_t)files;
    for (int64_t f = 0; f < files; f++)
        for (size_t i = 0; i < file[f].length; i++)
            most += file[f].text[i] == '\n';
    for (int64_t f = 0; f < files; f++)
        if (!add_file(l, where, file, (int)f, most, &t))
            return NULL;
    if (t.rows == 0) {
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s has a header and no records", file[0].name);
        return NULL;
    }
    if (!csv_check_types(l, axis, t.name, t.columns))
        return NULL;
    const char **path = tf_arena_array(l->arena, (size_t)files, sizeof *path);
    for (int64_t f = 0; f < files; f++)
        path[f] = file[f].name;
    tf_space *leaf = table_of(l, axis, path, &t);
    return l->diags->count == before ? leaf : NULL;
}
