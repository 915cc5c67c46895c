/* Which function a run means: "FILE.py:FUNCTION", "MODULE:FUNCTION", or "FILE.pickle:NAME" as the package writes it. */
#include "manifest/python_target.h"

#include <ctype.h>
#include <string.h>

static bool ends_in(const char *text, size_t length, const char *end) {
    const size_t size = strlen(end);
    return length > size && strncmp(text + length - size, end, size) == 0;
}

/* Is it a name of Python, or names with points between? Letters may be any of Unicode's. */
static bool is_dotted_name(const char *text, size_t length) {
    bool begins = true;
    for (size_t i = 0; i < length; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c == '.' ? begins : !(isalpha(c) || c == '_' || c >= 0x80 || (isdigit(c) && !begins)))
            return false;
        begins = c == '.';
    }
    return length > 0 && !begins;
}

bool python_is_name(const char *text) {
    return !strchr(text, '.') && is_dotted_name(text, strlen(text));
}

bool python_is_dotted_name(const char *text) {
    return is_dotted_name(text, strlen(text));
}

/* The file's name without folder and ending. */
static const char *stem_of(tf_arena *arena, const char *file) {
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    return tf_arena_strndup(arena, base, strlen(base) - strlen(".py"));
}

/* Reports a text that names no function, with the nearest that does. */
static void diagnose_form(struct loader *l, const json_path *where, const char *text) {
    const size_t length = strlen(text);
    if (ends_in(text, length, ".py")) {
        const char *stem = stem_of(l->arena, text);
        diagnose(l->diags, where, TF_DIAG_BAD_VALUE,
                 "names no function: write \"%s:FUNCTION\", as in \"%s:%s\"; a script that is to run as a whole is a "
                 "\"command\": [\"python3\", \"%s\"]",
                 text, text, python_is_name(stem) ? stem : "measure", text);
        return;
    }
    diagnose(l->diags, where, TF_DIAG_BAD_VALUE,
             "must be FILE.py:FUNCTION or MODULE:FUNCTION, as in \"measure.py:measure\", not \"%s\"", text);
}

/* Sets file and module from what stands before the colon. false after a diagnostic. */
static bool load_place(struct loader *l, const json_path *where, const char *place, tf_python_target *target) {
    const size_t length = strlen(place);
    target->file = target->module = "";
    target->is_pickle = ends_in(place, length, ".pickle");
    if (target->is_pickle || (ends_in(place, length, ".py") && place[length - 4] != '/')) {
        target->file = place;
        target->module = target->is_pickle ? "" : stem_of(l->arena, place);
        return true;
    }
    if (ends_in(place, length, ".ipynb")) {
        diagnose(l->diags, where, TF_DIAG_BAD_VALUE,
                 "%s is a notebook, which can't be imported: move the function to a .py file, or run it in the "
                 "notebook, by taskfarm.map",
                 place);
        return false;
    }
    target->module = place;
    if (is_dotted_name(place, length))
        return true;
    diagnose(l->diags, where, TF_DIAG_BAD_VALUE,
             "\"%s\" is neither a file of Python, whose name ends in .py, nor the name of a module", place);
    return false;
}

static bool check_function(struct loader *l, const json_path *where, const char *name) {
    const size_t length = strlen(name), called = strcspn(name, "(");
    if (is_dotted_name(name, length))
        return true;
    if (name[called] && is_dotted_name(name, called))
        diagnose(l->diags, where, TF_DIAG_BAD_VALUE,
                 "must name the function \"%.*s\" and not call it: leave out \"%s\"", (int)called, name, name + called);
    else
        diagnose(l->diags, where, TF_DIAG_BAD_NAME, "\"%s\" can't be the name of a Python function", name);
    return false;
}

bool python_load_target(struct loader *l, const json_path *where, const char *written, const tf_python_target *beside,
                        tf_python_target *target) {
    const char *text = constant_text(l, where, written), *colon = strrchr(text, ':');
    const char *function = colon ? colon + 1 : beside ? text : "";
    *target = (tf_python_target){.file = "", .module = "", .function = function};
    if (!*function || colon == text) {
        diagnose_form(l, where,
                      colon && colon > text ? tf_arena_strndup(l->arena, text, (size_t)(colon - text)) : text);
        return false;
    }
    if (!check_function(l, where, function))
        return false;
    if (!colon) {
        *target = *beside;
        target->function = function;
    } else if (!load_place(l, where, tf_arena_strndup(l->arena, text, (size_t)(colon - text)), target)) {
        return false;
    }
    target->text = text;
    return true;
}
