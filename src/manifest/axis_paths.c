/* Axes of paths: those that match a pattern, and those whose parts are parameters. */
#include "manifest/axis.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

const char **match_paths(struct loader *l, const json_path *where, const char *pattern, int64_t *count) {
    tf_buf found = {0};
    *count = 0;
    const char **paths = NULL;
    int failure = l->source->glob(l->source, pattern, &found);
    if (failure) {
        diagnose(l->diags, where, tf_diag_of_read(failure), failure < 0 ? "%s %s" : "%s: %s", pattern,
                 tf_read_failure(failure));
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

/* Reports that no file matches, unless the axis says that this is all right. */
static void check_found(struct loader *l, const axis_json *axis, int64_t count, int before, const char *pattern) {
    const bool may_be_empty = json_flag(l->diags, axis->up, axis->axis, "allow_empty");
    if (count == 0 && !may_be_empty && l->diags->count == before)
        diagnose(l->diags, &axis->where, TF_DIAG_NO_MATCH,
                 "no file matches %s; say \"allow_empty\": true if that is all right", pattern);
}

tf_space *axis_glob(struct loader *l, const axis_json *axis) {
    const int before = l->diags->count;
    int64_t count;
    const char **paths = match_paths(l, &axis->where, axis->text, &count);
    check_found(l, axis, count, before, axis->text);
    if (l->diags->count > before)
        return NULL;
    tf_space *leaf = table_new(l->arena, 1, count);
    leaf->param[0].name = axis->name;
    table_set_strings(leaf, 0, paths);
    return leaf;
}

/* ---- "files": a path template whose wildcards become parameters ---- */

enum { MAX_WILDCARDS = 16 };

typedef struct wildcards {
    int count; /* of different names */
    const char *name[MAX_WILDCARDS];
    int groups;                      /* of all occurrences, in order */
    int group_of[MAX_WILDCARDS];     /* per occurrence: which name it has */
    int group_number[MAX_WILDCARDS]; /* per occurrence: the number of its group in the expression */
    tf_buf pattern;                  /* for glob */
    tf_buf expression;               /* extended regular expression */
} wildcards;

/* How many groups an expression has, which has been checked. */
static int count_groups(const char *expression) {
    regex_t regex;
    int groups = 0;
    if (regcomp(&regex, expression, REG_EXTENDED) == 0) {
        groups = (int)regex.re_nsub;
        regfree(&regex);
    }
    return groups;
}

static const char *constraint(struct loader *l, const json_path *where, const cJSON *axis, const char *name) {
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(axis, "wildcards");
    const cJSON *own = cJSON_IsObject(given) ? cJSON_GetObjectItemCaseSensitive(given, name) : NULL;
    if (!own)
        return "[^/]+";
    json_path wildcards_path = json_path_key(where, "wildcards"), here = json_path_key(&wildcards_path, name);
    if (!cJSON_IsString(own))
        diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be a string, not %s", json_kind(own));
    else if (check_regex(l, &here, own->valuestring, 0))
        return own->valuestring;
    return "[^/]+";
}

/* Adds text that stands for itself, both to the pattern and to the expression. */
static void add_literal(wildcards *w, const char *text) {
    for (const char *c = text; *c; c++) {
        if (strchr("*?[", *c))
            tf_buf_addc(&w->pattern, '\\');
        tf_buf_addc(&w->pattern, *c);
        if (strchr(".^$*+?(){}[|\\]", *c))
            tf_buf_addc(&w->expression, '\\');
        tf_buf_addc(&w->expression, *c);
    }
}

/* Is it a variable's name, with or without a format? */
static bool is_variable(const struct loader *l, const char *name) {
    const size_t length = strcspn(name, ":");
    bool found = false;
    for (int v = 0; v < l->variables && !found; v++)
        found = strlen(l->variable[v].name) == length && strncmp(l->variable[v].name, name, length) == 0;
    return found;
}

/* Parses "raw/sci_{object}.fits". false after a diagnostic. */
static bool parse_wildcards(struct loader *l, const json_path *where, const json_path *up, const char *text,
                            const cJSON *axis, wildcards *w) {
    int before = l->diags->count, groups = 0;
    tf_buf_addc(&w->expression, '^');
    for (const char *c = text; *c; c++) {
        const char *close = strchr(c, '}');
        if (*c != '{' || !close) {
            if (strchr("*?[", *c)) {
                diagnose(l->diags, where, TF_DIAG_BAD_PLACEHOLDER,
                         "'%c' has no place here: name what varies, as in raw/{object}.fits", *c);
                return false;
            }
            add_literal(w, (const char[]){*c, '\0'});
            continue;
        }
        const char *name = tf_arena_strndup(l->arena, c + 1, (size_t)(close - c - 1));
        if (is_variable(l, name)) {
            add_literal(w, constant_text(l, where, tf_arena_printf(l->arena, "{%s}", name)));
            c = close;
            continue;
        }
        if (w->groups == MAX_WILDCARDS) {
            diagnose(l->diags, where, TF_DIAG_TOO_LARGE, "more than %d wildcards", MAX_WILDCARDS);
            return false;
        }
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
        diagnose(l->diags, where, TF_DIAG_BAD_PLACEHOLDER, "no {wildcard} in \"%s\"; use \"glob\" for a plain pattern",
                 text);
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(axis, "wildcards");
    json_path here = json_path_key(up, "wildcards");
    if (given && !cJSON_IsObject(given))
        diagnose(l->diags, &here, TF_DIAG_WRONG_TYPE, "must be an object, not %s", json_kind(given));
    for (const cJSON *own = given && cJSON_IsObject(given) ? given->child : NULL; own; own = own->next) {
        json_path which = json_path_key(&here, own->string);
        int k = 0;
        while (k < w->count && strcmp(w->name[k], own->string) != 0)
            k++;
        if (k == w->count)
            diagnose(l->diags, &which, TF_DIAG_UNKNOWN_NAME, "no {%s} in \"%s\"", own->string, text);
    }
    return l->diags->count == before;
}

/* Finds the wildcards' values in a path. false: it does not match, or one name would have two values. */
static bool match_wildcards(struct loader *l, const json_path *where, const wildcards *w, const regex_t *regex,
                            regmatch_t *match, const char *path, const char **value) {
    const int status = regexec(regex, path, regex->re_nsub + 1, match, 0);
    if (status != 0 && status != REG_NOMATCH)
        diagnose(l->diags, where, TF_DIAG_BAD_REGEX, "%s can't be matched: out of memory", path);
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

/* The paths that match, and the wildcards' values in them: a table of the wildcards, and of the paths if they have a
 * name. */
static tf_space *table_of_paths(struct loader *l, const axis_json *axis, const wildcards *w, const regex_t *regex) {
    const int before = l->diags->count;
    int64_t found, count = 0;
    const char **paths = match_paths(l, &axis->where, tf_buf_text(&w->pattern), &found);
    const int columns = w->count + (axis->name != NULL);
    const char ***column = tf_arena_array(l->arena, (size_t)columns, sizeof *column);
    for (int k = 0; k < columns; k++)
        column[k] = tf_arena_array(l->arena, (size_t)found, sizeof **column);
    const char *value[MAX_WILDCARDS];
    regmatch_t *match = tf_alloc_array(regex->re_nsub + 1, sizeof *match);
    for (int64_t i = 0; i < found && l->diags->count == before; i++) {
        if (!match_wildcards(l, &axis->where, w, regex, match, paths[i], value))
            continue;
        for (int k = 0; k < w->count; k++)
            column[k][count] = value[k];
        if (axis->name)
            column[w->count][count] = paths[i];
        count++;
    }
    free(match);
    check_found(l, axis, count, before, axis->text);
    tf_space *leaf = table_new(l->arena, columns, count);
    for (int k = 0; k < columns; k++) {
        leaf->param[k].name = k < w->count ? w->name[k] : axis->name;
        table_set_strings(leaf, k, column[k]);
    }
    return leaf;
}

tf_space *axis_files(struct loader *l, const axis_json *axis) {
    const int before = l->diags->count;
    wildcards w = {0};
    regex_t regex;
    tf_space *leaf = NULL;
    const bool is_sound = parse_wildcards(l, &axis->where, axis->up, axis->text, axis->axis, &w);
    if (is_sound && regcomp(&regex, tf_buf_text(&w.expression), REG_EXTENDED) != 0) {
        diagnose(l->diags, &axis->where, TF_DIAG_BAD_REGEX, "\"%s\" makes no regular expression", axis->text);
    } else if (is_sound) {
        leaf = table_of_paths(l, axis, &w, &regex);
        regfree(&regex);
    }
    tf_buf_free(&w.pattern);
    tf_buf_free(&w.expression);
    return l->diags->count == before ? leaf : NULL;
}
