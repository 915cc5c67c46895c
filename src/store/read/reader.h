/* An output as it is open to be read, for those who look further into it. */
#ifndef TF_STORE_READER_H
#define TF_STORE_READER_H

#include "store/entries.h"
#include "store/read/read.h"
#include "store/resume/plan.h"

/* A field, and where its rows are: numbers and cells in `rows`; other blobs in a byte heap with its index, or in side
 * files.
 */
typedef struct reader_field {
    tf_field about;
    table rows, byte_heap;
    int kind; /* kind of its records in side files; -1: they are not there */
    entries side;
} reader_field;

typedef struct reader_stage {
    const contents_stage *contents;
    char *run;
    int fields;
    reader_field *field;
    tf_table named; /* fields, by name */
} reader_stage;

typedef struct mapping {
    const char *bytes;
    size_t size;
} mapping;

struct tf_reader {
    tf_arena *arena;
    old_output old;
    hid_t file;
    uint64_t seed;
    int stages;
    reader_stage *stage;
    int sides;
    mapping *side;  /* side files, which stay mapped */
    bool has_sides; /* the blobs of all side files are sorted into the fields */
};

/* What a reader has opened. */
const old_output *reader_output(const tf_reader *reader);

/* Opens a stage, with all its fields. false: it is damaged. */
bool reader_open_stage(tf_reader *reader, const contents_stage *contents, h5_fault *fault);

/* Sorts the blobs of all side files into their fields, unless that is done. */
void reader_read_sides(tf_reader *reader);

#endif
