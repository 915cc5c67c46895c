/* Reading CSV records: fields are cut out of the text in place. */
#ifndef TF_MANIFEST_CSV_H
#define TF_MANIFEST_CSV_H

#include "manifest/space.h"

struct loader;

typedef struct csv_reader {
    char *next;
    char *end;   /* the end of the text, where a NUL is */
    int line;    /* of the next character, from 1 */
    bool quoted; /* the last field was in quotes */
} csv_reader;

typedef enum csv_end { CSV_COMMA, CSV_NEWLINE, CSV_END, CSV_BROKEN } csv_end;

#define CSV_BROKEN_QUOTE "a quote is not closed, or has text behind it"

/* Is the line that comes next empty? */
static inline bool csv_is_blank(const csv_reader *reader) {
    const char *c = reader->next;
    return c < reader->end && (*c == '\n' || (*c == '\r' && (c + 1 == reader->end || c[1] == '\n')));
}

/* Reads one field. Its text is unquoted and ended by a NUL in place of what followed it. */
csv_end csv_field(csv_reader *reader, const char **field);

/* A cell that keeps a column from being of a type. */
typedef struct csv_odd_cell {
    int64_t line; /* where it stands in its file; 0: there is none */
    int32_t file; /* number of the file */
    int32_t is_cut;
    char text[40]; /* its beginning */
} csv_odd_cell;

/* What is known of the cells of a column. Without cells `integers` and `numbers` are 1, and all else is 0. */
typedef struct csv_column {
    int64_t longest;                    /* bytes of the longest cell */
    int64_t filled;                     /* cells that are not empty */
    int64_t filled_numbers;             /* of these, numbers */
    int32_t integers;                   /* all cells are integers, and none is empty */
    int32_t numbers;                    /* all cells are numbers, or empty */
    int32_t decimal;                    /* some are numbers with a point or an exponent */
    int32_t huge;                       /* some are integers beyond int64 */
    int32_t quoted;                     /* some are in quotes */
    int32_t padded;                     /* some are numbers with zeros before them */
    csv_odd_cell no_number, no_integer; /* the first one that is none */
} csv_column;

#define CSV_NO_CELLS                                                                                                   \
    { .integers = true, .numbers = true }

/* Adds a cell to what is known of its column. */
void csv_note(csv_column *column, const char *cell, bool quoted, int64_t line);

/* Adds what is known of the column in a further file, or in the first one. */
void csv_merge(csv_column *column, const csv_column *more, int file);

/* Does the number begin with zeros? */
bool csv_is_padded(const char *cell);

/* Adds, to stand behind a file's path, that a record has another number of fields than the header, whose first field is
 * `first`. */
void csv_describe_fields(tf_buf *out, int64_t line, int64_t fields, int64_t expected, const char *first);

#endif
