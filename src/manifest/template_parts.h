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

/* How a value is printed. */
typedef struct format {
    char flags[24];  /* "%-08.3" */
    char conversion; /* of printf; 0: the value's natural form */
    bool raw;        /* not quoted in shell templates */
} format;

typedef struct part {
    part_kind kind;
    const char *text; /* PART_TEXT: the text; else what stands between the braces */
    size_t length;
    int param;             /* PART_PARAM */
    const tf_space *texts; /* PART_PARAM: has the texts of its numbers; NULL: the value is printed */
    const char *name;      /* PART_INPUTS, PART_OUTPUTS: name of the entry; NULL: all files */
    tf_type type;
    format format;
} part;

struct tf_template {
    const char *source;
    bool shell;
    int parts;
    part *part;
};

/* The value that a placeholder stands for. */
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

/* Adds a value in a placeholder's format. */
void template_add_value(tf_buf *out, const value *v, const format *f, bool shell);

#endif
