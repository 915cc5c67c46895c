/* Reading CSV records: fields are cut out of the text in place. */
#ifndef TF_MANIFEST_CSV_H
#define TF_MANIFEST_CSV_H

#include <stdbool.h>

typedef struct csv_reader {
    char *next;
    char *end; /* a NUL is there */
    int line;  /* of the next character, from 1 */
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

#endif
