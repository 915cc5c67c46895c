/* A reduction as a table of text. */
#ifndef TF_REPORT_REDUCTION_TABLE_H
#define TF_REPORT_REDUCTION_TABLE_H

#include "report/view.h"

/* Prints the numbers of each group in one line, of arrays the first ones. */
tf_err reduction_print_brief(FILE *out, const tf_recalled *from, int table, tf_error *error);

/* Prints all of it: what is one number a group in one table, and each array in a table of its own, an element a line.
 */
tf_err reduction_print(FILE *out, const tf_recalled *from, int table, tf_error *error);

#endif
