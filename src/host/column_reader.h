/* How a command's columns are read from its answer, which is what it wrote to stdout and into files. A source of
 * columns is a file, and a row of the table in column_readers.c. */
#ifndef TF_HOST_COLUMN_READER_H
#define TF_HOST_COLUMN_READER_H

#include "host/host.h"
#include "manifest/json_read.h"

/* Where a value goes: a row's cell of a column. */
typedef struct cell {
    host *host;
    int64_t row;
    int column;
    const tf_column_spec *spec;
} cell;

static inline cell cell_of(host *h, int64_t row, int column) {
    return (cell){.host = h, .row = row, .column = column, .spec = &h->spec->column[column]};
}

/* What a command has answered. Each part is found when it is first needed. */
typedef struct answer {
    const char *scratch;
    bool is_read;     /* `is_cut`, `first` and `last` are known */
    bool is_cut;      /* stdout was long, and its middle was dropped */
    tf_buf first;     /* all of stdout; if it was cut, the lines at its beginning */
    tf_buf last;      /* if stdout was cut, the lines at its end; else empty */
    const char *line; /* the last line, without white space behind it */
    size_t length;    /* of `line` */
    bool is_parsed;   /* `json` and `error` are known */
    cJSON *json;      /* the last line as JSON; NULL: it is no JSON, and `error` says why */
    json_error error;
} answer;

typedef struct column_reader {
    const char *source; /* tf_column_spec.from */

    /* Stores the column's value: false after host_fail. */
    bool (*read)(const cell *c, answer *a);
} column_reader;

/* The table; its end has no source. */
const column_reader *column_readers(void);

/* ---- The sources, each in its file ---- */

bool read_json(const cell *c, answer *a);
bool read_regex(const cell *c, answer *a);
bool read_field(const cell *c, answer *a);
bool read_file(const cell *c, answer *a);

/* ---- What was written to stdout (command_output.c) ---- */

void answer_read(const host *h, answer *a);

/* Finds the last line, which must be whole. false after host_fail. */
bool answer_find_line(const cell *c, answer *a);

/* ---- Values (cell.c): false after host_fail, which says that they were found in `where` ---- */

/* The member of the object that has the column's name. */
bool cell_store_member(const cell *c, const cJSON *object, const char *where);

/* A text, or numbers as text: several are separated by white space or commas. */
bool cell_store_text(const cell *c, const char *text, size_t size, const char *where);

/* ---- Texts ---- */

/* The first line of a text for a message, cut off if it is long. */
enum { SHORT = 60 };
const char *shorten(const char *text, size_t length, char out[SHORT]);

/* How many of the next characters are in the set; and how many come before the next one that is. */
size_t span_of(const char *from, const char *end, const char *set);
size_t span_to(const char *from, const char *end, const char *set);

#endif
