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

/* A table: a stage, or one of its reductions. */
typedef struct reader_stage {
    const contents_stage *contents;
    int64_t rows;
    char *run;            /* of a stage; NULL: it has none */
    const char *name;     /* of a reduction: "STAGE.REDUCTION" */
    const char *settings; /* of a reduction, as JSON */
    int reductions;       /* of a stage */
    int reduction;        /* the table of the first of them; the others follow */
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
    int stages, tables;
    reader_stage *stage; /* the stages, and behind them all reductions */
    int sides;
    mapping *side;  /* side files, which stay mapped */
    bool has_sides; /* the blobs of all side files are sorted into the fields */
};

/* What a reader has opened. */
const old_output *reader_output(const tf_reader *reader);

/* Adds a table that has no fields yet, and room for `most` of them. */
reader_stage *reader_add_table(tf_reader *reader, const contents_stage *contents, int64_t rows, int most);

/* Opens a stage, with all its fields. false: it is damaged. */
bool reader_open_stage(tf_reader *reader, const contents_stage *contents, h5_fault *fault);

/* Opens the reductions of a stage that is open. false: they are damaged. */
bool reader_open_reductions(tf_reader *reader, int stage, h5_fault *fault);

/* ---- Fields on their way (fields.c) ---- */

reader_field *reader_new_field(tf_reader *reader, reader_stage *table, tf_field_kind kind, const char *name,
                               tf_type type);

/* Opens a field's numbers, "FOLDER/NAME" of a group; where there is no dataset, rows.dataset stays 0. Its cells: they
 * must be there for the table's rows, if they are. false: it is something else. */
bool reader_open_rows(reader_field *field, hid_t group, const char *folder, h5_fault *fault);
bool reader_open_cells(reader_field *field, hid_t group, const char *folder, int64_t rows, h5_fault *fault);

/* Have the numbers this type in the file, and as many rows? */
bool reader_check_rows(reader_field *field, hid_t type, int64_t rows, h5_fault *fault);

/* Sorts the blobs of all side files into their fields, unless that is done. */
void reader_read_sides(tf_reader *reader);

#endif
