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

/* What is known of the cells of a column. Without cells `integers` and `numbers` are 1, and all else is 0. */
typedef struct csv_column {
    int64_t longest;  /* bytes of the longest cell */
    int64_t filled;   /* cells that are not empty */
    int32_t integers; /* all cells are integers, and none is empty */
    int32_t numbers;  /* all cells are numbers, or empty */
    int32_t decimal;  /* some are numbers with a point or an exponent */
    int32_t huge;     /* some are integers beyond int64 */
    int32_t quoted;   /* some are in quotes */
    int32_t padded;   /* some are numbers with zeros before them */
} csv_column;

#define CSV_NO_CELLS                                                                                                   \
    { .integers = true, .numbers = true }

/* Adds a cell to what is known of its column. */
void csv_note(csv_column *column, const char *cell, bool quoted);
void csv_merge(csv_column *column, const csv_column *more);

/* The column's type. It is a string if its cells may be identifiers, which are no numbers though they look so: then
 * `reason` says what tells so. */
tf_type csv_decide(const csv_column *column, tf_type_reason *reason);

/* Can all cells be read as the type? */
bool csv_fits(const csv_column *column, tf_type type);

#endif
