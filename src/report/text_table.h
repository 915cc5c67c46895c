/* Text in columns, each as wide as its widest cell, for people. */
#ifndef TF_REPORT_TEXT_TABLE_H
#define TF_REPORT_TEXT_TABLE_H

#include <stdio.h>

#include "base/base.h"

/* Rows of cells, the header first. All zeros is ready for text_table_begin. */
typedef struct text_table {
    int columns;
    int keys;      /* how many columns come first in each part of a table that is too wide for one */
    bool *is_text; /* per column: cells begin at the left; else they end at the right */
    size_t *width; /* per column, in characters */
    tf_buf bytes;  /* of all cells, each ended by a NUL */
    size_t *cell;  /* where each begins */
    size_t cells;
} text_table;

void text_table_begin(text_table *table, int columns, int keys);
void text_table_free(text_table *table);

/* Adds the next cell, in its visible form. */
void text_table_add(text_table *table, const char *text, size_t length);

/* Prints all rows, indented by so many spaces. */
void text_table_print(FILE *out, const text_table *table, int indent);

/* Drops all rows but the header. */
void text_table_clear(text_table *table);

/* Rows behind the header. */
size_t text_table_rows(const text_table *table);

#endif
