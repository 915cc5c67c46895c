/* A makeflow becomes a stage of its rules: a table of commands, and of the files that each reads and makes.
 *
 * Two languages are read. The classic one is like make's: OUTPUTS: INPUTS, and below it a command behind white space,
 * with variables in both. JX is JSON with expressions, which Makeflow's own jx2json works out; what is JSON already
 * does not need it. Of a rule what it is to have (cores, memory, categories) is left out, and said so. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/import.h"

typedef struct variable {
    const char *name, *value;
    bool exported;
} variable;

typedef struct makeflow {
    const import_source *source;
    int line; /* number of the line that is read, from 1; 0: the file is JX */
    variable *variable;
    size_t variables, capacity;
    char *outputs, *inputs; /* those of the rule whose command comes next; NULL: there is none */
    int rule_line;
    cJSON *rows;
    bool spaces;   /* a path has some */
    bool outside;  /* something is made outside of the work folder */
    bool left_out; /* something that does not change what is made */
} makeflow;

/* ---- Rules ---- */

/* Is one of these an absolute path, or one with ".."? */
static bool leads_outside(const char *paths) {
    for (const char *c = paths; *c; c++) {
        const bool begins = c == paths || isspace((unsigned char)c[-1]);
        if (begins && *c == '/')
            return true;
        if ((begins || c[-1] == '/') && strncmp(c, "..", 2) == 0 && (!c[2] || c[2] == '/'))
            return true;
    }
    return false;
}

static void add_rule(makeflow *m, const char *command, const char *inputs, const char *outputs) {
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "command", command);
    cJSON_AddStringToObject(row, "reads", inputs);
    cJSON_AddStringToObject(row, "makes", outputs);
    cJSON_AddItemToArray(m->rows, row);
    m->outside = m->outside || leads_outside(outputs);
}

/* ---- Variables of the classic language ---- */

static variable *find_variable(const makeflow *m, const char *name, size_t length) {
    for (size_t i = 0; i < m->variables; i++)
        if (strlen(m->variable[i].name) == length && strncmp(m->variable[i].name, name, length) == 0)
            return &m->variable[i];
    return NULL;
}

static variable *add_variable(makeflow *m, const char *name, size_t length) {
    variable *v = find_variable(m, name, length);
    if (v)
        return v;
    if (m->variables == m->capacity) {
        m->capacity = m->capacity ? 2 * m->capacity : 16;
        m->variable = tf_realloc_array(m->variable, m->capacity, sizeof *m->variable);
    }
    v = &m->variable[m->variables++];
    *v = (variable){.name = tf_arena_strndup(m->source->arena, name, length), .value = ""};
    return v;
}

static size_t name_length(const char *text) {
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_')
        length++;
    return length;
}

/* Puts variables in: $X, $(X), ${X}. What is not the makeflow's own is the shell's. */
static char *expand(const makeflow *m, const char *text) {
    tf_buf out = {0};
    while (*text) {
        const char *name = text + 1;
        char close = *name == '(' ? ')' : *name == '{' ? '}' : '\0';
        name += close != '\0';
        size_t length = *text == '$' ? name_length(name) : 0;
        const variable *v = length && (!close || name[length] == close) ? find_variable(m, name, length) : NULL;
        if (v) {
            tf_buf_adds(&out, v->value);
            text = name + length + (close != '\0');
        } else {
            tf_buf_addc(&out, *text++);
        }
    }
    char *expanded = tf_arena_strdup(m->source->arena, tf_buf_text(&out));
    tf_buf_free(&out);
    return expanded;
}

/* Variables that say what a rule is to have, not what it does. */
static bool is_resource(const char *name, size_t length) {
    static const char *const names[] = {"CATEGORY", "CORES", "MEMORY", "DISK", "GPUS", "WALL_TIME", "BATCH_OPTIONS"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0)
            return true;
    return false;
}

/* ---- Lines of the classic language ---- */

static char *trim(char *text) {
    text += strspn(text, " \t\r");
    size_t length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]))
        text[--length] = '\0';
    return text;
}

static char *unquote(char *text) {
    size_t length = strlen(text);
    if (length >= 2 && *text == '"' && text[length - 1] == '"') {
        text[length - 1] = '\0';
        return text + 1;
    }
    return text;
}

/* NAME=VALUE or NAME+=VALUE. false if it is neither. */
static bool read_assignment(makeflow *m, char *text, bool exported) {
    size_t length = name_length(text);
    char *rest = text + length + strspn(text + length, " \t");
    bool more = rest[0] == '+' && rest[1] == '=';
    if (length == 0 || (!more && *rest != '='))
        return false;
    m->left_out = m->left_out || is_resource(text, length);
    const char *value = expand(m, unquote(trim(rest + (more ? 2 : 1))));
    variable *v = add_variable(m, text, length);
    v->value = more && *v->value ? tf_arena_printf(m->source->arena, "%s %s", v->value, value) : value;
    v->exported = v->exported || exported;
    return true;
}

static int read_export(makeflow *m, char *text) {
    if (read_assignment(m, text, true))
        return TF_OK;
    for (char *rest = text, *name; (name = strsep(&rest, " \t"));)
        if (*name)
            add_variable(m, name, strlen(name))->exported = true;
    return TF_OK;
}

static int read_rule(makeflow *m, char *text, char *colon) {
    *colon = '\0';
    m->outputs = expand(m, trim(text));
    m->inputs = expand(m, trim(colon + 1));
    m->rule_line = m->line;
    if (strstr(m->outputs, "->") || strstr(m->inputs, "->"))
        return import_diagnose(m->source, m->line, "files that have another name in the task (->) can't be imported");
    if (!*m->outputs)
        return import_diagnose(m->source, m->line, "a rule without outputs");
    return TF_OK;
}

static int read_command(makeflow *m, const char *text) {
    static const char local[] = "LOCAL";
    if (!m->outputs)
        return import_diagnose(m->source, m->line, "a command without a rule");
    if (strncmp(text, local, sizeof local - 1) == 0 && isspace((unsigned char)text[sizeof local - 1]))
        text += sizeof local + strspn(text + sizeof local, " \t");
    if (strncmp(text, "MAKEFLOW ", 9) == 0)
        return import_diagnose(m->source, m->line, "a makeflow within a makeflow can't be imported");
    tf_buf command = {0};
    for (size_t i = 0; i < m->variables; i++) {
        if (!m->variable[i].exported)
            continue;
        tf_buf_addf(&command, "export %s=", m->variable[i].name);
        tf_buf_add_quoted(&command, m->variable[i].value);
        tf_buf_adds(&command, "; ");
    }
    tf_buf_adds(&command, expand(m, text));
    add_rule(m, tf_buf_text(&command), m->inputs, m->outputs);
    tf_buf_free(&command);
    m->outputs = m->inputs = NULL;
    return TF_OK;
}

static int read_line(makeflow *m, char *line) {
    bool indented = isspace((unsigned char)*line);
    char *text = trim(line);
    if (tf_utf8_invalid(text, strlen(text)) >= 0)
        return import_diagnose(m->source, m->line, "is not UTF-8");
    if (!*text || *text == '#')
        return TF_OK;
    if (indented)
        return read_command(m, text);
    if (m->outputs)
        return import_diagnose(m->source, m->rule_line, "a rule without a command below it");
    if (*text == '.' && isupper((unsigned char)text[1])) { /* .MAKEFLOW CATEGORY, .SIZE and the like */
        m->left_out = true;
        return TF_OK;
    }
    if (strncmp(text, "export", 6) == 0 && isspace((unsigned char)text[6]))
        return read_export(m, text + 6 + strspn(text + 6, " \t"));
    if (read_assignment(m, text, false))
        return TF_OK;
    char *colon = strchr(text, ':');
    return colon ? read_rule(m, text, colon)
                 : import_diagnose(m->source, m->line, "is neither a rule, nor a command, nor a variable");
}

/* Lines that end in a backslash go on in the next. */
static int read_classic(makeflow *m) {
    int status = TF_OK, next = 0;
    char *rest = m->source->text;
    tf_buf line = {0};
    while (status == TF_OK && rest) {
        char *part = strsep(&rest, "\n");
        size_t length = strlen(part);
        next++;
        if (line.length == 0)
            m->line = next;
        if (length > 0 && part[length - 1] == '\\' && rest) {
            tf_buf_add(&line, part, length - 1);
            continue;
        }
        tf_buf_adds(&line, part);
        if (line.length)
            status = read_line(m, line.data);
        tf_buf_clear(&line);
    }
    if (status == TF_OK && m->outputs)
        status = import_diagnose(m->source, m->rule_line, "a rule without a command below it");
    tf_buf_free(&line);
    return status;
}

/* ---- JX ---- */

static int diagnose_rule(const makeflow *m, int number, const char *what) {
    tf_print(stderr, "%s: rule %d: %s\n", m->source->path, number, what);
    return TF_ERR_USAGE;
}

/* jx2json writes \', which is no JSON. */
static void mend_quotes(char *text) {
    char *to = text;
    for (const char *from = text; (*to = *from) != '\0'; from++, to++) {
        if (*from != '\\' || !from[1])
            continue;
        if (from[1] == '\'')
            *to = *++from;
        else
            *++to = *++from;
    }
}

/* What jx2json makes of the file; NULL if there is no such program, or if it can't. */
static cJSON *evaluate(const char *path) {
    tf_buf command = {0}, text = {0};
    char chunk[4096];
    tf_buf_adds(&command, "jx2json ");
    tf_buf_add_quoted(&command, path);
    FILE *from = popen(tf_buf_text(&command), "re");
    for (size_t got; from && (got = fread(chunk, 1, sizeof chunk, from)) > 0;)
        tf_buf_add(&text, chunk, got);
    bool good = from && pclose(from) == 0;
    if (text.length)
        mend_quotes(text.data);
    cJSON *json = good ? cJSON_Parse(tf_buf_text(&text)) : NULL;
    tf_buf_free(&command);
    tf_buf_free(&text);
    return json;
}

/* A list of paths, as one text with a line each. NULL if it is none. */
static char *files_of(makeflow *m, const cJSON *rule, const char *key) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(rule, key);
    tf_buf text = {0};
    bool good = !list || cJSON_IsArray(list);
    for (const cJSON *item = good && list ? list->child : NULL; item; item = item->next) {
        const char *name = cJSON_GetStringValue(item);
        const char *inside = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "task_name"));
        if (!name)
            name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "dag_name"));
        good = good && name && (!inside || strcmp(inside, name) == 0);
        if (name)
            tf_buf_addf(&text, "%s%s", text.length ? "\n" : "", name);
        m->spaces = m->spaces || (name && strpbrk(name, " \t"));
    }
    char *files = good ? tf_arena_strdup(m->source->arena, tf_buf_text(&text)) : NULL;
    tf_buf_free(&text);
    return files;
}

/* An environment's variables, exported; as in Makeflow, those that are strings. */
static void add_environment(tf_buf *command, const cJSON *environment) {
    for (const cJSON *item = environment ? environment->child : NULL; item; item = item->next) {
        if (!cJSON_IsString(item))
            continue;
        tf_buf_addf(command, "export %s=", item->string);
        tf_buf_add_quoted(command, item->valuestring);
        tf_buf_adds(command, "; ");
    }
}

static int read_json_rule(makeflow *m, const cJSON *all, const cJSON *rule, int number) {
    static const char *const ignored[] = {"resources", "category", "local_job", "allocation"};
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(rule, "command"));
    if (cJSON_GetObjectItemCaseSensitive(rule, "workflow") || cJSON_GetObjectItemCaseSensitive(rule, "makeflow"))
        return diagnose_rule(m, number, "a makeflow within a makeflow can't be imported");
    if (!text)
        return diagnose_rule(m, number, "has no \"command\"");
    const char *inputs = files_of(m, rule, "inputs"), *outputs = files_of(m, rule, "outputs");
    if (!inputs || !outputs)
        return diagnose_rule(m, number,
                             "\"inputs\" and \"outputs\" must be lists of files that have the same name in the task");
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        m->left_out = m->left_out || cJSON_GetObjectItemCaseSensitive(rule, ignored[i]);
    tf_buf command = {0};
    add_environment(&command, cJSON_GetObjectItemCaseSensitive(all, "environment"));
    add_environment(&command, cJSON_GetObjectItemCaseSensitive(rule, "environment"));
    tf_buf_adds(&command, text);
    add_rule(m, tf_buf_text(&command), inputs, outputs);
    tf_buf_free(&command);
    return TF_OK;
}

static int read_jx(makeflow *m) {
    cJSON *json = cJSON_Parse(m->source->text);
    if (!json)
        json = evaluate(m->source->path);
    const cJSON *rules = cJSON_GetObjectItemCaseSensitive(json, "rules");
    int status = TF_OK, number = 0;
    if (!json)
        status = cli_usage_error("%s: is not plain JSON, and jx2json (of Makeflow) can't work it out", m->source->path);
    else if (!cJSON_IsArray(rules))
        status = cli_usage_error("%s: has no \"rules\"", m->source->path);
    else
        for (const cJSON *rule = rules->child; rule && status == TF_OK; rule = rule->next)
            status = read_json_rule(m, json, rule, ++number);
    cJSON_Delete(json);
    return status;
}

/* ---- The whole ---- */

static cJSON *split(const makeflow *m, const char *text) {
    cJSON *entry = cJSON_CreateObject();
    cJSON_AddStringToObject(entry, "split", text);
    if (m->spaces)
        cJSON_AddStringToObject(entry, "by", "\n");
    return entry;
}

static void print(makeflow *m) {
    cJSON *manifest = cJSON_CreateObject(), *run = cJSON_CreateObject(), *axis = cJSON_CreateObject();
    cJSON_AddStringToObject(manifest, "name", m->source->name);
    cJSON_AddItemToObject(axis, "rows", m->rows);
    m->rows = NULL;
    cJSON_AddItemToArray(cJSON_AddArrayToObject(manifest, "over"), axis);
    cJSON_AddItemToObject(manifest, "inputs", split(m, "{reads}"));
    cJSON_AddItemToObject(manifest, "outputs", split(m, "{makes}"));
    if (m->outside)
        cJSON_AddTrueToObject(manifest, "allow_outside");
    cJSON_AddItemToObject(run, "command",
                          cJSON_CreateStringArray((const char *const[]){"/bin/sh", "-c", "{command}"}, 3));
    cJSON_AddItemToObject(manifest, "run", run);
    cli_print_json(manifest);
}

int import_makeflow(const import_source *source) {
    makeflow m = {.source = source, .rows = cJSON_CreateArray()};
    bool jx = source->text[strspn(source->text, " \t\r\n")] == '{';
    int status = jx ? read_jx(&m) : read_classic(&m);
    if (status == TF_OK && cJSON_GetArraySize(m.rows) == 0)
        status = cli_usage_error("%s: has no rules", source->path);
    if (status == TF_OK && m.left_out)
        tf_print(stderr, "%s: categories and resources (cores, memory, ...) of rules are left out\n", source->path);
    if (status == TF_OK)
        print(&m);
    cJSON_Delete(m.rows);
    free(m.variable);
    return status;
}
