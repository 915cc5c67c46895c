/* Numbers by name. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/base.h"

Test(table, holds_what_was_added) {
    tf_table table = {0};
    char text[20];
    for (uint32_t i = 0; i < 5000; i++) {
        int length = snprintf(text, sizeof text, "%u", i);
        cr_expect_eq(tf_table_get(&table, text, (size_t)length), TF_TABLE_NONE);
        cr_expect_eq(tf_table_add(&table, text, (size_t)length, i), i);
        cr_expect_eq(tf_table_add(&table, text, (size_t)length, i + 1), i);
    }
    cr_expect_eq(table.count, 5000);
    cr_expect_eq(tf_table_get(&table, "4999", 4), 4999);
    tf_table_free(&table);
}
