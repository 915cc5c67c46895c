/* The commands of a text for the shell, word by word: enough of its grammar to see what is run, and not a word more
 * than is certain. What quotes make of placeholders is another matter (shell.c). */
#include <stdlib.h>
#include <string.h>

#include "manifest/code_parts.h"

typedef struct lexer {
    code_on_command *visit;
    void *context; /* of `visit` */
    char **done;   /* words of the command so far */
    int words, capacity;
    tf_buf word;  /* the word under way */
    bool in_word; /* a word is under way */
    bool known;   /* the word is the same for all tasks, and the shell makes nothing else of it */
    bool dropped; /* the word is part of a redirection */
} lexer;

static void end_word(lexer *l) {
    if (!l->in_word)
        return;
    const char *text = tf_buf_text(&l->word), *equals = strchr(text, '=');
    static const char *const before[] = {"if", "then", "else", "elif", "while", "until",
                                         "do", "time", "exec", "!",    "{"};
    bool passed = l->dropped;
    if (l->words == 0 && l->known) {
        passed = passed || (equals && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
                                          (size_t)(equals - text));
        for (size_t i = 0; i < sizeof before / sizeof *before; i++)
            passed = passed || strcmp(text, before[i]) == 0;
    } else if (l->words == 0 && equals) {
        passed = true;
    }
    if (!passed) {
        if (l->words == l->capacity) {
            l->capacity = l->capacity ? 2 * l->capacity : 16;
            l->done = tf_realloc_array(l->done, (size_t)l->capacity, sizeof *l->done);
        }
        l->done[l->words++] = l->known ? strdup(text) : NULL;
    }
    tf_buf_clear(&l->word);
    l->in_word = l->dropped = false;
    l->known = true;
}

static void end_command(lexer *l) {
    end_word(l);
    if (l->words > 0)
        l->visit(l->context, l->done, l->words);
    for (int i = 0; i < l->words; i++)
        free(l->done[i]);
    l->words = 0;
}

/* Adds a character to the word, or passes a placeholder. Returns its last character. */
static const char *add_character(lexer *l, const char *text) {
    l->in_word = true;
    if (*text == '{' && text[1] != '{') {
        l->known = false;
        const char *end = strchr(text, '}');
        return end ? end : text;
    }
    tf_buf_addc(&l->word, *text);
    return text + ((*text == '{' || *text == '}') && text[1] == *text);
}

/* Adds a quoted part of a word. Returns its last character. */
static const char *add_quoted(lexer *l, const char *text) {
    const char quote = *text++;
    l->in_word = true;
    for (; *text && *text != quote; text++) {
        if (quote == '"' && *text == '\\' && text[1])
            text++;
        else if (quote == '"' && strchr("$`", *text))
            l->known = false;
        text = add_character(l, text);
    }
    return *text ? text : text - 1;
}

void code_shell_commands(const char *text, code_on_command *visit, void *context) {
    lexer l = {.visit = visit, .context = context, .known = true};
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
            text = add_quoted(&l, text);
        } else if (*text == '\\' && text[1]) {
            text++;
            if (*text != '\n')
                text = add_character(&l, text);
        } else {
            if (strchr("$`*?", *text))
                l.known = false;
            text = add_character(&l, text);
        }
    }
    end_command(&l);
    free(l.done);
    tf_buf_free(&l.word);
}
