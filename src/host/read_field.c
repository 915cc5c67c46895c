/* A column from a field of the last line of stdout. */
#include "host/column_reader.h"

bool read_field(const cell *c, answer *a) {
    static const char between[] = " \t\r";
    char text[SHORT];
    if (!answer_find_line(c, a))
        return false;
    const char *end = a->line + a->length, *field = a->line + span_of(a->line, end, between);
    for (int n = 1; field < end && n < c->spec->field; n++) {
        field += span_to(field, end, between);
        field += span_of(field, end, between);
    }
    if (field < end)
        return cell_store_text(c, field, span_to(field, end, between), "the last line of stdout");
    if (!c->spec->optional)
        host_fail(c->host, "column \"%s\": no field %d in the last line of stdout: \"%s\"", c->spec->name,
                  c->spec->field, shorten(a->line, a->length, text));
    return c->spec->optional;
}
