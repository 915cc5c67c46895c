/* What a column of a table is: by all of its cells, or by what "types" says. */
#include "manifest/axis.h"
#include "manifest/csv.h"

#include <string.h>

bool csv_is_padded(const char *cell) {
    cell += *cell == '-' || *cell == '+';
    return *cell == '0' && cell[1] >= '0' && cell[1] <= '9';
}

/* Remembers the first of them. */
static void note_odd(csv_odd_cell *odd, const char *cell, int64_t line) {
    if (odd->line)
        return;
    odd->line = line;
    size_t length = 0;
    while (length < sizeof odd->text - 1 && cell[length])
        length++;
    while (cell[length] && length > 0 && ((unsigned char)cell[length] & 0xC0) == 0x80)
        length--; /* whole characters */
    memcpy(odd->text, cell, length);
    odd->is_cut = cell[length] != '\0';
}

void csv_note(csv_column *column, const char *cell, bool quoted, int64_t line) {
    const size_t length = strlen(cell);
    int64_t integer;
    column->longest = (int64_t)length > column->longest ? (int64_t)length : column->longest;
    if (length == 0) {
        column->integers = false;
        note_odd(&column->no_integer, cell, line);
        return;
    }
    column->filled++;
    column->quoted |= quoted;
    if (tf_is_digits(cell, length)) {
        const bool is_huge = length > 18 && !tf_parse_int(cell, &integer);
        column->filled_numbers++;
        column->huge |= is_huge;
        column->padded |= csv_is_padded(cell);
        if (is_huge)
            note_odd(&column->no_integer, cell, line);
        return;
    }
    const bool is_number = tf_is_number(cell, length);
    column->filled_numbers += is_number;
    column->integers = false;
    column->numbers &= is_number;
    column->decimal |= is_number;
    column->padded |= is_number && csv_is_padded(cell);
    note_odd(&column->no_integer, cell, line);
    if (!is_number)
        note_odd(&column->no_number, cell, line);
}

static void merge_odd(csv_odd_cell *odd, const csv_odd_cell *more, int file) {
    if (odd->line || !more->line)
        return;
    *odd = *more;
    odd->file = file;
}

void csv_merge(csv_column *column, const csv_column *more, int file) {
    column->longest = more->longest > column->longest ? more->longest : column->longest;
    column->filled += more->filled;
    column->filled_numbers += more->filled_numbers;
    column->integers &= more->integers;
    column->numbers &= more->numbers;
    column->decimal |= more->decimal;
    column->huge |= more->huge;
    column->quoted |= more->quoted;
    column->padded |= more->padded;
    merge_odd(&column->no_number, &more->no_number, file);
    merge_odd(&column->no_integer, &more->no_integer, file);
}

static tf_type decide(const csv_column *column, tf_type_reason *reason) {
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

static bool fits(const csv_column *column, tf_type type) {
    return type == TF_STRING || (column->numbers && (type == TF_FLOAT64 || (column->integers && !column->huge)));
}

/* "t.csv: line 3: "abc" is no number" */
static const char *describe_odd(struct loader *l, const char *const *path, const csv_odd_cell *odd, const char *what) {
    return *odd->text ? tf_arena_printf(l->arena, "%s: line %lld: \"%s%s\" is no %s", path[odd->file],
                                        (long long)odd->line, odd->text, odd->is_cut ? "..." : "", what)
                      : tf_arena_printf(l->arena, "%s: line %lld: an empty cell is no %s", path[odd->file],
                                        (long long)odd->line, what);
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

bool csv_choose(struct loader *l, const axis_json *axis, const char *const *path, const char *name,
                const csv_column *column, tf_param_spec *spec) {
    const cJSON *types = cJSON_GetObjectItemCaseSensitive(axis->axis, "types");
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(types, name));
    spec->name = name;
    spec->type = decide(column, &spec->reason);
    if (!type) {
        if (column->filled_numbers > 0 && column->no_number.line)
            spec->cell = describe_odd(l, path, &column->no_number, "number");
        return true;
    }
    json_path here, there = json_path_key(types_path(axis, &here), name);
    spec->reason = TF_REASON_TYPES;
    if (tf_type_read(type, &spec->type) && fits(column, spec->type))
        return true;
    const bool integers = spec->type == TF_INT64;
    diagnose(l->diags, &there, TF_DIAG_UNSUITABLE_TYPE, "%s",
             describe_odd(l, path, integers ? &column->no_integer : &column->no_number,
                          integers ? "integer of 64 bits" : "number"));
    return false;
}
