/* The code of a Python function: its module, and what that imports from beside it. What counts of a file is its syntax
 * tree, which its interpreter is asked for; it is not asked where all is as it was when it was asked last. Of a
 * function that the package has pickled the package says it, in the first line of the file.
 *
 * Besides files the list then has an item without a hash, which is no code: the interpreter, as it was asked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest/code_list.h"
#include "manifest/code_parts.h"

/* ---- Is all as it was? ---- */

static const cJSON *find_interpreter(const cJSON *list) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) if (cJSON_HasObjectItem(item, "executable")) return item;
    return NULL;
}

static bool is_there(const char *path, const char *ending) {
    struct stat info;
    tf_buf name = {0};
    tf_buf_addf(&name, "%s%s", path, ending);
    const bool is = stat(name.data, &info) == 0;
    tf_buf_free(&name);
    return is;
}

/* Is there a module now where none was when it was looked for? `absent`: paths without ending, each ended by a newline.
 */
static bool has_appeared(const char *absent) {
    bool appeared = false;
    for (const char *end; !appeared && (end = strchr(absent, '\n')); absent = end + 1) {
        char *path = strndup(absent, (size_t)(end - absent));
        appeared = is_there(path, "") || is_there(path, ".py") || is_there(path, ".so");
        free(path);
    }
    return appeared;
}

/* What would be asked, and of which interpreter. */
typedef struct question {
    char *modules;       /* JSON */
    const char *written; /* the interpreter, as the manifest has it */
    tf_buf program;      /* where it is; empty: not known */
    tf_buf folders;      /* where it looks for modules besides */
} question;

/* What a variable is in the stage's tasks; "": nothing. */
static const char *variable_of(const tf_run_spec *run, const char *name) {
    const char *value = getenv(name);
    for (int e = 0; e < run->envc; e++)
        if (strcmp(run->env[e].name, name) == 0)
            value = run->env[e].value ? tf_template_source(run->env[e].value) : NULL;
    return value ? value : "";
}

/* Where the interpreter looks for modules besides: what src/python/taskfarm/_slot/search.py reads, too. */
static void add_folders(const tf_run_spec *run, tf_buf *folders) {
    tf_buf_addf(folders, "%s\n%s", variable_of(run, "PYTHONPATH"), variable_of(run, "TASKFARM_MODULES"));
}

static bool is_same_question(const cJSON *interpreter, const question *q) {
    return strcmp(code_text(interpreter, "path"), q->written) == 0 &&
           strcmp(code_text(interpreter, "where"), tf_buf_text(&q->program)) == 0 &&
           strcmp(code_text(interpreter, "modules"), q->modules) == 0 &&
           strcmp(code_text(interpreter, "folders"), tf_buf_text(&q->folders)) == 0;
}

/* Takes over what is known, if nothing can have changed. */
static bool take_known(const cJSON *known, const question *q, cJSON *list) {
    const cJSON *interpreter = find_interpreter(known), *item;
    if (!interpreter || !is_same_question(interpreter, q) || has_appeared(code_text(interpreter, "absent")))
        return false;
    cJSON_ArrayForEach(item, known) if ((cJSON_HasObjectItem(item, "tree") || item == interpreter) &&
                                        !code_has_stamp(item)) return false;
    cJSON_ArrayForEach(item, known) if (cJSON_HasObjectItem(item, "tree"))
        cJSON_AddItemToArray(list, cJSON_Duplicate(item, true));
    cJSON_AddItemToArray(list, cJSON_Duplicate(interpreter, true));
    return true;
}

/* ---- Asking ---- */

static void add_interpreter(cJSON *list, const cJSON *answer, const question *q) {
    struct stat info;
    tf_buf absent = {0};
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(answer, "absent");
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "path", q->written);
    cJSON_AddStringToObject(item, "where", tf_buf_text(&q->program));
    cJSON_AddStringToObject(item, "executable", code_text(answer, "executable"));
    cJSON_AddStringToObject(item, "python", code_text(answer, "python"));
    cJSON_AddStringToObject(item, "modules", q->modules);
    cJSON_AddStringToObject(item, "folders", tf_buf_text(&q->folders));
    for (const cJSON *name = names ? names->child : NULL; name; name = name->next)
        tf_buf_addf(&absent, "%s\n", cJSON_GetStringValue(name) ? cJSON_GetStringValue(name) : "");
    cJSON_AddStringToObject(item, "absent", tf_buf_text(&absent));
    if (q->program.length && stat(q->program.data, &info) == 0)
        code_add_stamp(item, &info);
    cJSON_AddItemToArray(list, item);
    tf_buf_free(&absent);
}

/* Adds what the interpreter has answered. A file is read by it before its stamp is looked at here: one that is changed
 * in between has a time so recent that it does not count. */
static bool take_answer(const char *text, const question *q, cJSON *list) {
    cJSON *answer = cJSON_Parse(text);
    const cJSON *files = cJSON_GetObjectItemCaseSensitive(answer, "files"), *file;
    cJSON_ArrayForEach(file, files) {
        cJSON *item = cJSON_CreateObject();
        struct stat info;
        const char *path = code_text(file, "path"), *where = code_text(file, "where");
        cJSON_AddStringToObject(item, "path", path);
        if (*where)
            cJSON_AddStringToObject(item, "where", where);
        if (stat(*where ? where : path, &info) == 0)
            code_add_stamp(item, &info);
        cJSON_AddStringToObject(item, "hash", code_text(file, "hash"));
        cJSON_AddStringToObject(item, "tree", code_text(answer, "tree"));
        cJSON_AddItemToArray(list, item);
    }
    if (files)
        add_interpreter(list, answer, q);
    cJSON_Delete(answer);
    return files;
}

static void add_module(cJSON *modules, const tf_python_target *target) {
    if (!target->text || target->is_pickle)
        return;
    cJSON *module = cJSON_CreateObject();
    cJSON_AddStringToObject(module, "file", target->file);
    cJSON_AddStringToObject(module, "module", target->module);
    cJSON_AddItemToArray(modules, module);
}

/* NULL: the function is in no module. */
static char *modules_of(const tf_python_spec *python) {
    cJSON *modules = cJSON_CreateArray();
    add_module(modules, &python->target);
    add_module(modules, &python->init);
    char *text = modules->child ? cJSON_PrintUnformatted(modules) : NULL;
    cJSON_Delete(modules);
    return text;
}

/* ---- Pickles ---- */

static void take_header(const char *line, const char *written, cJSON *list) {
    cJSON *header = cJSON_Parse(line), *interpreter = cJSON_CreateObject();
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(header, "code")) {
        const char *path = code_text(item, "path"), *hash = code_text(item, "hash");
        if (!*path || !*hash || code_find(list, path))
            continue;
        cJSON *code = cJSON_CreateObject();
        cJSON_AddStringToObject(code, "path", path);
        cJSON_AddStringToObject(code, "hash", hash);
        cJSON_AddItemToArray(list, code);
    }
    cJSON_AddStringToObject(interpreter, "path", written);
    cJSON_AddStringToObject(interpreter, "executable", written);
    cJSON_AddStringToObject(interpreter, "python", code_text(header, "python"));
    if (find_interpreter(list))
        cJSON_Delete(interpreter);
    else
        cJSON_AddItemToArray(list, interpreter);
    cJSON_Delete(header);
}

/* Adds what the first line of the file says. */
static void add_pickle(const tf_python_target *target, const char *written, cJSON *list) {
    FILE *file = target->text && target->is_pickle ? fopen(target->file, "re") : NULL;
    char *line = NULL;
    size_t room = 0;
    if (file && getline(&line, &room, file) > 0)
        take_header(line, written, list);
    free(line);
    if (file)
        fclose(file);
}

/* ---- All of it ---- */

bool code_of_python(const tf_stage_spec *stage, const cJSON *known, const tf_code_asker *asker, cJSON *list) {
    const tf_python_spec *python = stage->run.python;
    question q = {.modules = modules_of(python), .written = tf_template_source(stage->run.argv[0])};
    tf_buf answer = {0};
    bool is_known = true;
    if (q.modules) {
        code_find_program(q.written, &q.program);
        add_folders(&stage->run, &q.folders);
        is_known = take_known(known, &q, list) ||
                   (asker->ask && asker->ask(asker->context, stage->number, q.modules, &answer) &&
                    take_answer(tf_buf_text(&answer), &q, list));
    }
    add_pickle(&python->target, q.written, list);
    add_pickle(&python->init, q.written, list);
    cJSON_free(q.modules);
    tf_buf_free(&q.program);
    tf_buf_free(&q.folders);
    tf_buf_free(&answer);
    return is_known;
}

cJSON *tf_code_interpreter(const char *files) {
    cJSON *list = cJSON_Parse(files), *object = NULL;
    const cJSON *item = find_interpreter(list);
    if (item) {
        object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "path", code_text(item, "executable"));
        cJSON_AddStringToObject(object, "version", code_text(item, "python"));
    }
    cJSON_Delete(list);
    return object;
}
