/* "over": axes of every kind become leaves of a space, zip, concat and the whole its inner nodes. */
#include "manifest/load.h"

#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOO_MANY_POINTS "the space has more than 2^62 points"

static tf_space *load_axes(struct loader *l, const at *where, const cJSON *json, node_kind joined);

bool check_param_name(struct loader *l, const at *where, const char *what, const char *name) {
    static const char *const taken[] = {"index", "stage", "seed", "inputs", "outputs", "workdir", "scratch"};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        if (strcmp(taken[i], name) == 0) {
            complain(l->diags, where, "\"%s\" can't be a %s's name: {%s} is built in", name, what, name);
            return false;
        }
    }
    if (*name == '\0' || strpbrk(name, "/{}:") || strcmp(name, ".") == 0) {
        complain(l->diags, where, "\"%s\" can't be a %s's name: it must not be empty or contain / { } :", name, what);
        return false;
    }
    return true;
}

/* ---- Leaves ---- */

tf_space *new_leaf(struct loader *l, node_kind kind, int params, int64_t size) {
    tf_space *leaf = tf_arena_alloc(l->arena, sizeof *leaf);
    leaf->kind = kind;
    leaf->size = size;
    leaf->params = params;
    leaf->param = tf_arena_array(l->arena, (size_t)params, sizeof *leaf->param);
    leaf->table = tf_arena_array(l->arena, (size_t)params, sizeof *leaf->table);
    return leaf;
}

static tf_space *one_param(struct loader *l, node_kind kind, const char *name, tf_type type, int64_t size) {
    tf_space *leaf = new_leaf(l, kind, 1, size);
    leaf->param[0] = (tf_param_spec){.name = name, .type = type};
    return leaf;
}

/* The type that takes all of one column's JSON values; TF_ANY after a complaint. Null is a missing number. */
static tf_type common_type(struct loader *l, const at *where, const char *what, const cJSON *const *values,
                           int64_t count) {
    int64_t integers = 0, numbers = 0, strings = 0, booleans = 0, nulls = 0, integer;
    const cJSON *rounded = NULL; /* an integer that no double is */
    for (int64_t i = 0; i < count; i++) {
        const cJSON *v = values[i];
        const bool is_int = json_int(v, &integer);
        integers += is_int;
        numbers += cJSON_IsNumber(v);
        strings += cJSON_IsString(v);
        booleans += cJSON_IsBool(v);
        nulls += cJSON_IsNull(v);
        if (is_int && !tf_is_double(integer))
            rounded = v;
        const char *text = json_number_text(v);
        if (text && !is_int && tf_is_digits(text, strlen(text))) {
            complain(l->diags, where, "%s" BEYOND_INT64, what, text);
            return TF_ANY;
        }
    }
    if (integers == count)
        return TF_INT64;
    if (rounded && numbers + nulls == count) {
        complain(l->diags, where,
                 "%sinteger %s stands among numbers that are no integers, where it would be rounded; write it as a "
                 "string",
                 what, json_number_text(rounded));
        return TF_ANY;
    }
    if (numbers > 0 && numbers + nulls == count)
        return TF_FLOAT64;
    if (strings == count)
        return TF_STRING;
    if (booleans == count)
        return TF_BOOL;
    complain(l->diags, where, "%svalues must be all integers, all numbers, all strings or all booleans", what);
    return TF_ANY;
}

static void set_json_values(struct loader *l, tf_space *leaf, int param, tf_type type, const cJSON *const *values) {
    size_t count = (size_t)leaf->size;
    leaf->param[param].type = type;
    if (type == TF_STRING) {
        const char **strings = tf_arena_array(l->arena, count, sizeof *strings);
        for (size_t i = 0; i < count; i++)
            strings[i] = tf_arena_strdup(l->arena, values[i]->valuestring);
        space_set_strings(leaf, param, strings);
        return;
    }
    void *column = tf_arena_array(l->arena, count, tf_space_value_size(type));
    leaf->table[param] = column;
    for (size_t i = 0; i < count; i++) {
        if (type == TF_INT64)
            json_int(values[i], (int64_t *)column + i);
        else if (type == TF_FLOAT64)
            ((double *)column)[i] = cJSON_IsNull(values[i]) ? NAN : values[i]->valuedouble;
        else
            ((uint8_t *)column)[i] = cJSON_IsTrue(values[i]) != 0;
    }
}

static tf_space *load_values(struct loader *l, const at *where, const char *name, const cJSON *list) {
    int64_t count = cJSON_GetArraySize(list);
    if (count == 0) {
        complain(l->diags, where, "an axis needs at least one value");
        return NULL;
    }
    const cJSON **values = tf_alloc_array((size_t)count, sizeof *values);
    int64_t n = 0;
    for (const cJSON *v = list->child; v; v = v->next)
        values[n++] = v;
    tf_type type = common_type(l, where, "", values, count);
    tf_space *leaf = NULL;
    if (type != TF_ANY) {
        leaf = one_param(l, NODE_TABLE, name, type, count);
        set_json_values(l, leaf, 0, type, values);
    }
    free(values);
    return leaf;
}

/* The numbers of a range, linspace or logspace. */
static int load_numbers(struct loader *l, const at *where, const cJSON *list, int least, int most, double out[3]) {
    int count = cJSON_GetArraySize(list);
    if (count < least || count > most) {
        complain(l->diags, where, "needs %s numbers, not %d", least == most ? "3" : "1 to 3", count);
        return 0;
    }
    for (int i = 0; i < count; i++) {
        const cJSON *v = cJSON_GetArrayItem(list, i);
        at here = at_index(where, i);
        if (!cJSON_IsNumber(v) || !isfinite(v->valuedouble)) {
            complain(l->diags, &here, "must be a number, not %s",
                     cJSON_IsNumber(v) ? json_number_text(v) : json_kind(v));
            return 0;
        }
        out[i] = v->valuedouble;
    }
    return count;
}

/* How many points a range of integers has; INT64_MAX if there are more. */
static int64_t count_integers(int64_t start, int64_t stop, int64_t step) {
    const bool up = step > 0;
    if (up ? start >= stop : start <= stop)
        return 0;
    const uint64_t way = up ? (uint64_t)stop - (uint64_t)start : (uint64_t)start - (uint64_t)stop;
    const uint64_t points = (way - 1) / (up ? (uint64_t)step : 0 - (uint64_t)step) + 1;
    return points > INT64_MAX ? INT64_MAX : (int64_t)points;
}

static bool check_range(struct loader *l, const at *where, double step, double points) {
    if (step == 0)
        complain(l->diags, where, "the step must not be 0");
    else if (!(points >= 1))
        complain(l->diags, where, "the range is empty");
    else if (points > 0x1p53)
        complain(l->diags, where, "the range has more than 2^53 points");
    return step != 0 && points >= 1 && points <= 0x1p53;
}

static tf_space *load_range(struct loader *l, const at *where, const char *name, const cJSON *list) {
    double n[3] = {0, 0, 1};
    int64_t integer[3] = {0, 0, 1};
    int count = load_numbers(l, where, list, 1, 3, n);
    if (count == 0)
        return NULL;
    bool integers = true, integral = true;
    for (int i = 0; i < count; i++) {
        integers = json_int(cJSON_GetArrayItem(list, i), &integer[i]) && integers;
        integral = integral && n[i] == floor(n[i]);
    }
    if (integral && !integers) {
        complain(l->diags, where, "its numbers are integers beyond int64");
        return NULL;
    }
    const int first = count == 1 ? -1 : 0; /* where the range begins, if that is given */
    if (integers) {
        const int64_t start = first < 0 ? 0 : integer[first], stop = integer[first + 1], step = integer[2];
        const int64_t points = step ? count_integers(start, stop, step) : 0;
        if (!check_range(l, where, (double)step, (double)points))
            return NULL;
        tf_space *leaf = one_param(l, NODE_RANGE, name, TF_INT64, points);
        leaf->range.from = start;
        leaf->range.step = step;
        return leaf;
    }
    const double start = first < 0 ? 0 : n[first], stop = n[first + 1], step = n[2];
    const double points = step != 0 ? ceil((stop - start) / step) : 0;
    if (!check_range(l, where, step, points))
        return NULL;
    tf_space *leaf = one_param(l, NODE_LINEAR, name, TF_FLOAT64, (int64_t)points);
    leaf->line.start = start;
    leaf->line.width = step;
    return leaf;
}

static tf_space *load_line(struct loader *l, const at *where, const char *name, const cJSON *list, node_kind kind) {
    double n[3];
    if (load_numbers(l, where, list, 3, 3, n) == 0)
        return NULL;
    if (n[2] != floor(n[2]) || n[2] < 1 || n[2] > 0x1p53) {
        complain(l->diags, where, "the number of points must be a positive integer");
        return NULL;
    }
    if (kind == NODE_LOGSPACE && !(n[0] > 0 && n[1] > 0)) {
        complain(l->diags, where, "both ends must be positive");
        return NULL;
    }
    tf_space *leaf = one_param(l, kind, name, TF_FLOAT64, (int64_t)n[2]);
    leaf->line.start = n[0];
    leaf->line.stop = n[1];
    return leaf;
}

/* ---- Leaves that are read ---- */

/* The file's text, with a NUL behind it, owned by the arena; NULL after a complaint. */
static char *read_text(struct loader *l, const at *where, const char *path, size_t *length) {
    tf_buf buf = {0};
    int failure = l->source->read(l->source, path, &buf);
    char *text = NULL;
    if (failure) {
        complain(l->diags, where, failure < 0 ? "%s %s" : "%s: %s", path, tf_read_failure(failure));
    } else {
        size_t mark = buf.length >= 3 && memcmp(buf.data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0; /* byte order mark */
        *length = buf.length - mark;
        text = tf_arena_strndup(l->arena, tf_buf_text(&buf) + mark, *length);
    }
    tf_buf_free(&buf);
    return text;
}

static tf_space *load_lines(struct loader *l, const at *where, const char *name, const char *path) {
    size_t length;
    char *text = read_text(l, where, path, &length);
    if (!text)
        return NULL;
    if (memchr(text, 0, length)) {
        complain(l->diags, where, "%s: " HOLDS_NUL, path);
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
        complain(l->diags, where, "%s has no lines", path);
        return NULL;
    }
    tf_space *leaf = one_param(l, NODE_TABLE, name, TF_STRING, count);
    space_set_strings(leaf, 0, lines);
    return leaf;
}

const char **match_paths(struct loader *l, const at *where, const char *pattern, int64_t *count) {
    tf_buf found = {0};
    *count = 0;
    const char **paths = NULL;
    int failure = l->source->glob(l->source, pattern, &found);
    if (failure) {
        complain(l->diags, where, failure < 0 ? "%s %s" : "%s: %s", pattern, tf_read_failure(failure));
    } else {
        const char *text = tf_arena_strndup(l->arena, tf_buf_text(&found), found.length);
        int64_t n = 0;
        for (size_t i = 0; i < found.length; i++)
            n += text[i] == '\0';
        paths = tf_arena_array(l->arena, (size_t)n, sizeof *paths);
        for (const char *path = text; *count < n; path += strlen(path) + 1)
            paths[(*count)++] = path;
        tf_found *all = tf_arena_alloc(l->arena, sizeof *all);
        *all = (tf_found){.before = l->found, .count = n, .path = paths};
        l->found = all;
    }
    tf_buf_free(&found);
    return paths;
}

static tf_space *load_glob(struct loader *l, const at *where, const at *up, const char *name, const char *pattern,
                           const cJSON *axis) {
    int before = l->diags->count;
    int64_t count;
    const char **paths = match_paths(l, where, pattern, &count);
    bool empty = json_flag(l->diags, up, axis, "allow_empty");
    if (count == 0 && !empty && l->diags->count == before)
        complain(l->diags, where, "no file matches %s; say \"allow_empty\": true if that is all right", pattern);
    if (l->diags->count > before)
        return NULL;
    tf_space *leaf = one_param(l, NODE_TABLE, name, TF_STRING, count);
    space_set_strings(leaf, 0, paths);
    return leaf;
}

/* "batch": how many records a task has; 0: each is a point. -1 after a complaint. */
static int64_t load_batch(struct loader *l, const at *up, const cJSON *axis) {
    const cJSON *batch = cJSON_GetObjectItemCaseSensitive(axis, "batch");
    at here = at_key(up, "batch");
    if (!batch)
        return 0;
    int64_t records;
    if (json_int_within(batch, 1, 1 << 28, &records))
        return records;
    complain(l->diags, &here, "must be an integer from 1 to 2^28");
    return -1;
}

/* A CSV file, or all that match a pattern. */
static tf_space *load_tables(struct loader *l, const at *where, const at *up, const char *name, const char *path,
                             const cJSON *axis) {
    const bool is_pattern = strpbrk(path, "*?[") != NULL;
    int before = l->diags->count;
    int64_t count = 1;
    const char **paths = is_pattern ? match_paths(l, where, path, &count) : &path;
    if (count == 0 && l->diags->count == before)
        complain(l->diags, where, "no file matches %s", path);
    int64_t batch = load_batch(l, up, axis);
    if (l->diags->count > before)
        return NULL;
    const csv_axis how = {.where = up, .json = axis};
    if (batch > 0)
        return load_csv_parts(l, where, name, &how, paths, count, batch);
    csv_file *file = tf_arena_array(l->arena, (size_t)count, sizeof *file);
    for (int64_t f = 0; f < count; f++) {
        file[f].name = paths[f];
        file[f].text = read_text(l, where, paths[f], &file[f].length);
    }
    return l->diags->count == before ? load_csv(l, where, &how, file, count) : NULL;
}

/* ---- "files": a path template whose wildcards become parameters ---- */

enum { MAX_WILDCARDS = 16 };

typedef struct wildcards {
    int count; /* different names */
    const char *name[MAX_WILDCARDS];
    int groups;                      /* all occurrences, in order */
    int group_of[MAX_WILDCARDS];     /* occurrence -> name */
    int group_number[MAX_WILDCARDS]; /* occurrence -> number of its group in the expression */
    tf_buf pattern;                  /* for glob */
    tf_buf expression;               /* extended regular expression */
} wildcards;

/* Of an expression that has been checked. */
static int count_groups(const char *expression) {
    regex_t regex;
    int groups = 0;
    if (regcomp(&regex, expression, REG_EXTENDED) == 0) {
        groups = (int)regex.re_nsub;
        regfree(&regex);
    }
    return groups;
}

static const char *constraint(struct loader *l, const at *where, const cJSON *axis, const char *name) {
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(axis, "wildcards");
    const cJSON *own = cJSON_IsObject(given) ? cJSON_GetObjectItemCaseSensitive(given, name) : NULL;
    if (!own)
        return "[^/]+";
    at at_wildcards = at_key(where, "wildcards"), here = at_key(&at_wildcards, name);
    if (!cJSON_IsString(own))
        complain(l->diags, &here, "must be a string, not %s", json_kind(own));
    else if (check_regex(l, &here, own->valuestring, 0))
        return own->valuestring;
    return "[^/]+";
}

/* Takes "raw/sci_{object}.fits" apart. */
static bool parse_wildcards(struct loader *l, const at *where, const at *up, const char *text, const cJSON *axis,
                            wildcards *w) {
    int before = l->diags->count, groups = 0;
    tf_buf_addc(&w->expression, '^');
    for (const char *c = text; *c; c++) {
        const char *close = strchr(c, '}');
        if (*c != '{' || !close) {
            if (strchr("*?[", *c)) {
                complain(l->diags, where, "'%c' has no place here: name what varies, as in raw/{object}.fits", *c);
                return false;
            }
            tf_buf_addc(&w->pattern, *c);
            if (strchr(".^$+(){}|\\]", *c))
                tf_buf_addc(&w->expression, '\\');
            tf_buf_addc(&w->expression, *c);
            continue;
        }
        if (w->groups == MAX_WILDCARDS) {
            complain(l->diags, where, "more than %d wildcards", MAX_WILDCARDS);
            return false;
        }
        const char *name = tf_arena_strndup(l->arena, c + 1, (size_t)(close - c - 1));
        int k = 0;
        while (k < w->count && strcmp(w->name[k], name) != 0)
            k++;
        if (k == w->count) {
            check_param_name(l, where, "parameter", name);
            w->name[w->count++] = name;
        }
        const char *own = constraint(l, up, axis, name);
        w->group_of[w->groups] = k;
        w->group_number[w->groups++] = groups + 1;
        groups += 1 + count_groups(own);
        tf_buf_addc(&w->pattern, '*');
        tf_buf_addf(&w->expression, "(%s)", own);
        c = close;
    }
    tf_buf_addc(&w->expression, '$');
    if (w->count == 0)
        complain(l->diags, where, "no {wildcard} in \"%s\"; use \"glob\" for a plain pattern", text);
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(axis, "wildcards");
    at here = at_key(up, "wildcards");
    if (given && !cJSON_IsObject(given))
        complain(l->diags, &here, "must be an object, not %s", json_kind(given));
    for (const cJSON *own = given && cJSON_IsObject(given) ? given->child : NULL; own; own = own->next) {
        at which = at_key(&here, own->string);
        int k = 0;
        while (k < w->count && strcmp(w->name[k], own->string) != 0)
            k++;
        if (k == w->count)
            complain(l->diags, &which, "no {%s} in \"%s\"", own->string, text);
    }
    return l->diags->count == before;
}

/* The wildcards' values in one path; false if it does not match, or one name would have two values. */
static bool match_wildcards(struct loader *l, const at *where, const wildcards *w, const regex_t *regex,
                            regmatch_t *match, const char *path, const char **value) {
    const int status = regexec(regex, path, regex->re_nsub + 1, match, 0);
    if (status != 0 && status != REG_NOMATCH)
        complain(l->diags, where, "%s can't be matched: out of memory", path);
    if (status != 0)
        return false;
    for (int k = 0; k < w->count; k++)
        value[k] = NULL;
    for (int g = 0; g < w->groups; g++) {
        regmatch_t m = match[w->group_number[g]];
        const char *text = tf_arena_strndup(l->arena, path + m.rm_so, (size_t)(m.rm_eo - m.rm_so));
        const char **slot = &value[w->group_of[g]];
        if (*slot && strcmp(*slot, text) != 0)
            return false;
        *slot = text;
    }
    return true;
}

static tf_space *load_files_axis(struct loader *l, const at *where, const at *up, const char *name, const char *text,
                                 const cJSON *axis) {
    wildcards w = {0};
    regex_t regex;
    tf_space *leaf = NULL;
    int before = l->diags->count;
    bool empty = json_flag(l->diags, up, axis, "allow_empty");
    bool parsed = parse_wildcards(l, where, up, text, axis, &w);
    if (parsed && regcomp(&regex, tf_buf_text(&w.expression), REG_EXTENDED) != 0) {
        complain(l->diags, where, "\"%s\" makes no regular expression", text);
    } else if (parsed) {
        int64_t found, count = 0;
        const char **paths = match_paths(l, where, tf_buf_text(&w.pattern), &found);
        int columns = w.count + (name != NULL);
        const char ***column = tf_arena_array(l->arena, (size_t)columns, sizeof *column);
        for (int k = 0; k < columns; k++)
            column[k] = tf_arena_array(l->arena, (size_t)found, sizeof **column);
        const char *value[MAX_WILDCARDS];
        regmatch_t *match = tf_alloc_array(regex.re_nsub + 1, sizeof *match);
        for (int64_t i = 0; i < found && l->diags->count == before; i++) {
            if (!match_wildcards(l, where, &w, &regex, match, paths[i], value))
                continue;
            for (int k = 0; k < w.count; k++)
                column[k][count] = value[k];
            if (name)
                column[w.count][count] = paths[i];
            count++;
        }
        free(match);
        regfree(&regex);
        if (count == 0 && !empty && l->diags->count == before)
            complain(l->diags, where, "no file matches %s; say \"allow_empty\": true if that is all right", text);
        leaf = new_leaf(l, NODE_TABLE, columns, count);
        for (int k = 0; k < columns; k++) {
            leaf->param[k].name = k < w.count ? w.name[k] : name;
            space_set_strings(leaf, k, column[k]);
        }
    }
    tf_buf_free(&w.pattern);
    tf_buf_free(&w.expression);
    return l->diags->count == before ? leaf : NULL;
}

/* ---- Records ---- */

/* Records have their keys in the same order, most often: `next` is where the last one that was asked for ends. */
static const cJSON *take_member(const cJSON *record, const char *key, const cJSON **next) {
    const bool follows = *next && strcmp((*next)->string, key) == 0;
    const cJSON *member = follows ? *next : cJSON_GetObjectItemCaseSensitive(record, key);
    *next = member ? member->next : *next;
    return member;
}

/* Records as JSON objects, all with the keys of the first -> a table. */
static tf_space *table_of_records(struct loader *l, const at *where, const char *what, const cJSON *const *record,
                                  const int *line, int64_t count) {
    int before = l->diags->count;
    int columns = cJSON_GetArraySize(record[0]);
    tf_space *leaf = new_leaf(l, NODE_TABLE, columns, count);
    const cJSON **values = tf_alloc_array((size_t)count, sizeof *values);
    const cJSON **next = tf_alloc_array((size_t)count, sizeof *next);
    int p = 0;
    for (const cJSON *field = record[0]->child; field; field = field->next, p++) {
        char label[100];
        snprintf(label, sizeof label, "\"%.60s\": ", field->string);
        check_param_name(l, where, "parameter", field->string);
        leaf->param[p].name = tf_arena_strdup(l->arena, field->string);
        int64_t i = 0;
        for (; i < count; i++) {
            next[i] = p == 0 ? record[i]->child : next[i];
            values[i] = take_member(record[i], field->string, &next[i]);
            if (!values[i] || (p == 0 && cJSON_GetArraySize(record[i]) != columns)) {
                complain(l->diags, where, "%s %d: needs exactly the keys of the first record%s%s%s", what, line[i],
                         values[i] ? "" : "; \"", values[i] ? "" : field->string, values[i] ? "" : "\" is missing");
                break;
            }
        }
        tf_type type = i == count ? common_type(l, where, label, values, count) : TF_ANY;
        if (type == TF_ANY)
            break;
        set_json_values(l, leaf, p, type, values);
    }
    free(values);
    free(next);
    return l->diags->count == before ? leaf : NULL;
}

static tf_space *load_rows(struct loader *l, const at *where, const cJSON *list) {
    int64_t count = cJSON_GetArraySize(list), n = 0;
    if (count == 0) {
        complain(l->diags, where, "an axis needs at least one row");
        return NULL;
    }
    const cJSON **record = tf_alloc_array((size_t)count, sizeof *record);
    int *line = tf_alloc_array((size_t)count, sizeof *line);
    tf_space *leaf = NULL;
    for (const cJSON *row = list->child; row; row = row->next) {
        at here = at_index(where, (int)n);
        line[n] = (int)n;
        record[n] = row;
        if (!cJSON_IsObject(row)) {
            complain(l->diags, &here, "must be an object, not %s", json_kind(row));
            break;
        }
        n++;
    }
    if (n == count)
        leaf = table_of_records(l, where, "row", record, line, count);
    free(record);
    free(line);
    return leaf;
}

/* One line of a file of records; NULL after a complaint. */
static cJSON *read_record(struct loader *l, const at *where, const char *path, int number, const char *text,
                          size_t length) {
    json_error error;
    cJSON *record = json_read(text, length, JSON_LAST_COUNTS, &error);
    if (cJSON_IsObject(record))
        return record;
    int row, column;
    json_locate(text, error.offset, &row, &column);
    if (record)
        complain(l->diags, where, "%s: line %d: not a JSON object", path, number);
    else
        complain(l->diags, where, "%s: line %d, column %d: %s", path, number, column, error.text);
    cJSON_Delete(record);
    return NULL;
}

static tf_space *load_jsonl(struct loader *l, const at *where, const char *path) {
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
        complain(l->diags, where, "%s has no records", path);
    else if (sound)
        leaf = table_of_records(l, where, what, (const cJSON *const *)record, line, count);
    for (int64_t i = 0; i < count; i++)
        cJSON_Delete(record[i]);
    free(record);
    free(line);
    return leaf;
}

/* ---- Axes and spaces ---- */

static tf_space *load_concat(struct loader *l, const at *where, const cJSON *list) {
    int count = cJSON_GetArraySize(list);
    if (count == 0) {
        complain(l->diags, where, "needs at least one space");
        return NULL;
    }
    tf_space **part = tf_arena_array(l->arena, (size_t)count, sizeof(tf_space *));
    bool sound = true;
    int n = 0;
    for (const cJSON *item = list->child; item; item = item->next, n++) {
        at here = at_index(where, n);
        part[n] = load_axes(l, &here, item, NODE_PRODUCT);
        if (part[n] && part[n]->sources)
            complain(l->diags, &here, "rows of another stage can't be part of a concat");
        if (!part[n] || part[n]->sources) {
            sound = false;
            continue;
        }
        for (int p = 0; part[0] && p < part[0]->params; p++) {
            const tf_param_spec *spec = &part[0]->param[p];
            int own = tf_space_find(part[n], spec->name);
            bool same = own >= 0 && part[n]->params == part[0]->params;
            bool numeric = same && (spec->type == TF_INT64 || spec->type == TF_FLOAT64) &&
                           (part[n]->param[own].type == TF_INT64 || part[n]->param[own].type == TF_FLOAT64);
            if (!same) {
                complain(l->diags, &here, "must have the same parameters as the first space%s%s%s",
                         own < 0 ? "; \"" : "", own < 0 ? spec->name : "", own < 0 ? "\" is missing" : "");
                sound = false;
                break;
            }
            if (!numeric && part[n]->param[own].type != spec->type) {
                complain(l->diags, &here, "\"%s\" has another type than in the first space", spec->name);
                sound = false;
            }
        }
    }
    tf_space *space = sound ? space_concat(l->arena, part, count) : NULL;
    if (sound && !space)
        complain(l->diags, where, TOO_MANY_POINTS);
    return space;
}

static const char *const kinds[] = {"values", "range", "linspace", "logspace", "glob",   "files", "lines",
                                    "rows",   "csv",   "jsonl",    "zip",      "concat", "from",  "blocks"};
enum { VALUES, RANGE, LINSPACE, LOGSPACE, GLOB, FILES, LINES, ROWS, CSV, JSONL, ZIP, CONCAT, FROM, BLOCKS, KINDS };

/* What the kind's member must be. */
static bool kind_fits(int kind, const cJSON *value) {
    if (kind == GLOB || kind == FILES || kind == LINES || kind == CSV || kind == JSONL || kind == FROM)
        return cJSON_IsString(value);
    if (kind == BLOCKS)
        return cJSON_IsObject(value);
    if (kind == ZIP)
        return cJSON_IsObject(value) || cJSON_IsArray(value);
    return cJSON_IsArray(value);
}

static tf_space *load_named_kind(struct loader *l, const at *where, const at *up, int kind, const char *name,
                                 const cJSON *value, const cJSON *axis) {
    int before = l->diags->count;
    const char *path = ""; /* of the kinds that are strings */
    if (kind == FILES)     /* wildcards are no placeholders */
        path = tf_arena_strdup(l->arena, value->valuestring);
    else if (cJSON_IsString(value))
        path = constant_text(l, where, value->valuestring);
    if (l->diags->count > before)
        return NULL;
    switch (kind) {
    case VALUES: return load_values(l, where, name, value);
    case RANGE: return load_range(l, where, name, value);
    case LINSPACE: return load_line(l, where, name, value, NODE_LINSPACE);
    case LOGSPACE: return load_line(l, where, name, value, NODE_LOGSPACE);
    case GLOB: return load_glob(l, where, up, name, path, axis);
    case FILES: return load_files_axis(l, where, up, name, path, axis);
    case LINES: return load_lines(l, where, name, path);
    case ROWS: return load_rows(l, where, value);
    case CSV: return load_tables(l, where, up, name, path, axis);
    case JSONL: return load_jsonl(l, where, path);
    case ZIP: return load_axes(l, where, value, NODE_ZIP);
    case BLOCKS: return load_blocks(l, where, name, value);
    case FROM: return load_rows_of(l, where, up, path, axis);
    default: return load_concat(l, where, value);
    }
}

/* By the member that makes it; -1 after a complaint. Where there was one of its members already, its kind may be that.
 */
static int find_kind(struct loader *l, const at *where, const cJSON *axis, bool complained) {
    int kind = -1;
    for (int k = 0; k < KINDS; k++) {
        if (!cJSON_GetObjectItemCaseSensitive(axis, kinds[k]))
            continue;
        if (kind >= 0) {
            complain(l->diags, where, "\"%s\" and \"%s\" can't both make one axis", kinds[kind], kinds[k]);
            return -1;
        }
        kind = k;
    }
    if (kind < 0 && !complained)
        complain(l->diags, where,
                 "an axis needs one of values, range, linspace, logspace, glob, files, lines, rows, csv, jsonl, zip, "
                 "concat, from or blocks");
    return kind;
}

/* Members that only some kinds have. */
static void check_members(struct loader *l, const at *where, const cJSON *axis, int kind) {
    static const struct {
        const char *key;
        int kind, other;
        const char *advice;
    } belongs[] = {
        {"columns", FROM, FROM, "\"columns\" goes with \"from\""},
        {"indices", FROM, FROM, "\"indices\" goes with \"from\""},
        {"where", FROM, FROM, "\"where\" goes with \"from\", or into the stage"},
        {"batch", CSV, CSV, "\"batch\" goes with \"csv\""},
        {"types", CSV, CSV, "\"types\" goes with \"csv\""},
        {"wildcards", FILES, FILES, "\"wildcards\" goes with \"files\""},
        {"allow_empty", FILES, GLOB, "\"allow_empty\" goes with \"glob\" or \"files\""},
    };
    for (size_t i = 0; i < sizeof belongs / sizeof *belongs; i++) {
        const at here = at_key(where, belongs[i].key);
        if (cJSON_GetObjectItemCaseSensitive(axis, belongs[i].key) && kind != belongs[i].kind &&
            kind != belongs[i].other)
            complain(l->diags, &here, "%s", belongs[i].advice);
    }
}

/* One axis. `name` is its key in an object of axes, or its "name"; NULL if it has none. */
static tf_space *load_axis(struct loader *l, const at *where, const char *name, const cJSON *axis) {
    int before = l->diags->count;
    if (cJSON_IsArray(axis)) {
        check_param_name(l, where, "parameter", name);
        tf_space *leaf = load_values(l, where, name, axis);
        return l->diags->count == before ? leaf : NULL;
    }
    if (!cJSON_IsObject(axis)) {
        complain(l->diags, where, "an axis must be a list of values or an object, not %s", json_kind(axis));
        return NULL;
    }
    json_check_keys(l->diags, where, axis, keys_axis());
    const int kind = find_kind(l, where, axis, l->diags->count > before);
    if (kind < 0)
        return NULL;
    check_members(l, where, axis, kind);
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(axis, kinds[kind]);
    at here = at_key(where, kinds[kind]);
    bool in_parts = cJSON_GetObjectItemCaseSensitive(axis, "batch") != NULL;
    bool named = kind <= GLOB || kind == LINES || kind == BLOCKS || in_parts;
    if (named && !name)
        complain(l->diags, where, "this axis needs a \"name\"");
    if (name && (named || kind == FILES))
        check_param_name(l, where, "parameter", name);
    if (!kind_fits(kind, value))
        complain(l->diags, &here, "must be %s, not %s",
                 kind == ZIP      ? "an object or a list of axes"
                 : kind == BLOCKS ? "an object"
                 : kind == GLOB || kind == FILES || kind == LINES || kind == CSV || kind == JSONL || kind == FROM
                     ? "a string"
                     : "a list",
                 json_kind(value));
    if (l->diags->count > before)
        return NULL;
    tf_space *space = load_named_kind(l, &here, where, kind, name, value, axis);
    return l->diags->count == before ? space : NULL;
}

/* The name of an axis: its key, or its member "name". */
static const char *axis_name(struct loader *l, const at *where, const cJSON *axis, bool keyed) {
    if (keyed)
        return tf_arena_strdup(l->arena, axis->string);
    const char *name = cJSON_IsObject(axis) ? json_string(l->diags, where, axis, "name") : NULL;
    return name ? tf_arena_strdup(l->arena, name) : NULL;
}

static bool check_joined(struct loader *l, const at *where, tf_space *const *axis, int count, node_kind joined) {
    bool sound = true;
    for (int a = 0; a < count; a++) {
        for (int b = 0; b < a; b++)
            for (int p = 0; p < axis[a]->params; p++)
                if (tf_space_find(axis[b], axis[a]->param[p].name) >= 0) {
                    complain(l->diags, where, "two axes give the parameter \"%s\"", axis[a]->param[p].name);
                    sound = false;
                }
        if (joined == NODE_ZIP && axis[a]->size != axis[0]->size) {
            complain(l->diags, where, "axes side by side must have the same length, not %lld and %lld",
                     (long long)axis[0]->size, (long long)axis[a]->size);
            sound = false;
        }
    }
    return sound;
}

/* An object or a list of axes, multiplied or zipped. */
static tf_space *load_axes(struct loader *l, const at *where, const cJSON *json, node_kind joined) {
    bool keyed = cJSON_IsObject(json);
    if (!keyed && !cJSON_IsArray(json)) {
        complain(l->diags, where, "a space must be an object or a list of axes, not %s", json_kind(json));
        return NULL;
    }
    int count = cJSON_GetArraySize(json), n = 0;
    if (count == 0) {
        complain(l->diags, where, "needs at least one axis");
        return NULL;
    }
    tf_space **axis = tf_arena_array(l->arena, (size_t)count, sizeof(tf_space *));
    bool sound = true;
    for (const cJSON *item = json->child; item; item = item->next, n++) {
        at here = keyed ? at_key(where, item->string) : at_index(where, n);
        if (!keyed && cJSON_IsArray(item)) {
            complain(l->diags, &here, "in a list of axes each is an object with a \"name\" and \"values\"");
            sound = false;
            continue;
        }
        axis[n] = load_axis(l, &here, axis_name(l, &here, item, keyed), item);
        sound = sound && axis[n];
    }
    if (!sound || !check_joined(l, where, axis, count, joined))
        return NULL;
    tf_space *space = joined == NODE_ZIP ? space_zip(l->arena, axis, count) : space_product(l->arena, axis, count);
    if (!space)
        complain(l->diags, where, TOO_MANY_POINTS);
    return space;
}

tf_space *load_space(struct loader *l, const at *where, const cJSON *json) {
    if (!json)
        return space_product(l->arena, NULL, 0);
    return load_axes(l, where, json, NODE_PRODUCT);
}
