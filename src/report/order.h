/* The order in which a table's rows are to be: by which columns. */
#ifndef TF_REPORT_ORDER_H
#define TF_REPORT_ORDER_H

#include "report/view.h"

typedef struct row_order row_order;

/* `list`: names of columns with commas between, each with a - before it if its largest value is to be the first. The
 * view must outlive the order. NULL on failure. */
row_order *order_new(view *v, const char *list, tf_error *error);
void order_free(row_order *o);

/* About how many bytes its columns take in a row. */
int64_t order_width(const row_order *o);

/* Reads what the keys of tasks first .. first + count - 1 are made of. */
tf_err order_read(row_order *o, int64_t first, int64_t count, tf_error *error);

/* Replaces what is in `key` by the key of one of these tasks, by its place among them: keys have, as bytes, the order
 * of the rows. */
void order_add_key(const row_order *o, int64_t row, tf_buf *key);

#endif
