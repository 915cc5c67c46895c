/* Templates, parsed when the manifest is read. */
#include "manifest/shell.h"
#include "manifest/template_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The template under construction: literal text gathers in `text` until a part of another kind ends it. */
typedef struct builder {
    struct loader *loader;
    const json_path *where;
    const known_names *scope;
    bool shell;
    tf_buf script; /* of a shell template: the text so far, with SHELL_VALUE for each value */
    tf_buf text;
    part *part;
    int parts;
} builder;

static void end_text(builder *b) {
    if (b->text.length == 0)
        return;
    b->part[b->parts++] = (part){.kind = PART_TEXT,
                                 .text = tf_arena_strndup(b->loader->arena, tf_buf_text(&b->text), b->text.length),
                                 .length = b->text.length};
    tf_buf_clear(&b->text);
}

/* Parses "04d", ".3f" or "raw". The conversion must suit the type. false after a diagnostic. */
static bool parse_format(builder *b, const char *name, const char *text, tf_type type, const tf_param_spec *param,
                         format *f) {
    *f = (format){.flags = "%"};
    if (!text)
        return true;
    if (strcmp(text, "raw") == 0) {
        f->raw = true;
        return true;
    }
    size_t length = strlen(text);
    size_t flags = strspn(text, "-+ 0#");
    size_t size = flags + strspn(text + flags, "0123456789");
    long width = strtol(text + flags, NULL, 10), precision = 0;
    if (text[size] == '.') {
        precision = strtol(text + size + 1, NULL, 10);
        size += 1 + strspn(text + size + 1, "0123456789");
    }
    if (size + 1 != length || !strchr("diouxXeEfFgGs", text[size]) || size > 12) {
        diagnose(b->loader->diags, b->where, TF_DIAG_BAD_PLACEHOLDER,
                 "{%s:%s}: \"%s\" is not a format; say {%s:04d}, {%s:.3f} or the like", name, text, text, name, name);
        return false;
    }
    if (width > WIDEST || precision > WIDEST) {
        diagnose(b->loader->diags, b->where, TF_DIAG_BAD_PLACEHOLDER, "{%s:%s}: widths and precisions go up to %d",
                 name, text, WIDEST);
        return false;
    }
    f->conversion = text[size];
    memcpy(f->flags + 1, text, size);
    f->flags[size + 1] = '\0';
    bool integer = type == TF_INT64 || type == TF_UINT64 || type == TF_BOOL;
    bool number = type == TF_INT64 || type == TF_FLOAT64;
    bool fits = f->conversion == 's' ? type == TF_STRING : strchr("diouxX", f->conversion) != NULL ? integer : number;
    if (!fits)
        diagnose(b->loader->diags, b->where, TF_DIAG_UNSUITABLE_TYPE,
                 "{%s:%s}: %s is %s and can't be printed with '%c'%s", name, text, name,
                 type == TF_STRING    ? "a string"
                 : type == TF_FLOAT64 ? "a number"
                 : type == TF_BOOL    ? "true or false"
                                      : "an integer",
                 f->conversion, advise_types(b->loader, param));
    return fits;
}

/* What a name stands for. */
typedef struct meaning {
    part_kind kind; /* PART_TEXT: a constant */
    int param;
    const char *name; /* of files: the entry's name */
    value constant;
    tf_type type;
    const tf_param_spec *spec; /* of a parameter; NULL: it is none */
} meaning;

/* Is the name `kind` itself ("inputs"), or one of that kind ("inputs.NAME")? */
static bool is_about(const char *name, const char *kind) {
    size_t length = strlen(kind);
    return strncmp(name, kind, length) == 0 && (!name[length] || name[length] == '.');
}

static bool find_files(const tf_file_spec *spec, int specs, const char *name, const char *kind, meaning *m) {
    size_t length = strlen(kind);
    if (!is_about(name, kind))
        return false;
    m->type = TF_STRING;
    if (!name[length])
        return specs > 0;
    for (int i = 0; i < specs && !m->name; i++)
        if (tf_file_has_name(&spec[i], name + length + 1))
            m->name = spec[i].name;
    return m->name != NULL;
}

static bool find_meaning(const builder *b, const char *name, meaning *m) {
    const known_names *s = b->scope;
    *m = (meaning){0};
    if (s->space && (m->param = tf_space_find(s->space, name)) >= 0) {
        m->kind = PART_PARAM;
        m->spec = tf_space_param(s->space, m->param);
        m->type = m->spec->type;
        return true;
    }
    for (int i = 0; i < b->loader->variables; i++) {
        const variable *v = &b->loader->variable[i];
        if (strcmp(v->name, name) == 0) {
            m->type = v->type;
            m->constant = (value){.type = v->type};
            if (v->type == TF_STRING)
                m->constant.string = v->text;
            else if (v->type == TF_FLOAT64)
                m->constant.number = v->number;
            else if (v->type == TF_INT64)
                m->constant.integer = v->integer;
            else
                m->constant.boolean = v->number != 0;
            return true;
        }
    }
    const char *built_in = strcmp(name, "workdir") == 0 ? b->loader->workdir
                           : strcmp(name, "stage") == 0 ? s->stage
                                                        : NULL;
    if (built_in) {
        m->type = TF_STRING;
        m->constant = (value){.type = TF_STRING, .string = built_in};
        return true;
    }
    if (s->stage && strcmp(name, "index") == 0) {
        m->kind = PART_INDEX;
        m->type = TF_INT64;
        return true;
    }
    if (s->stage && strcmp(name, "seed") == 0) {
        m->kind = PART_SEED;
        m->type = TF_UINT64;
        return true;
    }
    if (s->files && strcmp(name, "scratch") == 0) {
        m->kind = PART_SCRATCH;
        m->type = TF_STRING;
        return true;
    }
    if (s->files && find_files(s->files->input, s->files->inputs, name, "inputs", m)) {
        m->kind = PART_INPUTS;
        return true;
    }
    if (s->files && find_files(s->files->output, s->files->outputs, name, "outputs", m)) {
        m->kind = PART_OUTPUTS;
        return true;
    }
    return false;
}

/* Lists the placeholders that are known here. Returns how many they are. */
static size_t known_placeholders(const builder *b, const char ***names) {
    static const char *const built_in[] = {"workdir", "stage", "index", "seed", "scratch"};
    const known_names *s = b->scope;
    int params = s->space ? tf_space_params(s->space) : 0, variables = b->loader->variables;
    int inputs = s->files ? s->files->inputs : 0, outputs = s->files ? s->files->outputs : 0;
    *names = tf_alloc_array((size_t)(params + variables + inputs + outputs) + 7, sizeof **names);
    size_t count = 0;
    for (int p = 0; p < params; p++)
        (*names)[count++] = tf_space_param(s->space, p)->name;
    for (int v = 0; v < variables; v++)
        (*names)[count++] = b->loader->variable[v].name;
    for (int i = 0; i < (!s->stage ? 1 : s->files ? 5 : 4); i++)
        (*names)[count++] = built_in[i];
    for (int i = 0; i < inputs; i++)
        if (s->files->input[i].name)
            (*names)[count++] = tf_arena_printf(b->loader->arena, "inputs.%s", s->files->input[i].name);
    for (int i = 0; i < outputs; i++)
        if (s->files->output[i].name)
            (*names)[count++] = tf_arena_printf(b->loader->arena, "outputs.%s", s->files->output[i].name);
    if (inputs)
        (*names)[count++] = "inputs";
    if (outputs)
        (*names)[count++] = "outputs";
    return count;
}

/* Reports a placeholder of "inputs" or "outputs" if the stage has no such entries. false: it is something else. */
static bool diagnose_no_files(const builder *b, const char *name, const char *kind, int entries) {
    if (entries > 0 || !is_about(name, kind))
        return false;
    diagnose(b->loader->diags, b->where, TF_DIAG_UNKNOWN_PLACEHOLDER, "{%s}: the stage has no \"%s\"", name, kind);
    return true;
}

/* Nothing is like it: names the parameters, if they are few. */
static void diagnose_unlike(const builder *b, const char *name) {
    enum { LISTED = 12 };
    const int params = b->scope->space ? tf_space_params(b->scope->space) : 0;
    tf_buf text = {0};
    for (int p = 0; p < params && params <= LISTED; p++)
        tf_buf_addf(&text, "%s{%s}",
                    p == 0           ? "there is "
                    : p + 1 < params ? ", "
                                     : " and ",
                    tf_space_param(b->scope->space, p)->name);
    tf_buf_adds(&text, text.length ? "; a literal brace is written {{" : "write {{ for a literal brace");
    diagnose(b->loader->diags, b->where, TF_DIAG_UNKNOWN_PLACEHOLDER, "unknown placeholder {%s}; %s", name,
             tf_buf_text(&text));
    tf_buf_free(&text);
}

static void diagnose_unknown(const builder *b, const char *name) {
    tf_diags *diags = b->loader->diags;
    const known_names *s = b->scope;
    if (s->files && (diagnose_no_files(b, name, "inputs", s->files->inputs) ||
                     diagnose_no_files(b, name, "outputs", s->files->outputs)))
        return;
    if (s->stage && !s->space)
        return;
    const char **names;
    size_t count = known_placeholders(b, &names);
    const char *near = tf_suggest(name, names, count);
    if (near)
        diagnose(diags, b->where, TF_DIAG_UNKNOWN_PLACEHOLDER, "unknown placeholder {%s}; did you mean {%s}?", name,
                 near);
    else if (!s->stage)
        diagnose(diags, b->where, TF_DIAG_UNKNOWN_PLACEHOLDER,
                 "unknown placeholder {%s}; only variables are known here", name);
    else if (!s->files && (is_about(name, "inputs") || is_about(name, "outputs") || strcmp(name, "scratch") == 0))
        diagnose(diags, b->where, TF_DIAG_UNKNOWN_PLACEHOLDER, "{%s} can't stand here", name);
    else
        diagnose_unlike(b, name);
    free(names);
}

static const struct {
    const char *where, *advice;
} places[SHELL_PLACES] = {
    [SHELL_BACKQUOTES] = {"inside backquotes", "write $(...) for them"},
    [SHELL_BRACES] = {"inside ${...}", "set a variable before, as in v={x}"},
    [SHELL_ARITHMETIC] = {"inside $((...))", "give it as a number"},
    [SHELL_COMMENT] = {"in a comment", "remove it"},
    [SHELL_DOCUMENT] = {"in a here-document", "set a variable before, as in v={x}, and write $v; or use \"stdin\""},
    [SHELL_DELIMITER] = {"where a here-document's end is named", "write a name"},
    [SHELL_ESCAPED] = {"behind a backslash", "remove the backslash"},
    [SHELL_DOLLAR] = {"behind a $", "remove the $; ${{v}} is the shell's own variable v"},
    [SHELL_UNSURE] = {"behind what shells read differently ($'...', ((...)), case inside $(...))",
                      "set a variable at the start, as in v={x}"},
};

/* Checks that the shell takes the quotes around a value for quotes where the placeholder stands. A number needs none:
 * if they would be text there, it is put in without. false after a diagnostic. */
static bool check_place(const builder *b, const char *name, tf_type type, format *f) {
    const shell_place place = shell_place_after(tf_buf_text(&b->script), b->script.length);
    if (f->raw || place == SHELL_PLAIN)
        return true;
    if (place == SHELL_QUOTES) {
        diagnose(b->loader->diags, b->where, TF_DIAG_UNSAFE_PLACEHOLDER,
                 "{%s} stands inside quotes, but values are quoted for the shell already: remove the quotes, or write "
                 "{%s:raw}",
                 name, name);
        return false;
    }
    f->raw = type != TF_STRING && place != SHELL_DELIMITER && place != SHELL_ESCAPED && place != SHELL_DOLLAR;
    if (!f->raw)
        diagnose(b->loader->diags, b->where, TF_DIAG_UNSAFE_PLACEHOLDER,
                 "{%s} stands %s, where it can't be quoted for the shell: %s, or write {%s:raw}", name,
                 places[place].where, places[place].advice, name);
    return f->raw;
}

/* Adds a placeholder. `inside` is what stands between the braces. */
static void add_placeholder(builder *b, const char *inside, size_t length) {
    const char *whole = tf_arena_strndup(b->loader->arena, inside, length);
    char *name = tf_arena_strdup(b->loader->arena, whole);
    char *spec = strchr(name, ':');
    if (spec)
        *spec++ = '\0';
    meaning m;
    format f;
    if (!find_meaning(b, name, &m)) {
        diagnose_unknown(b, name);
        return;
    }
    if (!parse_format(b, name, spec, m.type, m.spec, &f))
        return;
    if (f.raw && !b->shell) {
        diagnose(b->loader->diags, b->where, TF_DIAG_BAD_PLACEHOLDER,
                 "{%s:raw}: nothing is quoted here; :raw is for shell commands", name);
        return;
    }
    if (b->shell && !check_place(b, name, m.type, &f))
        return;
    if (m.kind == PART_TEXT) {
        const size_t before = b->text.length;
        template_add_value(&b->text, &m.constant, &f, b->shell);
        if (f.raw)
            tf_buf_adds(&b->script, b->text.data + before);
        else
            tf_buf_addc(&b->script, SHELL_VALUE);
        return;
    }
    tf_buf_addc(&b->script, SHELL_VALUE);
    end_text(b);
    const bool own = m.kind == PART_PARAM && !f.conversion && tf_space_param(b->scope->space, m.param)->has_texts;
    b->part[b->parts++] = (part){.kind = m.kind,
                                 .text = whole,
                                 .length = length,
                                 .param = m.param,
                                 .texts = own ? b->scope->space : NULL,
                                 .name = m.name,
                                 .type = m.type,
                                 .format = f};
}

static void add_literal(builder *b, char c) {
    tf_buf_addc(&b->text, c);
    tf_buf_addc(&b->script, c);
}

const tf_template *template_parse(struct loader *loader, const json_path *where, const char *text,
                                  const known_names *scope, bool shell) {
    size_t braces = 0;
    for (const char *c = text; *c; c++)
        braces += *c == '{';
    builder b = {.loader = loader, .where = where, .scope = scope, .shell = shell};
    b.part = tf_arena_array(loader->arena, 2 * braces + 1, sizeof *b.part);
    for (const char *c = text; *c;) {
        if ((*c == '{' || *c == '}') && c[1] == *c) {
            add_literal(&b, *c);
            c += 2;
        } else if (*c == '{') {
            const char *close = strpbrk(c + 1, "{}");
            if (!close || *close != '}') {
                diagnose(loader->diags, where, TF_DIAG_BAD_PLACEHOLDER,
                         "\"{\" without \"}\"; write {{ for a literal brace");
                break;
            }
            add_placeholder(&b, c + 1, (size_t)(close - c - 1));
            c = close + 1;
        } else if (*c == '}') {
            diagnose(loader->diags, where, TF_DIAG_BAD_PLACEHOLDER,
                     "\"}\" without \"{\"; write }} for a literal brace");
            break;
        } else {
            add_literal(&b, *c++);
        }
    }
    end_text(&b);
    tf_buf_free(&b.text);
    tf_buf_free(&b.script);
    tf_template *template = tf_arena_alloc(loader->arena, sizeof *template);
    *template =
        (tf_template){.source = tf_arena_strdup(loader->arena, text), .shell = shell, .parts = b.parts, .part = b.part};
    return template;
}

const char *constant_text(struct loader *loader, const json_path *where, const char *text) {
    const known_names none = {0};
    const tf_template *template = template_parse(loader, where, text, &none, false);
    return template->parts ? template->part[0].text : "";
}
