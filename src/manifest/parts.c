/* Tables that are larger than memory: CSV files whose records are handed out in parts of so many. When the manifest is
 * read the files are gone through once, a piece at a time: what is kept is where each part begins, a hash of it, and
 * what is in the columns. Records are read again by the task that needs them.
 *
 * What is known of a file is put together by tf_csv_scan as bytes, so that it can be recorded:
 *
 *     scan_head, complaint, names (each ended by a NUL), csv_column a column, scan_part a part that begins in the file
 *     and one before for the records that belong to the last part of the file before. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "manifest/axis.h"
#include "manifest/csv.h"

typedef struct scan_head {
    int64_t rows, fields, parts;
    int64_t complaint; /* bytes, without a NUL; 0: the file is sound */
    int64_t names;     /* bytes */
} scan_head;

typedef struct scan_part {
    int64_t offset;
    uint64_t hash; /* of its records in this file */
} scan_part;

struct tf_csv {
    int files, fields;
    const char **path;
    int **place; /* per file and column of it: the field */
    const char **name, **why;
    tf_type *type;
    int64_t *width; /* of a value, bytes */
    int64_t rows, batch, parts;
    int64_t *file_of, *offset_of; /* per part */
    int64_t *hash;
};

/* ---- Records of a file ---- */

enum { MOST_RECORD = 64 << 20 }; /* bytes: what is longer has a quote that is not closed */

typedef struct records {
    int fd;
    char *data;
    size_t start, length, capacity; /* data[start .. length - 1] is not taken yet */
    int64_t offset;                 /* of data[start] in the file */
    int failure;                    /* errno */
    bool ended;                     /* the file */
    char kept;                      /* what stood where a record's NUL is */
    size_t kept_at;
} records;

static bool records_open(records *in, const char *path, int64_t offset) {
    enum { AT_ONCE = 1 << 20 };
    *in = (records){.capacity = AT_ONCE, .offset = offset};
    in->failure = tf_open_regular(path, &in->fd);
    if (!in->failure && lseek(in->fd, (off_t)offset, SEEK_SET) < 0)
        in->failure = errno;
    in->data = tf_alloc(in->capacity + 1);
    return in->failure == 0;
}

static void records_close(records *in) {
    if (in->fd >= 0)
        close(in->fd);
    free(in->data);
}

/* Behind the quote that closes the one before `from`; NULL: it is beyond `end`, or it can't be told yet. */
static const char *find_quote(const char *from, const char *end) {
    while ((from = memchr(from, '"', (size_t)(end - from)))) {
        if (from + 1 == end)
            return NULL;
        if (from[1] != '"')
            return from + 1;
        from += 2;
    }
    return NULL;
}

/* Behind the end of the record that begins at `from`; NULL: it goes on beyond `end`. */
static const char *find_end(const char *from, const char *end) {
    while (from < end) {
        if (*from == '"')
            from = find_quote(from + 1, end);
        while (from && from < end && *from != ',' && *from != '\n')
            from++;
        if (!from || from == end)
            return NULL;
        if (*from++ == '\n')
            return from;
    }
    return NULL;
}

/* More of the file behind what is there. */
static void fill(records *in) {
    memmove(in->data, in->data + in->start, in->length - in->start);
    in->length -= in->start;
    in->start = 0;
    if (in->length == in->capacity) {
        in->capacity *= 2;
        in->data = tf_realloc_array(in->data, in->capacity + 1, 1);
    }
    ssize_t got;
    do
        got = read(in->fd, in->data + in->length, in->capacity - in->length);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        in->failure = errno;
    in->ended = got <= 0;
    in->length += got > 0 ? (size_t)got : 0;
}

/* The next record, with a NUL behind it until the one after it is taken; false at the end, or where the file can't be
 * read. */
static bool next_record(records *in, csv_reader *record) {
    if (in->kept_at) {
        in->data[in->kept_at] = in->kept;
        in->kept_at = 0;
    }
    const char *end = find_end(in->data + in->start, in->data + in->length);
    while (!end && !in->ended && in->length - in->start < MOST_RECORD) {
        fill(in);
        end = find_end(in->data + in->start, in->data + in->length);
    }
    if (in->failure || in->start == in->length)
        return false;
    char *from = in->data + in->start, *to = end ? in->data + (end - in->data) : in->data + in->length;
    in->start = (size_t)(to - in->data);
    in->offset += to - from;
    in->kept = *to;
    in->kept_at = in->start;
    *to = '\0';
    *record = (csv_reader){.next = from, .end = to, .line = 1};
    return true;
}

/* ---- Scanning ---- */

typedef struct scan {
    records in;
    scan_head head;
    csv_column *field;
    scan_part *part;
    tf_buf names, complaint;
} scan;

/* Returns how many fields the record has; -1 if it is broken. */
static int64_t scan_record(scan *s, csv_reader *record) {
    int64_t fields = 0;
    const char *text;
    csv_end end;
    do {
        end = csv_field(record, &text);
        if (end == CSV_BROKEN)
            return -1;
        if (fields < s->head.fields)
            csv_note(&s->field[fields], text, record->quoted);
        fields++;
    } while (end == CSV_COMMA);
    return fields;
}

static bool holds_nul(scan *s, const csv_reader *record) {
    if (!memchr(record->next, 0, (size_t)(record->end - record->next)))
        return false;
    tf_buf_adds(&s->complaint, HOLDS_NUL);
    return true;
}

static bool scan_header(scan *s) {
    static const char mark[] = "\xEF\xBB\xBF"; /* byte order mark */
    csv_reader record;
    const char *text;
    csv_end end;
    bool empty = !next_record(&s->in, &record);
    if (!empty && strncmp(record.next, mark, sizeof mark - 1) == 0)
        record.next += sizeof mark - 1;
    if (empty || record.next == record.end) {
        tf_buf_adds(&s->complaint, "is empty; its first line must name the columns");
        return false;
    }
    if (holds_nul(s, &record))
        return false;
    do {
        end = csv_field(&record, &text);
        tf_buf_add(&s->names, text, strlen(text) + 1);
        s->head.fields++;
    } while (end == CSV_COMMA);
    if (end == CSV_BROKEN)
        tf_buf_adds(&s->complaint, "line 1: " CSV_BROKEN_QUOTE);
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
    for (begin = s->in.offset; next_record(&s->in, &record); begin = s->in.offset) {
        const int64_t lines = count_lines(&record);
        const size_t size = (size_t)(record.end - record.next);
        if (holds_nul(s, &record))
            return;
        if (!csv_is_blank(&record)) {
            if ((before + s->head.rows) % batch == 0)
                begin_part(s, begin);
            scan_part *part = &s->part[s->head.parts - 1];
            part->hash = tf_hash(record.next, size, part->hash);
            int64_t fields = scan_record(s, &record);
            if (fields < 0)
                tf_buf_addf(&s->complaint, "line %lld: " CSV_BROKEN_QUOTE, (long long)line);
            else if (fields != s->head.fields)
                tf_buf_addf(&s->complaint, "line %lld: %lld field%s, expected %lld", (long long)line, (long long)fields,
                            fields == 1 ? "" : "s", (long long)s->head.fields);
            if (s->complaint.length)
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
    s.head.complaint = (int64_t)s.complaint.length;
    s.head.names = (int64_t)s.names.length;
    tf_buf_add(out, &s.head, sizeof s.head);
    tf_buf_add(out, tf_buf_text(&s.complaint), s.complaint.length);
    tf_buf_add(out, tf_buf_text(&s.names), s.names.length);
    if (s.field)
        tf_buf_add(out, s.field, (size_t)s.head.fields * sizeof *s.field);
    if (s.part)
        tf_buf_add(out, s.part, (size_t)s.head.parts * sizeof *s.part);
    records_close(&s.in);
    tf_buf_free(&s.names);
    tf_buf_free(&s.complaint);
    free(s.field);
    free(s.part);
    return failure;
}

/* ---- The axis ---- */

enum { MOST_FIELDS = 4096 };

/* What is known of a file; it owns nothing. */
typedef struct known {
    scan_head head;
    const char *complaint, *names, *fields, *parts;
} known;

static known take_apart(const tf_buf *bytes) {
    known k;
    memcpy(&k.head, bytes->data, sizeof k.head);
    k.complaint = bytes->data + sizeof k.head;
    k.names = k.complaint + k.head.complaint;
    k.fields = k.names + k.head.names;
    k.parts = k.fields + (size_t)k.head.fields * sizeof(csv_column);
    return k;
}

/* The first file says what the columns are called. */
static bool take_names(struct loader *l, const at *where, tf_csv *csv, const char *file, const known *k) {
    if (k->head.fields > MOST_FIELDS) {
        complain(l->diags, where, "%s: has more than %d columns", file, MOST_FIELDS);
        return false;
    }
    csv->fields = (int)k->head.fields;
    csv->name = tf_arena_array(l->arena, (size_t)csv->fields, sizeof *csv->name);
    csv->why = tf_arena_array(l->arena, (size_t)csv->fields, sizeof *csv->why);
    csv->type = tf_arena_array(l->arena, (size_t)csv->fields, sizeof *csv->type);
    csv->width = tf_arena_array(l->arena, (size_t)csv->fields, sizeof *csv->width);
    const char *next = k->names;
    tf_table names = {0};
    bool sound = true;
    for (int f = 0; f < csv->fields && sound; f++, next += strlen(next) + 1) {
        sound = csv_add_name(l, where, file, &names, next);
        csv->name[f] = tf_arena_strdup(l->arena, next);
    }
    tf_table_free(&names);
    return sound;
}

static bool match_names(struct loader *l, const at *where, const tf_csv *csv, const char *file, const known *k,
                        int *place) {
    const char *next = k->names;
    for (int64_t f = 0; f < k->head.fields; f++, next += strlen(next) + 1) {
        place[f] = 0;
        while (place[f] < csv->fields && strcmp(csv->name[place[f]], next) != 0)
            place[f]++;
        if (place[f] == csv->fields || k->head.fields != csv->fields) {
            complain(l->diags, where, "%s: must have the columns of %s", file, csv->path[0]);
            return false;
        }
    }
    return true;
}

static uint64_t mix(uint64_t hash, uint64_t more) {
    return tf_hash(&more, sizeof more, hash);
}

/* The parts that begin in the file, and what of the one before is in it. */
static void take_parts(tf_csv *csv, int file, const known *k) {
    csv->file_of = tf_realloc_array(csv->file_of, (size_t)(csv->parts + k->head.parts), sizeof *csv->file_of);
    csv->offset_of = tf_realloc_array(csv->offset_of, (size_t)(csv->parts + k->head.parts), sizeof *csv->offset_of);
    csv->hash = tf_realloc_array(csv->hash, (size_t)(csv->parts + k->head.parts), sizeof *csv->hash);
    for (int64_t p = 0; p < k->head.parts; p++) {
        scan_part part;
        memcpy(&part, k->parts + (size_t)p * sizeof part, sizeof part);
        if (p == 0 && csv->parts > 0 && part.hash)
            csv->hash[csv->parts - 1] = (int64_t)mix((uint64_t)csv->hash[csv->parts - 1], part.hash);
        if (p == 0)
            continue;
        csv->file_of[csv->parts] = file;
        csv->offset_of[csv->parts] = part.offset;
        csv->hash[csv->parts++] = (int64_t)part.hash;
    }
    csv->rows += k->head.rows;
}

static bool take_file(struct loader *l, const at *where, tf_csv *csv, int file, csv_column *all) {
    tf_buf bytes = {0};
    const char *path = csv->path[file];
    int failure = l->source->scan ? l->source->scan(l->source, path, csv->batch, csv->rows, &bytes) : ENOSYS;
    bool sound = failure == 0;
    if (!sound)
        complain(l->diags, where, failure < 0 ? "%s %s" : "%s: %s", path, tf_read_failure(failure));
    known k = sound ? take_apart(&bytes) : (known){0};
    if (sound && k.head.complaint) {
        complain(l->diags, where, *k.complaint == 'l' ? "%s: %.*s" : "%s %.*s", path, (int)k.head.complaint,
                 k.complaint);
        sound = false;
    }
    sound = sound && (file > 0 || take_names(l, where, csv, path, &k));
    if (sound) {
        csv->place[file] = tf_arena_array(l->arena, (size_t)k.head.fields, sizeof(int));
        sound = match_names(l, where, csv, path, &k, csv->place[file]);
    }
    for (int64_t f = 0; f < k.head.fields && sound; f++) {
        csv_column one;
        memcpy(&one, k.fields + (size_t)f * sizeof one, sizeof one);
        csv_merge(&all[csv->place[file][f]], &one);
    }
    if (sound)
        take_parts(csv, file, &k);
    tf_buf_free(&bytes);
    return sound;
}

/* As in tables that are read as a whole: integer, number or string, by all values. */
static bool choose_types(struct loader *l, const at *where, const axis_json *axis, tf_csv *csv, const csv_column *all) {
    if (!csv_check_types(l, axis, csv->name, csv->fields))
        return false;
    for (int f = 0; f < csv->fields; f++) {
        tf_param_spec spec = {0};
        if (!csv_choose(l, axis, csv->name[f], &all[f], &spec))
            return false;
        csv->type[f] = spec.type;
        csv->why[f] = spec.why;
        csv->width[f] = csv->type[f] != TF_STRING ? 8 : all[f].longest ? all[f].longest : 1;
        if (csv->width[f] > TF_LONGEST_GIVEN) {
            complain(l->diags, where, "%s: texts of column \"%s\" are longer than %d bytes", csv->path[0], csv->name[f],
                     TF_LONGEST_GIVEN);
            return false;
        }
    }
    return true;
}

static tf_csv *load_files_of(struct loader *l, const at *where, const axis_json *axis, const char *const *path,
                             int files, int64_t batch) {
    tf_csv *csv = tf_arena_alloc(l->arena, sizeof *csv);
    *csv = (tf_csv){.files = files, .batch = batch};
    csv->path = tf_arena_array(l->arena, (size_t)files, sizeof *csv->path);
    csv->place = tf_arena_array(l->arena, (size_t)files, sizeof *csv->place);
    csv_column *all = tf_alloc_array(MOST_FIELDS, sizeof *all);
    for (int f = 0; f < MOST_FIELDS; f++)
        all[f] = (csv_column)CSV_NO_CELLS;
    bool sound = true;
    for (int f = 0; f < files && sound; f++) {
        csv->path[f] = tf_arena_strdup(l->arena, path[f]);
        sound = take_file(l, where, csv, f, all);
    }
    if (sound && csv->rows == 0)
        complain(l->diags, where, "%s has a header and no records", path[0]);
    sound = sound && csv->rows > 0 && choose_types(l, where, axis, csv, all);
    free(all);
    return sound ? csv : NULL;
}

/* To the arena, which outlives the campaign. */
static int64_t *keep(struct loader *l, int64_t *list, int64_t count) {
    int64_t *kept = tf_arena_array(l->arena, (size_t)count, sizeof *kept);
    if (count > 0)
        memcpy(kept, list, (size_t)count * sizeof *kept);
    free(list);
    return kept;
}

tf_space *load_csv_parts(struct loader *l, const axis_json *axis, const char *const *path, int64_t files,
                         int64_t batch) {
    tf_csv *csv = load_files_of(l, &axis->where, axis, path, (int)files, batch);
    if (!csv)
        return NULL;
    csv->file_of = keep(l, csv->file_of, csv->parts);
    csv->offset_of = keep(l, csv->offset_of, csv->parts);
    csv->hash = keep(l, csv->hash, csv->parts);
    tf_space *leaf = table_new(l->arena, 3, csv->parts);
    int64_t *start = tf_arena_array(l->arena, (size_t)csv->parts, sizeof *start);
    int64_t *count = tf_arena_array(l->arena, (size_t)csv->parts, sizeof *count);
    for (int64_t p = 0; p < csv->parts; p++) {
        start[p] = p * batch;
        count[p] = csv->rows - start[p] < batch ? csv->rows - start[p] : batch;
    }
    const char *const label[] = {"start", "count", "hash"};
    const int64_t *const table[] = {start, count, csv->hash};
    for (int p = 0; p < 3; p++) {
        leaf->param[p].name = tf_arena_printf(l->arena, "%s_%s", axis->name, label[p]);
        table_set(leaf, p, TF_INT64, table[p]);
    }
    leaf->csv = csv;
    leaf->blocks = tf_arena_alloc(l->arena, sizeof *leaf->blocks);
    *leaf->blocks = (space_blocks){.rank = 1, .shape = {csv->rows}, .chunk = {batch}, .name = axis->name};
    return leaf;
}

int tf_csv_fields(const tf_csv *csv) {
    return csv->fields;
}

tf_param_spec tf_csv_field(const tf_csv *csv, int field) {
    return (tf_param_spec){
        .name = csv->name[field], .type = csv->type[field], .max_bytes = csv->width[field], .why = csv->why[field]};
}

/* ---- Reading ---- */

/* false: the value is not of the field's type, or too long. */
static bool put_value(const tf_csv *csv, int field, const char *text, int64_t row, void *out) {
    double *number = (double *)out + row;
    if (csv->type[field] == TF_INT64)
        return tf_parse_int(text, (int64_t *)out + row);
    if (csv->type[field] == TF_FLOAT64 && *text == '\0')
        *number = NAN;
    if (csv->type[field] == TF_FLOAT64)
        return *text == '\0' || tf_parse_double(text, number);
    size_t length = strlen(text), width = (size_t)csv->width[field];
    if (length > width)
        return false;
    memset((char *)out + (size_t)row * width, 0, width);
    memcpy((char *)out + (size_t)row * width, text, length);
    return true;
}

static bool put_record(const tf_csv *csv, const int *place, csv_reader *record, int64_t row, void *const *out) {
    const char *text;
    csv_end end;
    int fields = 0;
    do {
        end = csv_field(record, &text);
        if (end == CSV_BROKEN || fields == csv->fields)
            return false;
        int field = place[fields++];
        if (out[field] && !put_value(csv, field, text, row, out[field]))
            return false;
    } while (end == CSV_COMMA);
    return fields == csv->fields;
}

/* A part on its way. */
typedef struct reading {
    const tf_csv *csv;
    void *const *out;
    int64_t rows, count; /* so far, of so many */
    uint64_t hash;
} reading;

/* The rows that the part has in a file, from the offset on. Returns 0 or an errno; EILSEQ: these are no such rows. */
static int read_file(reading *r, int64_t file, int64_t offset) {
    const tf_csv *csv = r->csv;
    records in;
    csv_reader record;
    uint64_t hash = 0;
    bool sound = true;
    records_open(&in, csv->path[file], offset);
    if (offset == 0 && in.failure == 0)
        next_record(&in, &record); /* the header */
    while (r->rows < r->count && sound && in.failure == 0 && next_record(&in, &record)) {
        if (csv_is_blank(&record))
            continue;
        hash = tf_hash(record.next, (size_t)(record.end - record.next), hash);
        sound = put_record(csv, csv->place[file], &record, r->rows, r->out);
        r->rows++;
    }
    r->hash = offset > 0 ? hash : hash ? mix(r->hash, hash) : r->hash;
    records_close(&in);
    return in.failure ? in.failure : sound ? 0 : EILSEQ;
}

tf_err tf_csv_read(const tf_csv *csv, int64_t part, void *const *out, tf_error *error) {
    const int64_t left = csv->rows - part * csv->batch;
    reading r = {.csv = csv, .out = out, .count = left < csv->batch ? left : csv->batch};
    int64_t file = csv->file_of[part];
    int failure = read_file(&r, file, csv->offset_of[part]);
    while (failure == 0 && r.rows < r.count && file + 1 < csv->files)
        failure = read_file(&r, ++file, 0);
    if (failure == 0 && r.rows == r.count && r.hash == (uint64_t)csv->hash[part])
        return TF_OK;
    if (failure && failure != EILSEQ)
        return tf_error_set(error, TF_ERR_RUN, "%s: %s", csv->path[file], tf_read_failure(failure));
    return tf_error_set(error, TF_ERR_RUN, "%s%s: has changed since the manifest was read",
                        csv->path[csv->file_of[part]], file > csv->file_of[part] ? ", or a file after it" : "");
}
