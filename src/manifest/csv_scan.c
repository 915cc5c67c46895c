/* Reads a file through once, to find where its parts begin and what is in its columns. */
#include "manifest/csv_parts.h"
#include "manifest/load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct scan {
    records in;
    scan_head head;
    csv_column *field;
    scan_part *part;
    tf_buf names; /* each ended by a NUL */
    tf_buf fault; /* what is wrong, to stand behind the file's path; empty: nothing */
} scan;

/* Returns how many fields the record has; -1 if it is broken. */
static int64_t scan_record(scan *s, csv_reader *record, int64_t line) {
    int64_t fields = 0;
    const char *text;
    csv_end end;
    do {
        end = csv_field(record, &text);
        if (end == CSV_BROKEN)
            return -1;
        if (fields < s->head.fields)
            csv_note(&s->field[fields], text, record->quoted, line);
        fields++;
    } while (end == CSV_COMMA);
    return fields;
}

/* Is the record, which begins in this line, text? */
static bool is_text(scan *s, const csv_reader *record, int64_t line) {
    const size_t length = (size_t)(record->end - record->next);
    int64_t further;
    const char *fault = encoding_fault(record->next, length, &further);
    if (fault)
        tf_buf_addf(&s->fault, ": line %lld: %s", (long long)(line + further - 1), fault);
    else if (memchr(record->next, 0, length))
        tf_buf_adds(&s->fault, ": " HOLDS_NUL);
    return s->fault.length == 0;
}

static bool scan_header(scan *s) {
    static const char mark[] = "\xEF\xBB\xBF"; /* byte order mark */
    csv_reader record;
    const char *text;
    csv_end end;
    bool empty = !records_next(&s->in, &record);
    if (!empty && strncmp(record.next, mark, sizeof mark - 1) == 0)
        record.next += sizeof mark - 1;
    if (empty || record.next == record.end) {
        tf_buf_adds(&s->fault, " is empty; its first line must name the columns");
        return false;
    }
    if (!is_text(s, &record, 1))
        return false;
    do {
        end = csv_field(&record, &text);
        tf_buf_add(&s->names, text, strlen(text) + 1);
        s->head.fields++;
    } while (end == CSV_COMMA);
    if (end == CSV_BROKEN)
        tf_buf_adds(&s->fault, ": line 1: " CSV_BROKEN_QUOTE);
    s->field = tf_alloc_array((size_t)s->head.fields, sizeof *s->field);
    for (int64_t f = 0; f < s->head.fields; f++)
        s->field[f] = (csv_column)CSV_NO_CELLS;
    return end != CSV_BROKEN;
}

static void begin_part(scan *s, int64_t offset) {
    s->part = tf_realloc_array(s->part, (size_t)s->head.parts + 1, sizeof *s->part);
    s->part[s->head.parts++] = (scan_part){.offset = offset};
}

static int64_t count_lines(const csv_reader *record) {
    int64_t lines = 0;
    for (const char *c = record->next; c < record->end; c++)
        lines += *c == '\n';
    return lines;
}

static void scan_records(scan *s, int64_t batch, int64_t before) {
    csv_reader record;
    int64_t line = 2, begin;
    begin_part(s, s->in.offset);
    for (begin = s->in.offset; records_next(&s->in, &record); begin = s->in.offset) {
        const int64_t lines = count_lines(&record);
        const size_t size = (size_t)(record.end - record.next);
        if (!is_text(s, &record, line))
            return;
        if (!csv_is_blank(&record)) {
            if ((before + s->head.rows) % batch == 0)
                begin_part(s, begin);
            scan_part *part = &s->part[s->head.parts - 1];
            part->hash = tf_hash(record.next, size, part->hash);
            int64_t fields = scan_record(s, &record, line);
            if (fields < 0)
                tf_buf_addf(&s->fault, ": line %lld: " CSV_BROKEN_QUOTE, (long long)line);
            else if (fields != s->head.fields)
                csv_describe_fields(&s->fault, line, fields, s->head.fields, tf_buf_text(&s->names));
            if (s->fault.length)
                return;
            s->head.rows++;
        }
        line += lines;
    }
}

int tf_csv_scan(const char *path, int64_t batch, int64_t before, tf_buf *out) {
    scan s = {0};
    if (records_open(&s.in, path, 0) && scan_header(&s))
        scan_records(&s, batch, before);
    int failure = s.in.failure;
    s.head.fault = (int64_t)s.fault.length;
    s.head.names = (int64_t)s.names.length;
    tf_buf_add(out, &s.head, sizeof s.head);
    tf_buf_add(out, tf_buf_text(&s.fault), s.fault.length);
    tf_buf_add(out, tf_buf_text(&s.names), s.names.length);
    if (s.field)
        tf_buf_add(out, s.field, (size_t)s.head.fields * sizeof *s.field);
    if (s.part)
        tf_buf_add(out, s.part, (size_t)s.head.parts * sizeof *s.part);
    records_close(&s.in);
    tf_buf_free(&s.names);
    tf_buf_free(&s.fault);
    free(s.field);
    free(s.part);
    return failure;
}
