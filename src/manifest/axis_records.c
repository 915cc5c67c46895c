/* Axes of records: rows in the manifest, lines of JSON, and plain lines of a file. */
#include "manifest/axis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *read_text(struct loader *l, const json_path *where, const char *path, size_t *length) {
    tf_buf buf = {0};
    int failure = l->source->read(l->source, path, &buf);
    char *text = NULL;
    int64_t line;
    const char *fault = failure ? NULL : encoding_fault(tf_buf_text(&buf), buf.length, &line);
    if (failure) {
        diagnose(l->diags, where, tf_diag_of_read(failure), failure < 0 ? "%s %s" : "%s: %s", path,
                 tf_read_failure(failure));
    } else if (fault) {
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s: line %lld: %s", path, (long long)line, fault);
    } else {
        size_t mark = buf.length >= 3 && memcmp(buf.data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; /* byte order mark */
        *length = buf.length - mark;
        text = tf_arena_strndup(l->arena, tf_buf_text(&buf) + mark, *length);
    }
    tf_buf_free(&buf);
    return text;
}

tf_space *axis_lines(struct loader *l, const axis_json *axis) {
    const json_path *where = &axis->where;
    const char *path = axis->text;
    size_t length;
    char *text = read_text(l, where, path, &length);
    if (!text)
        return NULL;
    if (memchr(text, 0, length)) {
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s: " HOLDS_NUL, path);
        return NULL;
    }
    int64_t most = 1;
    for (const char *c = text; (c = strchr(c, '\n')); c++)
        most++;
    const char **lines = tf_arena_array(l->arena, (size_t)most, sizeof *lines);
    int64_t count = 0;
    for (char *line = text; line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        size_t size = strlen(line);
        if (size > 0 && line[size - 1] == '\r')
            line[--size] = '\0';
        if (size > 0)
            lines[count++] = line;
        line = end ? end + 1 : NULL;
    }
    if (count == 0) {
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s has no lines", path);
        return NULL;
    }
    tf_space *leaf = table_new(l->arena, 1, count);
    leaf->param[0].name = axis->name;
    table_set_strings(leaf, 0, lines);
    return leaf;
}

/* ---- Records ---- */

/* Finds a member. Most records have their keys in the same order: `next` is the member behind the one found last. */
static const cJSON *find_member(const cJSON *record, const char *key, const cJSON **next) {
    const bool follows = *next && strcmp((*next)->string, key) == 0;
    const cJSON *member = follows ? *next : cJSON_GetObjectItemCaseSensitive(record, key);
    *next = member ? member->next : *next;
    return member;
}

/* Where records stand. */
typedef struct record_places {
    const char *what; /* "row", or "t.jsonl: line" */
    const int *line;  /* per record */
} record_places;

/* Makes a table of records, which are JSON objects with the keys of the first one. NULL after a diagnostic. */
static tf_space *table_of_records(struct loader *l, const json_path *where, const record_places *places,
                                  const cJSON *const *record, int64_t count) {
    int before = l->diags->count;
    int columns = cJSON_GetArraySize(record[0]);
    tf_space *leaf = table_new(l->arena, columns, count);
    const cJSON **values = tf_alloc_array((size_t)count, sizeof *values);
    const cJSON **next = tf_alloc_array((size_t)count, sizeof *next);
    int p = 0;
    for (const cJSON *field = record[0]->child; field; field = field->next, p++) {
        const json_cells cells = {
            .name = field->string, .what = places->what, .line = places->line, .value = values, .type = TF_ANY};
        check_param_name(l, where, "parameter", field->string);
        leaf->param[p].name = tf_arena_strdup(l->arena, field->string);
        int64_t i = 0;
        for (; i < count; i++) {
            next[i] = p == 0 ? record[i]->child : next[i];
            values[i] = find_member(record[i], field->string, &next[i]);
            if (!values[i] || (p == 0 && cJSON_GetArraySize(record[i]) != columns)) {
                diagnose(l->diags, where, TF_DIAG_MISMATCH, "%s %d: needs exactly the keys of the first record%s%s%s",
                         places->what, places->line[i], values[i] ? "" : "; \"", values[i] ? "" : field->string,
                         values[i] ? "" : "\" is missing");
                break;
            }
        }
        if (i < count || !load_json_column(l, where, leaf, p, &cells))
            break;
    }
    free(values);
    free(next);
    return l->diags->count == before ? leaf : NULL;
}

tf_space *axis_rows(struct loader *l, const axis_json *axis) {
    const json_path *where = &axis->where;
    const cJSON *list = axis->value;
    int64_t count = cJSON_GetArraySize(list), n = 0;
    if (count == 0) {
        diagnose(l->diags, where, TF_DIAG_WRONG_LENGTH, "an axis needs at least one row");
        return NULL;
    }
    const cJSON **record = tf_alloc_array((size_t)count, sizeof *record);
    int *line = tf_alloc_array((size_t)count, sizeof *line);
    tf_space *leaf = NULL;
    for (const cJSON *row = list->child; row; row = row->next) {
        json_path here = json_path_index(where, (int)n);
        line[n] = (int)n;
        record[n] = row;
        if (!cJSON_IsObject(row)) {
            diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be an object, not %s", json_kind(row));
            break;
        }
        n++;
    }
    if (n == count)
        leaf = table_of_records(l, where, &(record_places){"row", line}, record, count);
    free(record);
    free(line);
    return leaf;
}

/* A key that the record has twice; NULL: there is none. */
static const char *find_repeat(const cJSON *record) {
    enum { FEW = 8 };
    const char *repeat = NULL;
    uint32_t n = 0;
    tf_table seen = {0};
    const bool few = cJSON_GetArraySize(record) <= FEW;
    for (const cJSON *member = record->child; member && !repeat; member = member->next, n++) {
        bool again = !few && tf_table_add(&seen, member->string, strlen(member->string), n) != n;
        for (const cJSON *before = record->child; few && before != member && !again; before = before->next)
            again = strcmp(before->string, member->string) == 0;
        repeat = again ? member->string : NULL;
    }
    tf_table_free(&seen);
    return repeat;
}

/* Reads one line of a file of records. NULL after a diagnostic. */
static cJSON *read_record(struct loader *l, const json_path *where, const char *path, int number, const char *text,
                          size_t length) {
    json_error error;
    cJSON *record = json_read(text, length, JSON_STRICT, &error);
    const char *repeat = cJSON_IsObject(record) ? find_repeat(record) : NULL;
    if (cJSON_IsObject(record) && !repeat)
        return record;
    int row, column;
    json_locate(text, error.offset, &row, &column);
    if (repeat)
        diagnose(l->diags, where, TF_DIAG_DUPLICATE_KEY, "%s: line %d: key \"%s\" is given twice", path, number,
                 repeat);
    else if (record)
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s: line %d: not a JSON object", path, number);
    else
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s: line %d, column %d: %s", path, number, column, error.text);
    cJSON_Delete(record);
    return NULL;
}

tf_space *axis_jsonl(struct loader *l, const axis_json *axis) {
    const json_path *where = &axis->where;
    const char *path = axis->text;
    size_t length;
    char *text = read_text(l, where, path, &length);
    if (!text)
        return NULL;
    size_t capacity = 1;
    for (size_t i = 0; i < length; i++)
        capacity += text[i] == '\n';
    cJSON **record = tf_alloc_array(capacity, sizeof *record);
    int *line = tf_alloc_array(capacity, sizeof *line);
    int64_t count = 0;
    bool sound = true;
    int number = 1;
    for (const char *start = text, *stop = text + length; start && sound; number++) {
        const char *end = memchr(start, '\n', (size_t)(stop - start));
        const size_t size = (size_t)((end ? end : stop) - start);
        if (strspn(start, " \t\r") < size) {
            line[count] = number;
            record[count] = read_record(l, where, path, number, start, size);
            sound = record[count++] != NULL;
        }
        start = end ? end + 1 : NULL;
    }
    tf_space *leaf = NULL;
    const char *what = tf_arena_printf(l->arena, "%s: line", path);
    if (sound && count == 0)
        diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s has no records", path);
    else if (sound)
        leaf = table_of_records(l, where, &(record_places){what, line}, (const cJSON *const *)record, count);
    for (int64_t i = 0; i < count; i++)
        cJSON_Delete(record[i]);
    free(record);
    free(line);
    return leaf;
}
