/* Where a command's columns are read from: "from". A source is a row of the table in column_sources.c, which says how
 * it is written, and one of host/column_readers.c, which says how it is read. */
#ifndef TF_MANIFEST_COLUMN_SOURCE_H
#define TF_MANIFEST_COLUMN_SOURCE_H

#include "manifest/load.h"

typedef struct column_source {
    const char *name;  /* "regex" of "regex:x=(.*)" */
    const char *form;  /* how it is written: "regex:EXPRESSION" */
    const char *about; /* what it is, for the schema */

    /* Loads what stands behind the colon. NULL: nothing may stand there. */
    void (*load)(struct loader *l, const json_path *where, const char *text, const known_names *scope,
                 tf_column_spec *column);

    /* Adds what the column's values depend on. NULL: nothing but the source's name. */
    void (*identify)(const tf_column_spec *column, cJSON *list);
} column_source;

/* The table; its end has no name. The first source is that of columns without a "from". */
const column_source *column_sources(void);

/* The source whose name is the first `length` bytes of `name`; NULL: there is none. */
const column_source *column_source_find(const char *name, size_t length);

/* ---- The sources (column_from.c) ---- */

void source_load_regex(struct loader *l, const json_path *where, const char *text, const known_names *scope,
                       tf_column_spec *column);
void source_load_field(struct loader *l, const json_path *where, const char *text, const known_names *scope,
                       tf_column_spec *column);
void source_load_file(struct loader *l, const json_path *where, const char *text, const known_names *scope,
                      tf_column_spec *column);
void source_identify_regex(const tf_column_spec *column, cJSON *list);
void source_identify_field(const tf_column_spec *column, cJSON *list);
void source_identify_file(const tf_column_spec *column, cJSON *list);

#endif
