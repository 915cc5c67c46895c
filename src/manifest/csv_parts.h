/* Tables that are larger than memory: CSV files whose records are handed out in parts of so many. When the manifest is
 * read the files are gone through once, a piece at a time: what is kept is where each part begins, a hash of it, and
 * what is in the columns. Records are read again by the task that needs them.
 *
 * What is known of a file is put together by tf_csv_scan as bytes, so that it can be recorded:
 *
 *     scan_head, fault, names (each ended by a NUL), csv_column a column, scan_part a part that begins in the file
 *     and one before for the records that belong to the last part of the file before. */
#ifndef TF_MANIFEST_CSV_PARTS_H
#define TF_MANIFEST_CSV_PARTS_H

#include "manifest/csv.h"
#include "manifest/manifest.h"

typedef struct scan_head {
    int64_t rows, fields, parts;
    int64_t fault; /* bytes, without a NUL; 0: the file is sound */
    int64_t names; /* bytes */
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

/* The hash of a part whose records lie in several files. */
static inline uint64_t csv_mix_hash(uint64_t hash, uint64_t more) {
    return tf_hash(&more, sizeof more, hash);
}

/* ---- Records of a file (csv_records.c) ---- */

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

bool records_open(records *in, const char *path, int64_t offset);
void records_close(records *in);

/* The next record, which the caller takes apart; false at the end, or with `failure`. */
bool records_next(records *in, csv_reader *record);

#endif
