/* Where in a shell's text one is: what decides whether a value that is put there can be quoted. */
#ifndef TF_MANIFEST_SHELL_H
#define TF_MANIFEST_SHELL_H

#include <stddef.h>

typedef enum shell_place {
    SHELL_PLAIN,  /* a word, or a part of one: quotes count here */
    SHELL_QUOTES, /* '...' or "..." */
    SHELL_BACKQUOTES,
    SHELL_BRACES,     /* ${...} */
    SHELL_ARITHMETIC, /* $((...)) */
    SHELL_COMMENT,
    SHELL_DOCUMENT,  /* a here-document */
    SHELL_DELIMITER, /* the word behind << */
    SHELL_ESCAPED,   /* behind a backslash */
    SHELL_DOLLAR,    /* behind a $ that is no variable yet */
    SHELL_UNSURE,    /* as plain, but shells differ in how they read what was before */
    SHELL_PLACES
} shell_place;

/* What stands for a value in the text: a part of a word. */
#define SHELL_VALUE '\1'

/* Where one is at the end of a text, as sh reads it (POSIX.1-2017, Shell & Utilities, 2.2 to 2.7). */
shell_place shell_place_after(const char *text, size_t length);

#endif
