/* Text with {placeholders}. Variables and other constants are put in when the manifest is read; what is left for each
 * task is its parameters, index, seed and scratch folder. In shell templates every value is quoted. */
#ifndef TF_MANIFEST_TEMPLATE_PARTS_H
#define TF_MANIFEST_TEMPLATE_PARTS_H

#include "manifest/load.h"

typedef enum part_kind {
    PART_TEXT,
    PART_PARAM,
    PART_INDEX,
    PART_SEED,
    PART_SCRATCH,
    PART_INPUTS,
    PART_OUTPUTS
} part_kind;

/* The widest that a format may ask for, so that no placeholder can fill the memory. */
#define WIDEST 1000

/* How a value is printed: the printf conversion, 0 for its natural form. */
typedef struct format {
    char flags[24]; /* "%-08.3" */
    char conversion;
    bool raw;
} format;

typedef struct part {
    part_kind kind;
    const char *text; /* PART_TEXT; else what stands between the braces */
    size_t length;
    int param;
    const tf_space *texts; /* of the parameter: where its own text is; NULL: the value is printed */
    const char *name;      /* of some of the files; NULL: all */
    tf_type type;
    format format;
} part;

struct tf_template {
    const char *source;
    bool shell;
    int parts;
    part *part;
};

/* Adds a value as the placeholder wants it. */
typedef struct value {
    tf_type type;
    union {
        bool boolean;
        int64_t integer;
        uint64_t seed;
        double number;
        const char *string;
    };
} value;

void template_add_value(tf_buf *out, const value *v, const format *f, bool shell);

#endif
