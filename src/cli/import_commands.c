/* A list of commands becomes one stage, a line a task. Where it has disBatch's directives, the lines between two of
 * them become a stage, a REPEAT one of its own, and all stages behind a BARRIER come after all before it. disBatch
 * gives its tasks variables: those that a command may know are set where the list speaks of any. */
#include <stdlib.h>
#include <string.h>

#include "cli/import.h"

#define DIRECTIVE "#DISBATCH"

typedef struct importer {
    const import_source *source;
    bool variables; /* it is a list for disBatch, and commands are to know DISBATCH_... */
    const char *prefix, *suffix;
    int line; /* number of the line that is read, from 1 */
    int64_t tasks;
    cJSON *stages;
    cJSON *commands; /* commands of the stage under construction; NULL: there is none */
    int64_t first;   /* first task of that stage */
    int group;       /* the first stage behind the last barrier */
    cJSON *after;    /* the names of the stages before it; NULL: none */
} importer;

static int refuse(const importer *im, const char *what) {
    return import_diagnose(im->source, im->line, "%s", what);
}

/* ---- Stages ---- */

static void add_stage(importer *im, cJSON *over, const char *command, const char *repeat) {
    cJSON *stage = cJSON_CreateObject(), *run = cJSON_CreateObject();
    char name[300];
    snprintf(name, sizeof name, "%s_%d", im->source->name, cJSON_GetArraySize(im->stages) + 1);
    cJSON_AddStringToObject(stage, "name", name);
    cJSON_AddItemToObject(stage, "over", over);
    cJSON_AddItemToObject(run, "command", cJSON_CreateStringArray((const char *const[]){"bash", "-c", command}, 3));
    if (im->variables) {
        cJSON *env = cJSON_AddObjectToObject(run, "env");
        cJSON_AddStringToObject(env, "DISBATCH_NAMETASKS", im->source->name);
        cJSON_AddStringToObject(env, "DISBATCH_TASKID", "{task}");
        if (repeat)
            cJSON_AddStringToObject(env, "DISBATCH_REPEAT_INDEX", repeat);
    }
    cJSON_AddItemToObject(stage, "run", run);
    if (im->after)
        cJSON_AddItemToObject(stage, "after", cJSON_Duplicate(im->after, true));
    cJSON_AddItemToArray(im->stages, stage);
}

static cJSON *range(int64_t start, int64_t count, int64_t step) {
    cJSON *axis = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(axis, "range");
    cJSON_AddItemToArray(list, cJSON_CreateNumber((double)start));
    cJSON_AddItemToArray(list, cJSON_CreateNumber((double)(start + count * step)));
    cJSON_AddItemToArray(list, cJSON_CreateNumber((double)step));
    return axis;
}

/* Axes side by side, as a space of one axis. Takes them over. */
static cJSON *side_by_side(cJSON *axes) {
    cJSON *space = cJSON_CreateArray(), *zip = cJSON_CreateObject();
    cJSON_AddItemToObject(zip, "zip", axes);
    cJSON_AddItemToArray(space, zip);
    return space;
}

/* Makes a stage of the lines gathered so far. */
static void end_stage(importer *im) {
    if (!im->commands)
        return;
    int64_t count = cJSON_GetArraySize(im->commands);
    cJSON *axes = cJSON_CreateObject();
    if (im->variables)
        cJSON_AddItemToObject(axes, "task", range(im->first, count, 1));
    cJSON_AddItemToObject(axes, "command", im->commands);
    im->commands = NULL;
    add_stage(im, im->variables ? side_by_side(axes) : axes, "{command}", NULL);
}

static void add_command(importer *im, const char *line) {
    tf_buf text = {0};
    tf_buf_addf(&text, "%s%s%s", im->prefix, line, im->suffix);
    if (!im->commands) {
        im->commands = cJSON_CreateArray();
        im->first = im->tasks;
    }
    cJSON_AddItemToArray(im->commands, cJSON_CreateString(tf_buf_text(&text)));
    im->tasks++;
    tf_buf_free(&text);
}

/* ---- Directives ---- */

/* The words "NAME NUMBER" at *at, which moves behind them. false if they are not there, or no number follows. */
static bool parse_number(const char **at, const char *name, int64_t *number) {
    char digits[24];
    int length = 0;
    const char *from = *at + strspn(*at, " \t");
    size_t known = strlen(name);
    if (strncmp(from, name, known) != 0 || sscanf(from + known, " %23[-+0-9]%n", digits, &length) != 1 ||
        !tf_parse_int(digits, number))
        return false;
    *at = from + known + length;
    return true;
}

/* "N [start S] [step T] [COMMAND]" */
static int add_repeat(importer *im, const char *text) {
    enum { MOST = 1000 * 1000 * 1000 };
    int64_t count, start = 0, step = 1;
    if (!parse_number(&text, "", &count) || count < 1 || count > MOST)
        return refuse(im, "REPEAT needs a number of tasks");
    parse_number(&text, "start", &start);
    if (parse_number(&text, "step", &step) && step == 0)
        return refuse(im, "the step must not be 0");
    if (llabs(start) > MOST || llabs(step) > MOST)
        return refuse(im, "start and step go up to 10^9");
    end_stage(im);
    tf_buf command = {0};
    const char *const parts[] = {im->prefix, text + strspn(text, " \t"), im->suffix};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (const char *c = parts[i]; *c; c++) {
            if (*c == '{' || *c == '}') /* no placeholder */
                tf_buf_addc(&command, *c);
            tf_buf_addc(&command, *c);
        }
    cJSON *axes = cJSON_CreateObject();
    cJSON_AddItemToObject(axes, "task", range(im->tasks, count, 1));
    cJSON_AddItemToObject(axes, "repeat", range(start, count, step));
    add_stage(im, side_by_side(axes), tf_buf_text(&command), "{repeat}");
    im->tasks += count;
    tf_buf_free(&command);
    return TF_OK;
}

static int set_prefix(importer *im, const char *text) {
    im->prefix = text;
    return TF_OK;
}

static int set_suffix(importer *im, const char *text) {
    im->suffix = text;
    return TF_OK;
}

/* What follows begins when all before has ended; with CHECK only if none of that has failed. */
static int add_barrier(importer *im, const char *text) {
    end_stage(im);
    const bool check = strncmp(text, "CHECK", 5) == 0;
    int stages = cJSON_GetArraySize(im->stages);
    if (stages == im->group)
        return TF_OK;
    cJSON_Delete(im->after);
    im->after = cJSON_CreateArray();
    for (; im->group < stages; im->group++) {
        cJSON *stage = cJSON_GetArrayItem(im->stages, im->group);
        if (check)
            cJSON_AddStringToObject(stage, "on_failure", "stop");
        cJSON_AddItemToArray(im->after, cJSON_CreateString(cJSON_GetStringValue(cJSON_GetObjectItem(stage, "name"))));
    }
    return TF_OK;
}

static const struct {
    const char *name;
    int (*read)(importer *im, const char *text); /* `text` stands behind the name */
} directives[] = {{"PREFIX", set_prefix}, {"SUFFIX", set_suffix}, {"REPEAT", add_repeat}, {"BARRIER", add_barrier}};

enum { DIRECTIVES = sizeof directives / sizeof *directives };

static int refuse_directive(const importer *im) {
    tf_buf text = {0};
    tf_buf_adds(&text, "of disBatch's directives ");
    for (int d = 0; d < DIRECTIVES; d++)
        tf_buf_addf(&text, "%s%s", d == 0 ? "" : d + 1 < DIRECTIVES ? ", " : " and ", directives[d].name);
    tf_buf_adds(&text, " are understood");
    const int status = refuse(im, tf_buf_text(&text));
    tf_buf_free(&text);
    return status;
}

static bool is_word(const char *text, size_t length, const char *word) {
    return strlen(word) == length && strncmp(text, word, length) == 0;
}

static int read_directive(importer *im, const char *text) {
    text += strspn(text, " \t");
    size_t length = strcspn(text, " \t");
    const char *rest = text + length + (text[length] ? 1 : 0);
    for (int d = 0; d < DIRECTIVES; d++)
        if (is_word(text, length, directives[d].name))
            return directives[d].read(im, rest);
    return refuse_directive(im);
}

/* ---- The whole ---- */

static int read_line(importer *im, const char *line) {
    const char *text = line + strspn(line, " \t");
    if (tf_utf8_invalid(line, strlen(line)) >= 0)
        return refuse(im, "is not UTF-8");
    if (strncmp(text, DIRECTIVE, strlen(DIRECTIVE)) == 0)
        return read_directive(im, text + strlen(DIRECTIVE));
    if (*text && *text != '#')
        add_command(im, line);
    return TF_OK;
}

/* One stage is the manifest itself. */
static void print(const importer *im) {
    cJSON *manifest = cJSON_CreateObject();
    cJSON_AddStringToObject(manifest, "name", im->source->name);
    cJSON *first = cJSON_GetArrayItem(im->stages, 0);
    if (cJSON_GetArraySize(im->stages) == 1) {
        cJSON_AddItemToObject(manifest, "over", cJSON_DetachItemFromObject(first, "over"));
        cJSON_AddItemToObject(manifest, "run", cJSON_DetachItemFromObject(first, "run"));
    } else {
        cJSON_AddItemReferenceToObject(manifest, "stages", im->stages);
    }
    cli_print_json(manifest);
}

int import_commands(const import_source *source) {
    importer im = {.source = source,
                   .variables = strstr(source->text, "DISBATCH") != NULL,
                   .prefix = "",
                   .suffix = "",
                   .stages = cJSON_CreateArray()};
    int status = TF_OK;
    char *rest = source->text, *line;
    while (status == TF_OK && rest && (line = strsep(&rest, "\n"))) {
        im.line++;
        size_t length = strlen(line);
        if (length > 0 && line[length - 1] == '\r')
            line[length - 1] = '\0';
        status = read_line(&im, line);
    }
    end_stage(&im);
    if (status == TF_OK && im.tasks == 0)
        status = cli_usage_error("%s: has no commands", source->path);
    if (status == TF_OK)
        print(&im);
    cJSON_Delete(im.stages);
    cJSON_Delete(im.after);
    return status;
}
