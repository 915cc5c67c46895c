/* Tables that are larger than memory: CSV files whose records are handed out in parts of so many. When the manifest is
 * read, each file is read once, a piece at a time. What stays in memory is where each part begins, a hash of it, and
 * what is known of the columns. Records are read again by the task that needs them.
 *
 * tf_csv_scan puts what is known of a file together as bytes, so that it can be recorded:
 *
 *     scan_head, fault, names (each ended by a NUL), a csv_column a column, and a scan_part a part that begins in the
 *     file, with one before them for the records that belong to the last part of the file before. */
#ifndef TF_MANIFEST_CSV_PARTS_H
#define TF_MANIFEST_CSV_PARTS_H

#include "manifest/csv.h"
#include "manifest/manifest.h"

typedef struct scan_head {
    int64_t rows, fields, parts;
    int64_t fault; /* bytes of what is wrong, without a NUL, to stand behind the path; 0: the file is sound */
    int64_t names; /* bytes of the names */
} scan_head;

typedef struct scan_part {
    int64_t offset;
    uint64_t hash; /* of its records in this file */
} scan_part;

struct tf_csv {
    int files, fields;
    const char **path;      /* per file */
    int **place;            /* per file, per column of that file: the field of the table */
    const char **name;      /* per field */
    tf_type_reason *reason; /* per field: see tf_param_spec */
    const char **cell;      /* per field: likewise */
    tf_type *type;          /* per field */
    int64_t *width;         /* per field: bytes of a value */
    int64_t rows;           /* of the whole table */
    int64_t batch;          /* rows of a part; the last part may have fewer */
    int64_t parts;          /* how many parts there are */
    int64_t *file_of;       /* per part: the file that it begins in */
    int64_t *offset_of;     /* per part: where it begins in that file, in bytes */
    int64_t *hash;          /* per part: of its records */
};

/* The hash of a part whose records lie in several files. */
static inline uint64_t csv_mix_hash(uint64_t hash, uint64_t more) {
    return tf_hash(&more, sizeof more, hash);
}

/* ---- Records of a file (csv_records.c) ---- */

enum { MOST_RECORD = 64 << 20 }; /* bytes: what is longer has a quote that is not closed */

typedef struct records {
    int fd;
    char *data;
    size_t start, length, capacity; /* data[start .. length - 1] is still to be read */
    int64_t offset;                 /* where data[start] is in the file */
    int failure;                    /* errno of a read that failed; 0: none has */
    bool ended;                     /* all of the file has been read */
    char saved;                     /* the character that a NUL behind the last record has replaced */
    size_t saved_at;                /* where in `data` that is; 0: nothing is replaced */
} records;

bool records_open(records *in, const char *path, int64_t offset);
void records_close(records *in);

/* Reads the next record, which the caller cuts into fields. false at the end, or after a `failure`. The record is valid
 * until the next call. */
bool records_next(records *in, csv_reader *record);

#endif
