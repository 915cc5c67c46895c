/* Records against qsort, in memory and by way of a file. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorter.h"

enum { RECORDS = 20000 };

/* What has come back so far. */
typedef struct seen {
    int count;
    int number[RECORDS];
} seen;

static tf_err note(void *context, const char *bytes, size_t size, tf_error *error) {
    seen *s = context;
    (void)error;
    cr_assert_geq(size, sizeof(int));
    memcpy(&s->number[s->count++], bytes, sizeof(int));
    return TF_OK;
}

static int key_of(int number) {
    return number * 7919 % 997;
}

static int compare(const void *a, const void *b) {
    const int x = *(const int *)a, y = *(const int *)b, order = key_of(x) - key_of(y);
    return order ? order : x - y;
}

/* Keys of several lengths, records of very different sizes. */
static void check(size_t memory) {
    tf_sorter *s = tf_sorter_new(memory, "/tmp");
    tf_buf key = {0}, record = {0};
    tf_error error;
    static seen back;
    static int expected[RECORDS];
    back.count = 0;
    for (int n = 0; n < RECORDS; n++) {
        tf_buf_clear(&key);
        tf_buf_clear(&record);
        tf_buf_addf(&key, "%03d%s", key_of(n), key_of(n) % 2 ? "odd" : "");
        tf_buf_add(&record, &n, sizeof n);
        for (int i = 0; i < (n % 5000 == 1 ? 100000 : n % 30); i++)
            tf_buf_addc(&record, 'x');
        cr_assert_eq(tf_sorter_add(s, &key, &record, &error), TF_OK);
        expected[n] = n;
    }
    cr_assert_eq(tf_sorter_each(s, note, &back, &error), TF_OK);
    qsort(expected, RECORDS, sizeof *expected, compare);
    cr_assert_eq(back.count, RECORDS);
    cr_assert_arr_eq(back.number, expected, sizeof expected);
    tf_sorter_free(s);
    tf_buf_free(&key);
    tf_buf_free(&record);
}

Test(sorter, keeps_the_order_of_equal_keys) {
    check(100 << 20);
}

Test(sorter, merges_runs_from_a_file) {
    check(300000);
    check(20000); /* less than the longest record */
}

Test(sorter, gives_back_nothing_of_nothing) {
    tf_sorter *s = tf_sorter_new(1, "/tmp");
    tf_error error;
    cr_assert_eq(tf_sorter_each(s, note, NULL, &error), TF_OK);
    tf_sorter_free(s);
}

Test(sorter, says_where_there_is_no_room) {
    tf_sorter *s = tf_sorter_new(1, "/nowhere");
    tf_buf text = {0};
    tf_error error;
    tf_buf_adds(&text, "a");
    cr_assert_eq(tf_sorter_add(s, &text, &text, &error), TF_OK);
    cr_assert_eq(tf_sorter_add(s, &text, &text, &error), TF_ERR_RUN);
    cr_assert_str_eq(error.text, "can't sort in /nowhere: No such file or directory; set TMPDIR to a folder with room "
                                 "for the whole table");
    tf_sorter_free(s);
    tf_buf_free(&text);
}

static tf_err refuse(void *context, const char *bytes, size_t size, tf_error *error) {
    (void)context, (void)bytes, (void)size;
    return tf_error_set(error, TF_ERR_RUN, "no more");
}

Test(sorter, stops_where_a_record_is_refused) {
    for (size_t memory = 1; memory < 1 << 20; memory += 1 << 19) {
        tf_sorter *s = tf_sorter_new(memory, "/tmp");
        tf_buf text = {0};
        tf_error error;
        tf_buf_adds(&text, "a");
        for (int i = 0; i < 3; i++)
            cr_assert_eq(tf_sorter_add(s, &text, &text, &error), TF_OK);
        cr_assert_eq(tf_sorter_each(s, refuse, NULL, &error), TF_ERR_RUN);
        tf_sorter_free(s);
        tf_buf_free(&text);
    }
}
