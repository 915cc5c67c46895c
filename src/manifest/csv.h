/* Reading CSV records: fields are cut out of the text in place. */
#ifndef TF_MANIFEST_CSV_H
#define TF_MANIFEST_CSV_H

#include "base/base.h"

struct loader;

typedef struct csv_reader {
    char *next;
    char *end;   /* a NUL is there */
    int line;    /* of the next character, from 1 */
    bool quoted; /* the last field was */
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

/* What the cells of a column are; all zeros but for `integers` and `numbers`, which are true of no cells. */
typedef struct csv_column {
    int64_t longest;           /* bytes */
    int64_t filled;            /* cells that are not empty */
    int32_t integers, numbers; /* all are, empty ones being numbers; */
    int32_t decimal;           /* some are numbers with a point or an exponent, */
    int32_t huge;              /* integers beyond int64, */
    int32_t quoted;            /* in quotes, */
    int32_t padded;            /* numbers with zeros before them */
} csv_column;

#define CSV_NO_CELLS                                                                                                   \
    { .integers = true, .numbers = true }

void csv_note(csv_column *column, const char *cell, bool quoted);
void csv_merge(csv_column *column, const csv_column *more);

/* The column's type: text where its cells may be identifiers, which are no numbers though they look so. `why` (if it is
 * text for another reason than that some cells are no numbers; else NULL) is for people. */
tf_type csv_decide(const csv_column *column, const char **why);

/* Can all cells be of the type? */
bool csv_fits(const csv_column *column, tf_type type);

#endif
