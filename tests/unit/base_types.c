/* Values into typed cells, and the framed records of blobs. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/base.h"

Test(types, have_names_that_parse) {
    for (int t = TF_BOOL; t <= TF_BYTES; t++) {
        tf_type back;
        cr_expect(tf_type_parse(tf_type_name((tf_type)t), &back) && back == (tf_type)t);
    }
    tf_type none;
    cr_expect(!tf_type_parse("double", &none));
}

Test(types, store_what_fits_and_refuse_the_rest) {
    static const struct {
        tf_type type;
        int64_t least;
        uint64_t most;
    } ranges[] = {{TF_BOOL, 0, 1},
                  {TF_INT8, INT8_MIN, INT8_MAX},
                  {TF_INT16, INT16_MIN, INT16_MAX},
                  {TF_INT32, INT32_MIN, INT32_MAX},
                  {TF_INT64, INT64_MIN, INT64_MAX},
                  {TF_UINT8, 0, UINT8_MAX},
                  {TF_UINT16, 0, UINT16_MAX},
                  {TF_UINT32, 0, UINT32_MAX},
                  {TF_UINT64, 0, UINT64_MAX}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        tf_type type = ranges[i].type;
        unsigned char cell[16];
        memset(cell, 0xA5, sizeof cell);
        cr_expect(tf_store_int(type, ranges[i].least, cell));
        cr_expect(tf_store_uint(type, ranges[i].most, cell));
        cr_expect_eq(cell[tf_type_size(type)], 0xA5, "%s writes beyond its cell", tf_type_name(type));
        cr_expect(!tf_store_double(type, 0.5, cell), "%s takes 0.5", tf_type_name(type));
        cr_expect(!tf_store_double(type, NAN, cell), "%s takes NaN", tf_type_name(type));
        cr_expect(!tf_store_double(type, 1e30, cell), "%s takes 1e30", tf_type_name(type));
        if (ranges[i].least > INT64_MIN)
            cr_expect(!tf_store_int(type, ranges[i].least - 1, cell), "%s takes less", tf_type_name(type));
        if (ranges[i].most < UINT64_MAX)
            cr_expect(!tf_store_uint(type, ranges[i].most + 1, cell), "%s takes more", tf_type_name(type));
    }
    int16_t small = 0;
    cr_expect(tf_store_double(TF_INT16, -300, &small) && small == -300);
    uint64_t large = 0;
    cr_expect(tf_store_double(TF_UINT64, 0x1p63, &large) && large == UINT64_C(1) << 63);
    double number = 0;
    cr_expect(tf_store_uint(TF_FLOAT64, 3, &number) && number == 3);
    cr_expect(!tf_store_int(TF_STRING, 3, &number));
}

Test(types, have_values_for_absence) {
    float f[2] = {1, 1};
    int32_t i[2] = {1, 1};
    tf_store_absent(TF_FLOAT32, 2, f);
    tf_store_absent(TF_INT32, 2, i);
    cr_expect(isnan(f[0]) && isnan(f[1]) && i[0] == 0 && i[1] == 0);
}

Test(records, torn_or_changed_at_any_byte_are_no_records) {
    static const char payload[] = "what the task said";
    _Alignas(8) char bytes[128] = {0};
    size_t size = tf_record_size(sizeof payload);
    tf_record_write(bytes, 3, 1234567890123, TF_RECORD_STDERR, 2, payload, sizeof payload);
    const tf_record *record = tf_record_at(bytes, size);
    cr_assert_not_null(record);
    cr_expect(record->stage == 3 && record->index == 1234567890123 && record->attempt == 2);
    cr_expect_str_eq((const char *)(record + 1), payload);
    for (size_t cut = 0; cut < size; cut++)
        cr_expect_null(tf_record_at(bytes, cut), "cut at %zu", cut);
    for (size_t at = 0; at < sizeof(tf_record) + sizeof payload; at++) {
        bytes[at] ^= 1;
        cr_expect_null(tf_record_at(bytes, size), "changed at %zu", at);
        bytes[at] ^= 1;
    }
    cr_expect_not_null(tf_record_at(bytes, size));
}

Test(records, may_be_empty) {
    _Alignas(8) char bytes[64];
    tf_record_write(bytes, 0, 0, TF_RECORD_STDOUT, 1, NULL, 0);
    const tf_record *record = tf_record_at(bytes, sizeof bytes);
    cr_assert_not_null(record);
    cr_expect_eq(record->length, 0);
}
