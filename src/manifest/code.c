/* What users have written of what a stage runs: a plugin's library, scripts, what a Python script imports from beside
 * it, and what the manifest names. Commands are read as far as that can be done without running them: a word that is
 * not the same for all tasks is none. Paths are relative to the current folder, which is the work folder. */
#include <cjson/cJSON.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest/manifest.h"

typedef struct finder {
    const cJSON *known; /* as found before; NULL: nothing was */
    cJSON *list;
} finder;

/* ---- Files ---- */

static const char *text_of(const cJSON *item, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, key));
    return text ? text : "";
}

static const cJSON *find_path(const cJSON *list, const char *path) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) if (strcmp(text_of(item, "path"), path) == 0) return item;
    return NULL;
}

static void add_number(cJSON *object, const char *key, int64_t value) {
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    cJSON_AddStringToObject(object, key, text);
}

static bool has_same(const cJSON *a, const cJSON *b, const char *key) {
    return strcmp(text_of(a, key), text_of(b, key)) == 0;
}

/* The file at `where`, under a name by which users know it. The hash of one that has the size, the time and the inode
 * that it had stands. The time of one that has just been written does not tell whether it is written again. false if it
 * is there already, or is no file. */
static bool add_file(finder *f, const char *path, const char *where) {
    const double settled = 2; /* s */
    struct stat info;
    if (find_path(f->list, path) || stat(where, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    cJSON *item = cJSON_CreateObject();
    const cJSON *before = find_path(f->known, path);
    const bool is_settled = (double)info.st_mtim.tv_sec + settled < tf_wall();
    cJSON_AddStringToObject(item, "path", path);
    add_number(item, "size", info.st_size);
    add_number(item, "time", is_settled ? info.st_mtim.tv_sec * INT64_C(1000000000) + info.st_mtim.tv_nsec : 0);
    add_number(item, "inode", (int64_t)info.st_ino);
    if (before && is_settled && has_same(before, item, "size") && has_same(before, item, "time") &&
        has_same(before, item, "inode")) {
        cJSON_AddStringToObject(item, "hash", text_of(before, "hash"));
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

/* ---- What Python imports ---- */

/* `folder` with its slash, or "". */
typedef struct module_finder {
    finder *finder;
    const char *root; /* the script's folder: where names are looked for */
    const char *base; /* the same in front of paths that are opened */
} module_finder;

static void add_imports(const module_finder *m, const char *path);

static void add_module_file(const module_finder *m, const char *path) {
    tf_buf where = {0};
    tf_buf_addf(&where, "%s%s", m->base, path);
    if (add_file(m->finder, path, tf_buf_text(&where)))
        add_imports(m, path);
    tf_buf_free(&where);
}

/* "a.b.c" below the folder: a.py or a/__init__.py, then a/b.py ... */
static void add_module(const module_finder *m, const char *folder, const char *name, size_t length) {
    tf_buf path = {0}, file = {0};
    tf_buf_adds(&path, folder);
    for (size_t at = 0; at < length;) {
        size_t part = 0;
        while (at + part < length && name[at + part] != '.')
            part++;
        tf_buf_add(&path, name + at, part);
        tf_buf_clear(&file);
        tf_buf_addf(&file, "%s.py", tf_buf_text(&path));
        add_module_file(m, tf_buf_text(&file));
        tf_buf_addc(&path, '/');
        tf_buf_clear(&file);
        tf_buf_addf(&file, "%s__init__.py", tf_buf_text(&path));
        add_module_file(m, tf_buf_text(&file));
        at += part + 1;
    }
    tf_buf_free(&path);
    tf_buf_free(&file);
}

static size_t name_length(const char *text) {
    size_t length = 0;
    while (isalnum((unsigned char)text[length]) || strchr("._", text[length]))
        if (!text[length++])
            return length - 1;
    return length;
}

static const char *skip_blanks(const char *text) {
    return text + strspn(text, " \t\\");
}

/* "import a.b as c, d" from behind the first word. */
static void take_import(const module_finder *m, const char *text) {
    for (;;) {
        text = skip_blanks(text);
        size_t length = name_length(text);
        if (length == 0)
            return;
        add_module(m, m->root, text, length);
        text += strcspn(text, ",;\n#");
        if (*text++ != ',')
            return;
    }
}

/* "from .a import b, (c)" from behind the first word. `folder`: of the file that says so. */
static void take_from(const module_finder *m, const char *folder, const char *text) {
    tf_buf package = {0};
    text = skip_blanks(text);
    size_t dots = strspn(text, "."), length = name_length(text + dots);
    tf_buf_adds(&package, dots ? folder : m->root);
    for (size_t up = 1; up < dots && package.length > 0; up++) { /* a dot more is a folder up */
        package.data[--package.length] = '\0';
        while (package.length > 0 && package.data[package.length - 1] != '/')
            package.data[--package.length] = '\0';
    }
    add_module(m, tf_buf_text(&package), text + dots, length);
    for (size_t i = 0; i < length; i++)
        tf_buf_addc(&package, text[dots + i] == '.' ? '/' : text[dots + i]);
    tf_buf_adds(&package, length ? "/" : "");
    text = skip_blanks(text + dots + length);
    if (strncmp(text, "import", 6) == 0) {
        text = skip_blanks(text + 6);
        const bool many_lines = *text == '(';
        for (text += many_lines; *text; text++) {
            text += strspn(text, many_lines ? " \t\r\n," : " \t,");
            length = name_length(text);
            if (length == 0)
                break;
            add_module(m, tf_buf_text(&package), text, length);
            text += length;
            text = skip_blanks(text);
            if (strncmp(text, "as ", 3) == 0)
                text += 3 + name_length(skip_blanks(text + 3));
            text += strcspn(text, many_lines ? ",)" : ",;\n#");
            if (*text != ',')
                break;
        }
    }
    tf_buf_free(&package);
}

static bool is_word(const char *text, const char *word) {
    const size_t length = strlen(word);
    return strncmp(text, word, length) == 0 && (text[length] == ' ' || text[length] == '\t');
}

/* Statements begin a line, or stand behind a colon or a semicolon. A text that looks like one names a file too many. */
static void add_imports(const module_finder *m, const char *path) {
    tf_buf where = {0}, text = {0}, folder = {0};
    const char *slash = strrchr(path, '/');
    tf_buf_addf(&where, "%s%s", m->base, path);
    tf_buf_add(&folder, path, slash ? (size_t)(slash + 1 - path) : 0);
    if (tf_read_file(tf_buf_text(&where), &text) == 0) {
        const char *at = tf_buf_text(&text);
        while (*at) {
            at += strspn(at, " \t\r\n;:");
            if (is_word(at, "import"))
                take_import(m, at + 6);
            else if (is_word(at, "from"))
                take_from(m, tf_buf_text(&folder), at + 4);
            at += strcspn(at, "\n;:");
        }
    }
    tf_buf_free(&where);
    tf_buf_free(&text);
    tf_buf_free(&folder);
}

/* ---- Scripts ---- */

/* How a program takes its script: options whose value is the next word if nothing follows in theirs, those whose value
 * is in the same word, and those behind which there is no script. */
typedef struct interpreter {
    const char *name, *valued, *joined, *instead;
} interpreter;

static const interpreter interpreters[] = {
    {"python", "WX", "", "cm"},        {"Rscript", "", "", "e"},        {"julia", "pLtJCH", "Og", "eE"},
    {"perl", "I", "MmixlC0DFV", "eE"}, {"ruby", "ICrE", "iKx0FW", "e"}, {"sh", "oO", "", "c"},
    {"bash", "oO", "", "c"},           {"awk", "vF", "", ""},           {"gawk", "vF", "", ""},
    {"mawk", "vFW", "", ""},           {"nawk", "vF", "", ""},
};

/* Words of a command; NULL: one that is not known. `folder`: that it runs in, with its slash, or "". */
typedef struct command {
    finder *finder;
    const char *folder;
    char **word;
    int words;
} command;

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_python(const char *name) {
    return strncmp(name, "python", 6) == 0 && strspn(name + 6, "0123456789.") == strlen(name + 6);
}

static const interpreter *find_interpreter(const char *program) {
    const char *name = base_name(program);
    for (size_t i = 0; i < sizeof interpreters / sizeof *interpreters; i++)
        if (i == 0 ? is_python(name) : strcmp(name, interpreters[i].name) == 0)
            return &interpreters[i];
    return NULL;
}

static void add_script(const command *c, const char *path, bool python) {
    tf_buf where = {0}, root = {0};
    const char *base = *path == '/' ? "" : c->folder;
    tf_buf_addf(&where, "%s%s", base, path);
    tf_buf_add(&root, path, (size_t)(base_name(path) - path));
    if (add_file(c->finder, path, tf_buf_text(&where)) && python)
        add_imports(&(module_finder){c->finder, tf_buf_text(&root), base}, path);
    tf_buf_free(&where);
    tf_buf_free(&root);
}

static void add_shell_text(finder *f, const char *folder, const char *text);

/* "-m package.module", looked for from the current folder. */
static void add_main_module(const command *c, const char *name) {
    const module_finder m = {c->finder, "", c->folder};
    tf_buf main = {0};
    add_module(&m, "", name, strlen(name));
    tf_buf_addf(&main, "%s.__main__", name);
    add_module(&m, "", tf_buf_text(&main), main.length);
    tf_buf_free(&main);
}

/* What an option does with the word behind it. */
typedef enum next_word { NEXT_IS_NEXT, NEXT_IS_VALUE, NEXT_IS_INSTEAD } next_word;

static next_word read_option(const interpreter *how, const char *option, char *letter) {
    if (option[1] == '-')
        return NEXT_IS_NEXT;
    for (const char *o = option + 1; *o; o++) {
        *letter = *o;
        if (strchr(how->instead, *o))
            return NEXT_IS_INSTEAD;
        if (strchr(how->joined, *o))
            return NEXT_IS_NEXT;
        if (strchr(how->valued, *o))
            return o[1] ? NEXT_IS_NEXT : NEXT_IS_VALUE;
    }
    return NEXT_IS_NEXT;
}

static void add_interpreted(const command *c, const interpreter *how) {
    const bool shell = strcmp(how->instead, "c") == 0;
    int i = 1;
    for (char letter; i < c->words && c->word[i] && c->word[i][0] == '-' && c->word[i][1]; i++) {
        if (strcmp(c->word[i], "--") == 0) {
            i++;
            break;
        }
        const next_word next = read_option(how, c->word[i], &letter);
        if (next == NEXT_IS_INSTEAD) {
            const char *instead = i + 1 < c->words ? c->word[i + 1] : NULL;
            if (instead && shell)
                add_shell_text(c->finder, c->folder, instead);
            else if (instead && letter == 'm')
                add_main_module(c, instead);
            return;
        }
        i += next == NEXT_IS_VALUE;
    }
    if (i < c->words && c->word[i])
        add_script(c, c->word[i], how == interpreters);
}

static void add_awk(const command *c) {
    for (int i = 1; i < c->words && c->word[i] && c->word[i][0] == '-'; i++) {
        if (c->word[i][1] == 'f') {
            const char *file = c->word[i][2] ? c->word[i] + 2 : i + 1 < c->words ? c->word[++i] : NULL;
            if (file)
                add_script(c, file, false);
        } else if (strchr("vF", c->word[i][1]) && c->word[i][1] && !c->word[i][2]) {
            i++;
        }
    }
}

/* Where PATH has it; nothing if it has not. */
static void find_program(const char *name, tf_buf *where) {
    const char *path = getenv("PATH");
    for (size_t length; path && *path; path += length + (path[length] == ':')) {
        length = strcspn(path, ":");
        tf_buf_clear(where);
        tf_buf_addf(where, "%.*s/%s", (int)length, length ? path : ".", name);
        if (access(where->data, X_OK) == 0)
            return;
    }
    tf_buf_clear(where);
}

/* A program that is a text which says what runs it. */
static void add_program(const command *c) {
    enum { MOST_LINE = 256 };
    tf_buf where = {0};
    char line[MOST_LINE] = "";
    if (strchr(c->word[0], '/'))
        tf_buf_addf(&where, "%s%s", *c->word[0] == '/' ? "" : c->folder, c->word[0]);
    else
        find_program(c->word[0], &where);
    struct stat info;
    const bool there = where.length > 0 && stat(where.data, &info) == 0 && S_ISREG(info.st_mode);
    FILE *file = there ? fopen(where.data, "re") : NULL;
    const bool script = file && fgets(line, sizeof line, file) && strncmp(line, "#!", 2) == 0;
    if (file)
        fclose(file);
    if (script && strchr(c->word[0], '/'))
        add_script(c, c->word[0], strstr(line, "python") != NULL);
    else if (script)
        add_file(c->finder, c->word[0], where.data);
    tf_buf_free(&where);
}

static void add_command(const command *c) {
    if (c->words == 0 || !c->word[0])
        return;
    const interpreter *how = find_interpreter(c->word[0]);
    const char *name = base_name(c->word[0]);
    if (!how) /* which one runs it is up to PATH, which launchers change */
        add_program(c);
    if (how && strcmp(name + (strlen(name) > 3 ? strlen(name) - 3 : 0), "awk") == 0)
        add_awk(c);
    else if (how)
        add_interpreted(c, how);
}

/* ---- The shell's commands ---- */

/* One command after the other of a text for the shell, as a template has it: {{ is a brace, {x} is not known. */
typedef struct lexer {
    command command;
    int capacity;
    tf_buf word;
    bool in_word, known, dropped; /* of the word: it is where something is redirected to */
} lexer;

static void end_word(lexer *l) {
    command *c = &l->command;
    if (!l->in_word)
        return;
    const char *text = tf_buf_text(&l->word), *equals = strchr(text, '=');
    static const char *const before[] = {"if", "then", "else", "elif", "while", "until",
                                         "do", "time", "exec", "!",    "{"};
    bool passed = l->dropped;
    if (c->words == 0 && l->known) {
        passed = passed || (equals && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
                                          (size_t)(equals - text));
        for (size_t i = 0; i < sizeof before / sizeof *before; i++)
            passed = passed || strcmp(text, before[i]) == 0;
    } else if (c->words == 0 && equals) {
        passed = true;
    }
    if (!passed) {
        if (c->words == l->capacity) {
            l->capacity = l->capacity ? 2 * l->capacity : 16;
            c->word = tf_realloc_array(c->word, (size_t)l->capacity, sizeof *c->word);
        }
        c->word[c->words++] = l->known ? strdup(text) : NULL;
    }
    tf_buf_clear(&l->word);
    l->in_word = l->dropped = false;
    l->known = true;
}

static void end_command(lexer *l) {
    end_word(l);
    add_command(&l->command);
    for (int i = 0; i < l->command.words; i++)
        free(l->command.word[i]);
    l->command.words = 0;
}

/* A character of a word, or a placeholder. Returns the last character of it. */
static const char *take_character(lexer *l, const char *text) {
    l->in_word = true;
    if (*text == '{' && text[1] != '{') {
        l->known = false;
        const char *end = strchr(text, '}');
        return end ? end : text;
    }
    tf_buf_addc(&l->word, *text);
    return text + ((*text == '{' || *text == '}') && text[1] == *text);
}

static const char *take_quoted(lexer *l, const char *text) {
    const char quote = *text++;
    l->in_word = true;
    for (; *text && *text != quote; text++) {
        if (quote == '"' && *text == '\\' && text[1])
            text++;
        else if (quote == '"' && strchr("$`", *text))
            l->known = false;
        text = take_character(l, text);
    }
    return *text ? text : text - 1;
}

static void add_shell_text(finder *f, const char *folder, const char *text) {
    lexer l = {.command = {.finder = f, .folder = folder}, .known = true};
    for (; *text; text++) {
        if (*text == '#' && !l.in_word)
            text += strcspn(text, "\n") - 1;
        else if (strchr(" \t", *text))
            end_word(&l);
        else if (strchr("\n;|&()", *text))
            end_command(&l);
        else if (strchr("<>", *text)) {
            if (l.in_word && strspn(tf_buf_text(&l.word), "0123456789") == l.word.length)
                l.dropped = true; /* the number of a descriptor */
            end_word(&l);
            l.dropped = true;
            text += strspn(text + 1, "<>&|");
        } else if (strchr("'\"", *text)) {
            text = take_quoted(&l, text);
        } else if (*text == '\\' && text[1]) {
            text++;
            if (*text != '\n')
                text = take_character(&l, text);
        } else {
            if (strchr("$`*?", *text))
                l.known = false;
            text = take_character(&l, text);
        }
    }
    end_command(&l);
    free(l.command.word);
    tf_buf_free(&l.word);
}

/* ---- A stage ---- */

/* A template's text, if it is the same for all tasks; else NULL. */
static char *constant(const tf_template *template) {
    tf_buf text = {0};
    if (!template || !tf_template_is_constant(template) || tf_template_is_list(template))
        return NULL;
    tf_template_expand(template, &(tf_point){0}, &text);
    char *copy = strdup(tf_buf_text(&text));
    tf_buf_free(&text);
    return copy;
}

static void add_argv(finder *f, const char *folder, const tf_run_spec *run) {
    command c = {.finder = f, .folder = folder, .words = run->argc};
    c.word = tf_alloc_array((size_t)run->argc, sizeof *c.word);
    for (int i = 0; i < run->argc; i++)
        c.word[i] = constant(run->argv[i]);
    add_command(&c);
    for (int i = 0; i < run->argc; i++)
        free(c.word[i]);
    free(c.word);
}

static void add_run(finder *f, const tf_run_spec *run) {
    char *cwd = constant(run->cwd);
    tf_buf folder = {0}, text = {0};
    if (cwd && *cwd)
        tf_buf_addf(&folder, "%s/", cwd);
    if (run->kind == TF_RUN_FUNCTION && strcmp(run->library, TF_PROGRAM) == 0)
        add_file(f, "the program", "/proc/self/exe");
    else if (run->kind == TF_RUN_FUNCTION && strcmp(run->library, "builtin") != 0)
        add_file(f, run->library, run->library);
    if (run->kind == TF_RUN_SHELL) {
        tf_template_resolved(run->argv[0], &text);
        add_shell_text(f, tf_buf_text(&folder), tf_buf_text(&text));
    } else if (run->kind == TF_RUN_ARGV || run->kind == TF_RUN_SERVICE) {
        add_argv(f, tf_buf_text(&folder), run);
    }
    free(cwd);
    tf_buf_free(&folder);
    tf_buf_free(&text);
}

void tf_code_files(const tf_stage_spec *stage, const char *known, tf_buf *out) {
    cJSON *before = known ? cJSON_Parse(known) : NULL;
    finder f = {.known = before, .list = cJSON_CreateArray()};
    add_run(&f, &stage->run);
    for (int i = 0; i < stage->codes; i++)
        add_file(&f, stage->code[i], stage->code[i]);
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
        const char *path = text_of(item, "path"), *its = text_of(item, "hash");
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

/* Adds those of `one` that are not so in `other`. */
static void add_changed(const cJSON *one, const cJSON *other, tf_buf *names) {
    const cJSON *item;
    cJSON_ArrayForEach(item, one) {
        const char *path = text_of(item, "path");
        const cJSON *its = find_path(other, path);
        if ((!its || !has_same(item, its, "hash")) && !has_name(names, path))
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
