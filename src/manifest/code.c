/* The files that users have written of what a stage runs: a plugin's library, scripts, what a Python script imports
 * from beside it, and what the manifest names; with their hashes, by which it is known whether they are still the same.
 * Paths are relative to the current folder, which is the work folder. */
#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest/code_list.h"
#include "manifest/code_parts.h"

typedef struct finder {
    const cJSON *known; /* an earlier list; NULL: there is none */
    cJSON *list;
} finder;

/* Adds the file at `where`, under the path by which users know it. A file whose size, time and inode have not changed
 * keeps its hash, unless it was written so recently that its time would not tell another write. false: it is in the
 * list already, or is no file. */
static bool add_file(void *list, const char *path, const char *where) {
    finder *f = list;
    struct stat info;
    if (code_find(f->list, path) || stat(where, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    cJSON *item = cJSON_CreateObject();
    const cJSON *before = code_find(f->known, path);
    cJSON_AddStringToObject(item, "path", path);
    code_add_stamp(item, &info);
    if (before && *code_text(before, "hash") && code_has_same_stamp(before, item) &&
        !cJSON_HasObjectItem(before, "tree")) {
        cJSON_AddStringToObject(item, "hash", code_text(before, "hash"));
    } else {
        tf_buf bytes = {0};
        char hash[20];
        tf_read_file(where, &bytes);
        snprintf(hash, sizeof hash, "%016" PRIx64, tf_hash(tf_buf_text(&bytes), bytes.length, 0));
        cJSON_AddStringToObject(item, "hash", hash);
        tf_buf_free(&bytes);
    }
    cJSON_AddItemToArray(f->list, item);
    return true;
}

static void add_script(finder *f, const tf_code_word *word, bool python) {
    const char *base = *word->text == '/' ? "" : word->folder;
    tf_buf where = {0};
    tf_buf_addf(&where, "%s%s", base, word->text);
    if (add_file(f, word->text, tf_buf_text(&where)) && python)
        code_imports(word->text, base, add_file, f);
    tf_buf_free(&where);
}

/* Adds a program if it is a script, which says in its first line what runs it. */
static void add_program(finder *f, const tf_code_word *word) {
    enum { MOST_LINE = 256 };
    tf_buf where = {0};
    char line[MOST_LINE] = "";
    if (strchr(word->text, '/'))
        tf_buf_addf(&where, "%s%s", *word->text == '/' ? "" : word->folder, word->text);
    else
        code_find_program(word->text, &where);
    struct stat info;
    const bool there = where.length > 0 && stat(where.data, &info) == 0 && S_ISREG(info.st_mode);
    FILE *file = there ? fopen(where.data, "re") : NULL;
    const bool script = file && fgets(line, sizeof line, file) && strncmp(line, "#!", 2) == 0;
    if (file)
        fclose(file);
    if (script && strchr(word->text, '/'))
        add_script(f, word, strstr(line, "python") != NULL);
    else if (script)
        add_file(f, word->text, where.data);
    tf_buf_free(&where);
}

/* Adds a word's file. An interpreter is left out: which one runs a script is up to PATH, which launchers change. */
static void add_code_word(void *context, const tf_code_word *word) {
    finder *f = context;
    if (word->kind == TF_CODE_SCRIPT)
        add_script(f, word, word->is_python);
    else if (word->kind == TF_CODE_MODULE)
        code_main_module(word->text, word->folder, add_file, f);
    else if (!word->is_interpreter)
        add_program(f, word);
}

/* ---- A stage ---- */

/* Where the interpreter does not say what its files are, they are taken as they are read here, and whole. */
static void add_unread(finder *f, const tf_python_target *target) {
    if (target->text && !target->is_pickle && *target->file && add_file(f, target->file, target->file))
        code_imports(target->file, "", add_file, f);
}

static void add_python(finder *f, const tf_stage_spec *stage, const tf_code_asker *asker) {
    if (code_of_python(stage, f->known, asker, f->list))
        return;
    add_unread(f, &stage->run.python->target);
    add_unread(f, &stage->run.python->init);
}

static void add_run(finder *f, const tf_run_spec *run) {
    if (run->library && strcmp(run->library, TF_PROGRAM) == 0)
        add_file(f, "the program", "/proc/self/exe");
    else if (run->library && strcmp(run->library, "builtin") != 0)
        add_file(f, run->library, run->library);
    tf_code_words(run, add_code_word, f);
}

/* Common values are no code. They stand in the list so that the next run need not read them. */
static void add_common(cJSON *list, const char *common) {
    cJSON *files = common ? cJSON_Parse(common) : NULL;
    while (files && files->child)
        cJSON_AddItemToArray(list, cJSON_DetachItemFromArray(files, 0));
    cJSON_Delete(files);
}

void tf_code_files(const tf_stage_spec *stage, const char *known, const char *common, const tf_code_asker *asker,
                   tf_buf *out) {
    cJSON *before = known ? cJSON_Parse(known) : NULL;
    finder f = {.known = before, .list = cJSON_CreateArray()};
    if (stage->run.python)
        add_python(&f, stage, asker);
    else
        add_run(&f, &stage->run);
    for (int i = 0; i < stage->codes; i++)
        add_file(&f, stage->code[i], stage->code[i]);
    add_common(f.list, common);
    char *text = cJSON_PrintUnformatted(f.list);
    tf_buf_adds(out, text);
    cJSON_free(text);
    cJSON_Delete(f.list);
    cJSON_Delete(before);
}

uint64_t tf_code_hash(const char *files) {
    uint64_t hash = 1;
    cJSON *list = cJSON_Parse(files);
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        const char *path = code_text(item, "path"), *its = code_text(item, "hash");
        if (!*its)
            continue;
        hash = tf_hash(path, strlen(path) + 1, hash);
        hash = tf_hash(its, strlen(its), hash);
    }
    cJSON_Delete(list);
    return hash ? hash : 1;
}

static bool has_name(const tf_buf *names, const char *name) {
    for (size_t at = 0; at < names->length; at += strlen(names->data + at) + 1)
        if (strcmp(names->data + at, name) == 0)
            return true;
    return false;
}

/* Adds the files of `one` that `other` lacks or has with another hash. */
static void add_changed(const cJSON *one, const cJSON *other, tf_buf *names) {
    const cJSON *item;
    cJSON_ArrayForEach(item, one) {
        const char *path = code_text(item, "path");
        const cJSON *its = code_find(other, path);
        if (*code_text(item, "hash") && (!its || !code_has_same(item, its, "hash")) && !has_name(names, path))
            tf_buf_add(names, path, strlen(path) + 1);
    }
}

void tf_code_changed(const char *then, const char *now, tf_buf *names) {
    cJSON *a = cJSON_Parse(then), *b = cJSON_Parse(now);
    add_changed(a, b, names);
    add_changed(b, a, names);
    cJSON_Delete(a);
    cJSON_Delete(b);
}

void tf_code_tell(const tf_buf *names, int64_t rows, tf_buf *out) {
    enum { SHOWN = 3 };
    char count[32];
    int number = 0, all = 0;
    for (size_t at = 0; at < names->length; at += strlen(names->data + at) + 1)
        all++;
    for (size_t at = 0; at < names->length && number < SHOWN; at += strlen(names->data + at) + 1)
        tf_buf_addf(out, "%s%s", number++ ? ", " : "", names->data + at);
    if (all > SHOWN)
        tf_buf_addf(out, " and %d more", all - SHOWN);
    tf_buf_addf(out, " changed since %s row%s made", tf_format_count(rows, count), rows == 1 ? " was" : "s were");
}
