/* What a Python script imports from beside it: statements that begin with "import" or "from", wherever they stand. What
 * is found under none of the names is a library's, and no matter of the user's code. */
#include <ctype.h>
#include <string.h>

#include "manifest/code_parts.h"

/* Who asks for modules, and where they are searched for. Folders end with a slash, or are "". */
typedef struct module_finder {
    code_on_file *visit;
    void *context;    /* of `visit` */
    const char *root; /* the script's folder, where names are searched for */
    const char *base; /* put before paths that are opened */
} module_finder;

static void add_imports(const module_finder *m, const char *path);

static void add_module_file(const module_finder *m, const char *path) {
    tf_buf where = {0};
    tf_buf_addf(&where, "%s%s", m->base, path);
    if (m->visit(m->context, path, tf_buf_text(&where)))
        add_imports(m, path);
    tf_buf_free(&where);
}

/* Adds the files of "a.b.c" below the folder: a.py or a/__init__.py, then a/b.py ... */
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

/* Reads "import a.b as c, d" from behind the first word. */
static void read_import(const module_finder *m, const char *text) {
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

/* Reads "from .a import b, (c)" from behind the first word. `folder`: that of the file. */
static void read_from(const module_finder *m, const char *folder, const char *text) {
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

/* Reads the imports of a file. Statements begin a line, or stand behind a colon or a semicolon. A string that looks
 * like one may name a file too many. */
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
                read_import(m, at + 6);
            else if (is_word(at, "from"))
                read_from(m, tf_buf_text(&folder), at + 4);
            at += strcspn(at, "\n;:");
        }
    }
    tf_buf_free(&where);
    tf_buf_free(&text);
    tf_buf_free(&folder);
}

void code_imports(const char *script, const char *base, code_on_file *visit, void *context) {
    const char *slash = strrchr(script, '/');
    tf_buf root = {0};
    tf_buf_add(&root, script, slash ? (size_t)(slash + 1 - script) : 0);
    add_imports(&(module_finder){visit, context, tf_buf_text(&root), base}, script);
    tf_buf_free(&root);
}

void code_main_module(const char *name, const char *base, code_on_file *visit, void *context) {
    const module_finder m = {visit, context, "", base};
    tf_buf main = {0};
    add_module(&m, "", name, strlen(name));
    tf_buf_addf(&main, "%s.__main__", name);
    add_module(&m, "", tf_buf_text(&main), main.length);
    tf_buf_free(&main);
}
