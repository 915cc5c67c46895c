/* Which words of a command are what users have written: the program, the script that it runs, a module. Commands are
 * read as far as that can be done without running them: a word that is not the same for all tasks is none. */
#include <stdlib.h>
#include <string.h>

#include "manifest/code_parts.h"

/* How a program is told its script. Options are single letters. */
typedef struct interpreter {
    const char *name;
    const char *valued; /* options with a value: the rest of their word, or else the next word */
    const char *joined; /* options whose value is the rest of their word */
    const char *code;   /* options behind which code stands, instead of a script */
    const char *module; /* options behind which a module's name stands, instead of a script */
    bool is_shell;      /* such code is a shell's */
    bool is_python;
} interpreter;

static const interpreter interpreters[] = {
    {.name = "python", .valued = "WX", .joined = "", .code = "c", .module = "m", .is_python = true},
    {.name = "Rscript", .valued = "", .joined = "", .code = "e", .module = ""},
    {.name = "julia", .valued = "pLtJCH", .joined = "Og", .code = "eE", .module = ""},
    {.name = "perl", .valued = "I", .joined = "MmixlC0DFV", .code = "eE", .module = ""},
    {.name = "ruby", .valued = "ICrE", .joined = "iKx0FW", .code = "e", .module = ""},
    {.name = "sh", .valued = "oO", .joined = "", .code = "c", .module = "", .is_shell = true},
    {.name = "bash", .valued = "oO", .joined = "", .code = "c", .module = "", .is_shell = true},
    {.name = "awk", .valued = "vF", .joined = "", .code = "", .module = ""},
    {.name = "gawk", .valued = "vF", .joined = "", .code = "", .module = ""},
    {.name = "mawk", .valued = "vFW", .joined = "", .code = "", .module = ""},
    {.name = "nawk", .valued = "vF", .joined = "", .code = "", .module = ""},
};

/* Who asks, and where a command line stands. */
typedef struct asking {
    tf_on_code_word *visit;
    void *context;      /* of `visit` */
    const char *folder; /* as in tf_code_word; NULL: it is not the same for all tasks */
    bool in_shell;
} asking;

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_python_name(const char *name) {
    return strncmp(name, "python", 6) == 0 && strspn(name + 6, "0123456789.") == strlen(name + 6);
}

static const interpreter *find_interpreter(const char *program) {
    const char *name = base_name(program);
    for (size_t i = 0; i < sizeof interpreters / sizeof *interpreters; i++)
        if (interpreters[i].is_python ? is_python_name(name) : strcmp(name, interpreters[i].name) == 0)
            return &interpreters[i];
    return NULL;
}

static void report_word(const asking *a, tf_code_word word) {
    const bool is_sought = word.kind == TF_CODE_PROGRAM && !strchr(word.text, '/'); /* in PATH */
    if (!a->folder && *word.text != '/' && !is_sought)
        return;
    word.folder = a->folder ? a->folder : "";
    word.in_shell = a->in_shell;
    a->visit(a->context, &word);
}

static void read_command(void *context, char *const *word, int words);

static void read_shell_text(const asking *a, const char *text) {
    asking inside = *a;
    inside.in_shell = true;
    code_shell_commands(text, read_command, &inside);
}

/* What the word behind an option is. */
typedef enum next_word {
    NEXT_IS_FREE,  /* another option, or the script */
    NEXT_IS_VALUE, /* the option's value */
    NEXT_IS_CODE,  /* code, instead of a script */
    NEXT_IS_MODULE /* a module's name, instead of a script */
} next_word;

static next_word read_option(const interpreter *how, const char *option) {
    if (option[1] == '-')
        return NEXT_IS_FREE;
    for (const char *o = option + 1; *o; o++) {
        if (strchr(how->code, *o))
            return NEXT_IS_CODE;
        if (strchr(how->module, *o))
            return NEXT_IS_MODULE;
        if (strchr(how->joined, *o))
            return NEXT_IS_FREE;
        if (strchr(how->valued, *o))
            return o[1] ? NEXT_IS_FREE : NEXT_IS_VALUE;
    }
    return NEXT_IS_FREE;
}

static void read_interpreted(const asking *a, const interpreter *how, char *const *word, int words) {
    int i = 1;
    for (; i < words && word[i] && word[i][0] == '-' && word[i][1]; i++) {
        if (strcmp(word[i], "--") == 0) {
            i++;
            break;
        }
        const next_word next = read_option(how, word[i]);
        if (next == NEXT_IS_CODE || next == NEXT_IS_MODULE) {
            const char *instead = i + 1 < words ? word[i + 1] : NULL;
            if (instead && next == NEXT_IS_MODULE)
                report_word(a, (tf_code_word){.kind = TF_CODE_MODULE, .text = instead, .is_python = how->is_python});
            else if (instead && how->is_shell)
                read_shell_text(a, instead);
            return;
        }
        i += next == NEXT_IS_VALUE;
    }
    if (i < words && word[i])
        report_word(a, (tf_code_word){.kind = TF_CODE_SCRIPT, .text = word[i], .is_python = how->is_python});
}

static void read_awk(const asking *a, char *const *word, int words) {
    for (int i = 1; i < words && word[i] && word[i][0] == '-'; i++) {
        if (word[i][1] == 'f') {
            const char *file = word[i][2] ? word[i] + 2 : i + 1 < words ? word[++i] : NULL;
            if (file)
                report_word(a, (tf_code_word){.kind = TF_CODE_SCRIPT, .text = file});
        } else if (strchr("vF", word[i][1]) && word[i][1] && !word[i][2]) {
            i++;
        }
    }
}

static void read_command(void *context, char *const *word, int words) {
    const asking *a = context;
    if (words == 0 || !word[0])
        return;
    const interpreter *how = find_interpreter(word[0]);
    const char *name = base_name(word[0]);
    report_word(a, (tf_code_word){.kind = TF_CODE_PROGRAM, .text = word[0], .is_interpreter = how != NULL});
    if (how && strcmp(name + (strlen(name) > 3 ? strlen(name) - 3 : 0), "awk") == 0)
        read_awk(a, word, words);
    else if (how)
        read_interpreted(a, how, word, words);
}

/* A template's text if it is the same for all tasks; else NULL. */
static char *constant(const tf_template *template) {
    tf_buf text = {0};
    if (!template || !tf_template_is_constant(template) || tf_template_is_list(template))
        return NULL;
    tf_template_expand(template, &(tf_point){0}, &text);
    char *copy = strdup(tf_buf_text(&text));
    tf_buf_free(&text);
    return copy;
}

static void read_argv(asking *a, const tf_run_spec *run) {
    char **word = tf_alloc_array((size_t)run->argc, sizeof *word);
    for (int i = 0; i < run->argc; i++)
        word[i] = constant(run->argv[i]);
    read_command(a, word, run->argc);
    for (int i = 0; i < run->argc; i++)
        free(word[i]);
    free(word);
}

void tf_code_words(const tf_run_spec *run, tf_on_code_word *visit, void *context) {
    char *cwd = constant(run->cwd);
    tf_buf folder = {0}, text = {0};
    if (cwd && *cwd)
        tf_buf_addf(&folder, "%s/", cwd);
    asking a = {.visit = visit, .context = context, .folder = !run->cwd || cwd ? tf_buf_text(&folder) : NULL};
    if (run->is_shell) {
        tf_template_resolved(run->argv[0], &text);
        read_shell_text(&a, tf_buf_text(&text));
    } else if (run->argc > 0) {
        read_argv(&a, run);
    }
    free(cwd);
    tf_buf_free(&folder);
    tf_buf_free(&text);
}
