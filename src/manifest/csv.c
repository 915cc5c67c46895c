/* CSV by RFC 4180: a header, fields that may be quoted, quotes doubled inside them, CR LF or LF. Fields are cut out of
 * the text in place. */
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

/* ---- What columns are ---- */

static bool is_padded(const char *cell) {
    cell += *cell == '-' || *cell == '+';
    return *cell == '0' && cell[1] >= '0' && cell[1] <= '9';
}

void csv_note(csv_column *column, const char *cell, bool quoted) {
    const size_t length = strlen(cell);
    int64_t integer;
    column->longest = (int64_t)length > column->longest ? (int64_t)length : column->longest;
    if (length == 0) {
        column->integers = false;
        return;
    }
    column->filled++;
    column->quoted |= quoted;
    if (tf_is_digits(cell, length)) {
        column->huge |= length > 18 && !tf_parse_int(cell, &integer);
        column->padded |= is_padded(cell);
    } else {
        const bool is_number = tf_is_number(cell, length);
        column->integers = false;
        column->numbers &= is_number;
        column->decimal |= is_number;
        column->padded |= is_number && is_padded(cell);
    }
}

void csv_merge(csv_column *column, const csv_column *more) {
    column->longest = more->longest > column->longest ? more->longest : column->longest;
    column->filled += more->filled;
    column->integers &= more->integers;
    column->numbers &= more->numbers;
    column->decimal |= more->decimal;
    column->huge |= more->huge;
    column->quoted |= more->quoted;
    column->padded |= more->padded;
}

tf_type csv_decide(const csv_column *column, tf_type_reason *reason) {
    *reason = TF_REASON_CELLS;
    if (!column->numbers || column->filled == 0)
        return TF_STRING;
    if (column->quoted)
        *reason = TF_REASON_QUOTED;
    else if (column->padded)
        *reason = TF_REASON_PADDED;
    else if (column->huge && !column->decimal)
        *reason = TF_REASON_HUGE;
    return *reason != TF_REASON_CELLS ? TF_STRING : column->integers ? TF_INT64 : TF_FLOAT64;
}

bool csv_fits(const csv_column *column, tf_type type) {
    return type == TF_STRING || (column->numbers && (type == TF_FLOAT64 || (column->integers && !column->huge)));
}

/* ---- Reading ---- */

bool csv_add_name(struct loader *l, const json_path *where, const char *file, tf_table *names, const char *name) {
    const uint32_t next = (uint32_t)names->count;
    if (!check_param_name(l, where, "parameter", name))
        return false;
    if (tf_table_add(names, name, strlen(name), next) == next)
        return true;
    diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s: line 1: two columns are called \"%s\"", file, name);
    return false;
}

/* Reads the names of the columns. Returns how many they are; 0 after a diagnostic. */
static int read_header(struct loader *l, const json_path *where, const char *file, csv_reader *r, const char ***names) {
    const char **list = NULL;
    int count = 0, capacity = 0;
    tf_table known = {0};
    bool sound = true;
    csv_end end;
    do {
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 16;
            list = tf_realloc_array(list, (size_t)capacity, sizeof *list);
        }
        end = csv_field(r, &list[count]);
        if (end == CSV_BROKEN)
            diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s: line %d: " CSV_BROKEN_QUOTE, file, r->line);
        sound = end != CSV_BROKEN && csv_add_name(l, where, file, &known, list[count]);
        count++;
    } while (end == CSV_COMMA && sound);
    *names = tf_arena_array(l->arena, (size_t)count, sizeof **names);
    memcpy(*names, list, (size_t)count * sizeof **names);
    free(list);
    tf_table_free(&known);
    return sound ? count : 0;
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

static bool read_records(struct loader *l, const json_path *where, const char *file, csv_reader *r, const int *place,
                         records *t) {
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
                    csv_note(&t->column[place[fields]], field, r->quoted);
            }
            fields++;
        } while (end == CSV_COMMA);
        if (blank && fields == 1)
            continue;
        if (fields != t->columns) {
            diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s: line %d: %d field%s, expected %d", file, line, fields,
                     fields == 1 ? "" : "s", t->columns);
            return false;
        }
        t->rows++;
    }
    return true;
}

/* Adds the records of a file. The first file says what the columns are called. `most`: the most rows that all files can
 * have together. */
static bool add_file(struct loader *l, const json_path *where, const csv_file *file, const char *first, size_t most,
                     records *t) {
    const char **name;
    if (memchr(file->text, 0, file->length)) {
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s: " HOLDS_NUL, file->name);
        return false;
    }
    if (file->length == 0) {
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s is empty; its first line must name the columns", file->name);
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
        t->column = tf_arena_array(l->arena, (size_t)columns, sizeof *t->column);
        for (int c = 0; c < columns; c++) {
            t->cell[c] = tf_arena_array(l->arena, most, sizeof **t->cell);
            t->column[c] = (csv_column)CSV_NO_CELLS;
        }
    }
    const int *place = match_columns(l, where, file, first, name, columns, t);
    return place && read_records(l, where, file->name, &r, place, t);
}

/* ---- "types" ---- */

static const json_path *types_path(const axis_json *axis, json_path *here) {
    *here = json_path_key(axis->up, "types");
    return here;
}

bool csv_check_types(struct loader *l, const axis_json *axis, const char *const *names, int count) {
    const cJSON *types = json_object(l->diags, axis->up, axis->axis, "types");
    const int before = l->diags->count;
    json_path here;
    types_path(axis, &here);
    for (const cJSON *item = types ? types->child : NULL; item; item = item->next) {
        json_path there = json_path_key(&here, item->string);
        const char *type = cJSON_GetStringValue(item);
        int c = 0;
        while (c < count && strcmp(names[c], item->string) != 0)
            c++;
        const char *near = c == count ? tf_suggest(item->string, names, (size_t)count) : NULL;
        if (c == count)
            diagnose(l->diags, &there, TF_DIAG_UNKNOWN_NAME, "the table has no column \"%s\"%s%s%s", item->string,
                     near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        tf_type read;
        if (!type || !tf_type_read(type, &read) || (read != TF_STRING && read != TF_INT64 && read != TF_FLOAT64))
            diagnose(l->diags, &there, TF_DIAG_BAD_VALUE, "must be \"string\", \"int64\" or \"float64\"");
    }
    return l->diags->count == before;
}

bool csv_choose(struct loader *l, const axis_json *axis, const char *name, const csv_column *column,
                tf_param_spec *spec) {
    const cJSON *types = cJSON_GetObjectItemCaseSensitive(axis->axis, "types");
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(types, name));
    spec->name = name;
    spec->type = csv_decide(column, &spec->reason);
    if (!type)
        return true;
    json_path here, there = json_path_key(types_path(axis, &here), name);
    spec->reason = TF_REASON_TYPES;
    if (tf_type_read(type, &spec->type) && csv_fits(column, spec->type))
        return true;
    diagnose(l->diags, &there, TF_DIAG_UNSUITABLE_TYPE, "not all cells of the column are %s",
             spec->type == TF_INT64 ? "integers of 64 bits" : "numbers");
    return false;
}

/* ---- Tables that are read as a whole ---- */

static void set_integers(struct loader *l, tf_space *leaf, int c, const char *const *cell) {
    int64_t *integers = tf_arena_array(l->arena, (size_t)leaf->size, sizeof *integers);
    bool as_printed = true; /* no cell has a sign or zeros that printing leaves out */
    for (int64_t i = 0; i < leaf->size; i++) {
        tf_parse_int(cell[i], &integers[i]);
        as_printed = as_printed && *cell[i] != '+' && !is_padded(cell[i]) && strcmp(cell[i], "-0") != 0;
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

static tf_space *table_of(struct loader *l, const axis_json *axis, const records *t) {
    tf_space *leaf = table_new(l->arena, t->columns, t->rows);
    for (int c = 0; c < t->columns; c++) {
        if (!csv_choose(l, axis, t->name[c], &t->column[c], &leaf->param[c]))
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
        if (!add_file(l, where, &file[f], file[0].name, most, &t))
            return NULL;
    if (t.rows == 0) {
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s has a header and no records", file[0].name);
        return NULL;
    }
    if (!csv_check_types(l, axis, t.name, t.columns))
        return NULL;
    tf_space *leaf = table_of(l, axis, &t);
    return l->diags->count == before ? leaf : NULL;
}
