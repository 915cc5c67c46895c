/* Which words of a command are what users have written: the program, the script that it runs, a module. Commands are
 * read as far as that can be done without running them: a word that is not the same for all tasks is none. */
#include <stdlib.h>
#include <string.h>

#include "manifest/code_parts.h"

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

/* Who asks, and where a command line stands. */
typedef struct asking {
    tf_on_code_word *take;
    void *context;      /* its */
    const char *folder; /* as in tf_code_word; NULL: it is not the same for all tasks */
    bool in_shell;
} asking;

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

static void tell(const asking *a, tf_code_word word) {
    const bool is_sought = word.kind == TF_CODE_PROGRAM && !strchr(word.text, '/'); /* in PATH */
    if (!a->folder && *word.text != '/' && !is_sought)
        return;
    word.folder = a->folder ? a->folder : "";
    word.in_shell = a->in_shell;
    a->take(a->context, &word);
}

static void read_command(void *context, char *const *word, int words);

static void read_shell_text(const asking *a, const char *text) {
    asking inside = *a;
    inside.in_shell = true;
    code_shell_commands(text, read_command, &inside);
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

static void read_interpreted(const asking *a, const interpreter *how, char *const *word, int words) {
    const bool shell = strcmp(how->instead, "c") == 0, python = how == interpreters;
    int i = 1;
    for (char letter; i < words && word[i] && word[i][0] == '-' && word[i][1]; i++) {
        if (strcmp(word[i], "--") == 0) {
            i++;
            break;
        }
        const next_word next = read_option(how, word[i], &letter);
        if (next == NEXT_IS_INSTEAD) {
            const char *instead = i + 1 < words ? word[i + 1] : NULL;
            if (instead && shell)
                read_shell_text(a, instead);
            else if (instead && letter == 'm')
                tell(a, (tf_code_word){.kind = TF_CODE_MODULE, .text = instead, .is_python = true});
            return;
        }
        i += next == NEXT_IS_VALUE;
    }
    if (i < words && word[i])
        tell(a, (tf_code_word){.kind = TF_CODE_SCRIPT, .text = word[i], .is_python = python});
}

static void read_awk(const asking *a, char *const *word, int words) {
    for (int i = 1; i < words && word[i] && word[i][0] == '-'; i++) {
        if (word[i][1] == 'f') {
            const char *file = word[i][2] ? word[i] + 2 : i + 1 < words ? word[++i] : NULL;
            if (file)
                tell(a, (tf_code_word){.kind = TF_CODE_SCRIPT, .text = file});
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
    tell(a, (tf_code_word){.kind = TF_CODE_PROGRAM, .text = word[0], .is_interpreter = how != NULL});
    if (how && strcmp(name + (strlen(name) > 3 ? strlen(name) - 3 : 0), "awk") == 0)
        read_awk(a, word, words);
    else if (how)
        read_interpreted(a, how, word, words);
}

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

static void read_argv(asking *a, const tf_run_spec *run) {
    char **word = tf_alloc_array((size_t)run->argc, sizeof *word);
    for (int i = 0; i < run->argc; i++)
        word[i] = constant(run->argv[i]);
    read_command(a, word, run->argc);
    for (int i = 0; i < run->argc; i++)
        free(word[i]);
    free(word);
}

void tf_code_words(const tf_run_spec *run, tf_on_code_word *take, void *context) {
    char *cwd = constant(run->cwd);
    tf_buf folder = {0}, text = {0};
    if (cwd && *cwd)
        tf_buf_addf(&folder, "%s/", cwd);
    asking a = {.take = take, .context = context, .folder = !run->cwd || cwd ? tf_buf_text(&folder) : NULL};
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
