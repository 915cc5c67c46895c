/* A shell's text, read as far as knowing what quotes mean at its end. Where dash, bash and ksh read something
 * differently (arithmetic with quotes in it, case within $(...), $'...'), it says that it does not know, rather than
 * believe one of them. */
#include "manifest/shell.h"

#include <stdbool.h>
#include <string.h>

enum { DEEPEST = 32, MOST_DOCUMENTS = 8, LONGEST_DELIMITER = 64 };

/* What is open: the whole text, $(...), "...", ... */
typedef struct frame {
    shell_place place;
    char closes;     /* of quotes: the character that closes them */
    int parentheses; /* how many are open in it */
} frame;

typedef struct document {
    char delimiter[LONGEST_DELIMITER];
    bool quoted; /* its delimiter is quoted */
    bool tabs;   /* it begins with <<-: tabs before its lines do not count */
} document;

typedef struct lexer {
    const char *start, *at, *end;
    frame open[DEEPEST];
    int depth; /* open[depth] is the innermost frame */
    document document[MOST_DOCUMENTS];
    int documents;     /* here-documents that begin at the next line */
    bool starts;       /* a word starts here, which may be a comment */
    bool unsure;       /* shells differ in how they read the text so far */
    shell_place ended; /* what the text ended in the middle of; SHELL_PLAIN: of what is open */
} lexer;

static bool is_at(const lexer *l, const char *text) {
    const size_t length = strlen(text);
    return (size_t)(l->end - l->at) >= length && memcmp(l->at, text, length) == 0;
}

/* Opens a frame behind `taken` characters. If a here-document is still to begin when $(...) begins or ends, it may be
 * in it or behind it, so that we are unsure. false: frames are too deep. */
static bool open_frame(lexer *l, shell_place place, size_t taken) {
    l->at += taken;
    l->starts = true;
    l->unsure = l->unsure || l->depth + 1 == DEEPEST || (l->documents > 0 && place != SHELL_QUOTES);
    if (l->depth + 1 == DEEPEST)
        return false;
    l->open[++l->depth] = (frame){.place = place};
    return true;
}

static void close_frame(lexer *l) {
    l->unsure = l->unsure || (l->documents > 0 && l->open[l->depth].place != SHELL_QUOTES);
    l->depth--;
    l->starts = false;
    l->at++;
}

/* ---- Here-documents ---- */

/* Reads the word behind <<, without its quotes. */
static void read_delimiter(lexer *l) {
    document d = {.tabs = is_at(l, "<<-")};
    size_t length = 0;
    char quote = 0;
    l->at += d.tabs ? 3 : 2;
    l->starts = false;
    if (l->documents == MOST_DOCUMENTS) {
        l->unsure = true;
        return;
    }
    while (l->at < l->end && strchr(" \t", *l->at))
        l->at++;
    for (; l->at < l->end && (quote || !strchr(" \t\n;&|<>()", *l->at)); l->at++) {
        const char c = *l->at;
        if ((c == '\'' || c == '"') && (!quote || quote == c)) {
            quote = quote ? 0 : c;
            d.quoted = true;
        } else if (c == '\\' && quote != '\'' && l->at + 1 < l->end) {
            d.quoted = true;
            d.delimiter[length++] = *++l->at;
        } else {
            d.delimiter[length++] = c;
            l->unsure = l->unsure || strchr("$`\1", c);
        }
        if (length + 1 == LONGEST_DELIMITER) {
            l->unsure = true;
            return;
        }
    }
    if (l->at == l->end)
        l->ended = SHELL_DELIMITER;
    else
        l->document[l->documents++] = d;
}

static bool is_balanced(const char *line, size_t length) {
    int parentheses = 0, braces = 0, backquotes = 0;
    for (size_t i = 0; i < length; i++) {
        parentheses += line[i] == '(' ? 1 : line[i] == ')' ? -1 : 0;
        braces += line[i] == '{' ? 1 : line[i] == '}' ? -1 : 0;
        backquotes += line[i] == '`';
    }
    return parentheses == 0 && braces == 0 && backquotes % 2 == 0;
}

static void read_document(lexer *l, const document *d) {
    while (l->at < l->end) {
        const char *newline = memchr(l->at, '\n', (size_t)(l->end - l->at)), *line = l->at;
        if (!newline)
            break;
        l->at = newline + 1;
        while (d->tabs && *line == '\t')
            line++;
        const size_t length = (size_t)(newline - line);
        if (length == strlen(d->delimiter) && memcmp(line, d->delimiter, length) == 0)
            return;
        /* Does a line that goes on, or is a part of $(...), end the document? */
        if (!d->quoted && ((length && line[length - 1] == '\\') || !is_balanced(line, length)))
            l->unsure = true;
    }
    l->at = l->end;
    l->ended = SHELL_DOCUMENT;
}

static void end_line(lexer *l) {
    l->at++;
    l->starts = true;
    for (int d = 0; d < l->documents && l->ended == SHELL_PLAIN; d++)
        read_document(l, &l->document[d]);
    l->documents = 0;
}

/* ---- What stands outside of quotes, and in them ---- */

static void read_dollar(lexer *l) {
    const shell_place place = l->open[l->depth].place;
    l->starts = false;
    if (l->at + 1 == l->end) {
        l->at++;
        l->ended = SHELL_DOLLAR;
    } else if (is_at(l, "$((")) {
        if (open_frame(l, SHELL_ARITHMETIC, 3))
            l->open[l->depth].parentheses = 2;
    } else if (is_at(l, "$(")) {
        open_frame(l, SHELL_PLAIN, 2);
    } else if (is_at(l, "${")) {
        open_frame(l, SHELL_BRACES, 2);
    } else if (is_at(l, "$[") || is_at(l, "$\\\n") || (is_at(l, "$'") && place == SHELL_PLAIN)) {
        l->unsure = true;
        l->at++;
    } else {
        l->at += strchr("$?!#*@-0123456789", l->at[1]) ? 2 : 1;
    }
}

/* A line that goes on in the middle of $(...), <<X or case is one word to a shell, and two to us. */
static void read_backslash(lexer *l) {
    const bool joins = is_at(l, "\\\n");
    l->unsure = l->unsure || (joins && l->at > l->start && strchr(l->depth > 0 ? "$<(cas" : "$<(", l->at[-1]));
    if (l->at + 1 == l->end)
        l->ended = SHELL_ESCAPED;
    l->at += l->at + 1 < l->end ? 2 : 1;
    l->starts = l->starts && joins;
}

static void open_quote(lexer *l) {
    const char quote = *l->at;
    if (open_frame(l, quote == '`' ? SHELL_BACKQUOTES : SHELL_QUOTES, 1))
        l->open[l->depth].closes = quote;
}

static void read_comment(lexer *l) {
    while (l->at < l->end && *l->at != '\n')
        l->at++;
    if (l->at == l->end)
        l->ended = SHELL_COMMENT;
}

/* A parenthesis behind a pattern of case closes nothing. */
static bool is_case(const lexer *l) {
    return l->depth > 0 && l->starts && is_at(l, "case");
}

static void read_plain(lexer *l) {
    frame *f = &l->open[l->depth];
    switch (*l->at) {
    case '\\': read_backslash(l); return;
    case '\'':
    case '"':
    case '`': open_quote(l); return;
    case '$': read_dollar(l); return;
    case '\n': end_line(l); return;
    case '(':
        l->unsure = l->unsure || is_at(l, "((");
        f->parentheses++;
        break;
    case ')':
        if (f->parentheses == 0 && l->depth > 0) {
            close_frame(l);
            return;
        }
        f->parentheses -= f->parentheses > 0;
        break;
    case '<':
        if (is_at(l, "<<<")) {
            l->at += 2;
        } else if (is_at(l, "<<")) {
            read_delimiter(l);
            return;
        }
        break;
    case '#':
        if (l->starts) {
            read_comment(l);
            return;
        }
        break;
    default: l->unsure = l->unsure || is_case(l);
    }
    l->starts = strchr(" \t;&|<>()", *l->at) != NULL;
    l->at++;
}

static void read_quotes(lexer *l) {
    const char quote = l->open[l->depth].closes;
    if (*l->at == quote)
        close_frame(l);
    else if (quote != '\'' && *l->at == '\\' && l->at + 1 < l->end)
        l->at += 2;
    else if (quote == '"' && *l->at == '`')
        open_quote(l);
    else if (quote == '"' && *l->at == '$' && l->at + 1 < l->end)
        read_dollar(l);
    else
        l->at++;
}

static void read_braces(lexer *l) {
    if (*l->at == '}') {
        close_frame(l);
    } else if (*l->at == '\\') {
        read_backslash(l);
    } else if (*l->at == '$') {
        read_dollar(l);
    } else if (strchr("'\"`", *l->at) && l->open[l->depth - 1].place == SHELL_PLAIN) {
        open_quote(l);
    } else {
        l->unsure = l->unsure || strchr("'\"`", *l->at);
        l->at++;
    }
}

static void read_arithmetic(lexer *l) {
    frame *f = &l->open[l->depth];
    if (*l->at == '$') {
        read_dollar(l);
        return;
    }
    f->parentheses += *l->at == '(' ? 1 : *l->at == ')' ? -1 : 0;
    l->unsure = l->unsure || strchr("'\"`\\", *l->at);
    if (f->parentheses == 0)
        close_frame(l);
    else
        l->at++;
}

shell_place shell_place_after(const char *text, size_t length) {
    lexer l = {.start = text, .at = text, .end = text + length, .starts = true, .ended = SHELL_PLAIN};
    while (l.at < l.end) {
        switch (l.open[l.depth].place) {
        case SHELL_PLAIN: read_plain(&l); break;
        case SHELL_BRACES: read_braces(&l); break;
        case SHELL_ARITHMETIC: read_arithmetic(&l); break;
        default: read_quotes(&l);
        }
    }
    const shell_place open_place = l.open[l.depth].place;
    return l.ended != SHELL_PLAIN      ? l.ended
           : open_place != SHELL_PLAIN ? open_place
           : l.unsure                  ? SHELL_UNSURE
                                       : SHELL_PLAIN;
}
