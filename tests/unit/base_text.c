/* Buffers, numbers and words: text in and out. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"

Test(buffer, grows_and_stays_a_string) {
    tf_buf buf = {0};
    cr_expect_str_eq(tf_buf_text(&buf), "");
    for (int i = 0; i < 1000; i++)
        tf_buf_addf(&buf, "%d,", i);
    tf_buf_addc(&buf, '!');
    cr_expect_eq(buf.length, 3891);
    cr_expect_str_eq(buf.data + buf.length - 5, "999,!");
    tf_buf_clear(&buf);
    cr_expect_str_eq(tf_buf_text(&buf), "");
    tf_buf_free(&buf);
}

Test(buffer, prints_doubles_that_read_back) {
    static const double values[] = {0, 1, -2.5, 0.1, 1.0 / 3, 1e300, 5e-324, 1e15, 123456789012345678.0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        tf_buf buf = {0};
        double back;
        tf_buf_add_double(&buf, values[i]);
        cr_expect(tf_parse_double(buf.data, &back) && back == values[i], "%s", buf.data);
        tf_buf_free(&buf);
    }
    tf_buf buf = {0};
    tf_buf_add_double(&buf, 0.1);
    cr_expect_str_eq(buf.data, "0.1");
    tf_buf_free(&buf);
}

Test(numbers, are_whole_texts) {
    int64_t i;
    uint64_t u;
    double d;
    cr_expect(tf_parse_int("-9223372036854775808", &i) && i == INT64_MIN);
    cr_expect(tf_parse_uint("18446744073709551615", &u) && u == UINT64_MAX);
    cr_expect(tf_parse_double("1e-3", &d) && d == 1e-3);
    cr_expect(tf_parse_double("nan", &d) && isnan(d));
    static const char *const bad[] = {"", " 1", "1 ", "1x", "--1", "0x", "1.5.2"};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        cr_expect(!tf_parse_int(bad[k], &i), "int %s", bad[k]);
        cr_expect(!tf_parse_uint(bad[k], &u), "uint %s", bad[k]);
        cr_expect(!tf_parse_double(bad[k], &d), "double %s", bad[k]);
    }
    cr_expect(!tf_parse_int("9223372036854775808", &i));
    cr_expect(!tf_parse_uint("-1", &u));
}

Test(sizes, have_units_of_1024) {
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {{"0", 0}, {"17", 17}, {"64KB", 65536}, {"64 KiB", 65536}, {"1.5M", 1572864}, {"2GB", INT64_C(2) << 30}};
    int64_t bytes;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(tf_parse_size(good[i].text, &bytes) && bytes == good[i].bytes, "%s", good[i].text);
    static const char *const bad[] = {"", "KB", "-1", "1X", "1KBs", "1e30", "nan"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect(!tf_parse_size(bad[i], &bytes), "%s", bad[i]);
}

Test(durations, have_units) {
    static const struct {
        const char *text;
        double seconds;
    } good[] = {{"30", 30}, {"30s", 30}, {"0.5s", 0.5}, {"5m", 300}, {"1.5h", 5400}, {"2d", 172800}};
    double seconds;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(tf_parse_duration(good[i].text, &seconds) && seconds == good[i].seconds, "%s", good[i].text);
    static const char *const bad[] = {"", "s", "0", "-1s", "1x", "1 s", "1sm", " 1", "inf", "nan"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect(!tf_parse_duration(bad[i], &seconds), "%s", bad[i]);
}

Test(durations, are_those_of_clocks) {
    static const struct {
        const char *text;
        double seconds;
    } good[] = {{"1:30:00", 5400},      {"0:00:01", 1},     {"100:00:00", 360000}, {"01:00:59", 3659},
                {"2-12:00:00", 216000}, {"0-00:00:30", 30}, {"1-1:00:00", 90000},  {"99999999:59:59", 359999999999.0}};
    double seconds;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        cr_expect(tf_parse_clock(good[i].text, &seconds) && seconds == good[i].seconds, "%s", good[i].text);
    static const char *const bad[] = {
        "",           "30",       "1:30",        "1:60:00",  "1:00:60",  "1:3:00",    "0:00:00",        "-1:00:00",
        "1-24:00:00", "1-:00:00", "1--1:00:00",  "1:00:00s", ":00:00",   "1:00:",     "1:00:00:00",     "+1:00:00",
        " 1:00:00",   "1-1:00",   "2-1-1:00:00", "1:0 :00",  "1:000:00", "x-1:00:00", "100000000:00:00"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_expect(!tf_parse_clock(bad[i], &seconds), "%s", bad[i]);
}

Test(durations_and_counts, are_short) {
    static const struct {
        double seconds;
        const char *text;
    } durations[] = {{0, "0s"},         {-1, "0s"},    {3e-6, "0.003ms"}, {0.0123, "12ms"},
                     {0.0996, "0.1s"},  {0.5, "0.5s"}, {0.84, "0.84s"},   {0.996, "1.0s"},
                     {1.26, "1.3s"},    {42.4, "42s"}, {200, "3m20s"},    {18720, "5h12m"},
                     {273600, "3d04h"}, {NAN, "?"},    {59.7, "1m00s"},   {3599.6, "1h00m"}};
    char out[32];
    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++)
        cr_expect_str_eq(tf_format_duration(durations[i].seconds, out), durations[i].text);
    cr_expect_str_eq(tf_format_count(0, out), "0");
    cr_expect_str_eq(tf_format_count(999, out), "999");
    cr_expect_str_eq(tf_format_count(12345678, out), "12 345 678");
    cr_expect_str_eq(tf_format_count(-1234, out), "-1 234");
}

Test(suggestions, are_near) {
    static const char *const keys[] = {"command", "function", "args", "env"};
    cr_expect_str_eq(tf_suggest("comand", keys, 4), "command");
    cr_expect_str_eq(tf_suggest("fucntion", keys, 4), "function");
    cr_expect_null(tf_suggest("banana", keys, 4));
    cr_expect_null(tf_suggest("", keys, 4));
}

Test(utf8, is_checked_by_the_book) {
    static const struct {
        const char *text;
        int64_t invalid;
    } texts[] = {{"", -1},
                 {"plain", -1},
                 {"\xC3\xA9t\xC3\xA9", -1},
                 {"\xE2\x82\xAC", -1},
                 {"\xF0\x9F\x94\xAD", -1},
                 {"a\x80", 1},
                 {"\xC3", 0},
                 {"ab\xE2\x82", 2},
                 {"\xC0\x80", 0},
                 {"\xED\xA0\x80", 0},
                 {"\xF4\x90\x80\x80", 0},
                 {"\xFF", 0}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        cr_expect_eq(tf_utf8_invalid(texts[i].text, strlen(texts[i].text)), texts[i].invalid, "text %zu", i);
}

Test(errors, gain_context_on_their_way_up) {
    tf_error error;
    tf_error_set(&error, TF_ERR_USAGE, "line %d: %d fields, expected %d", 17, 5, 4);
    cr_expect_eq(tf_error_context(&error, "reading %s", "stars.csv"), TF_ERR_USAGE);
    cr_expect_str_eq(error.text, "reading stars.csv: line 17: 5 fields, expected 4");
}

Test(files, are_read_whole_or_not_at_all) {
    char path[] = "/tmp/taskfarm-unit-XXXXXX";
    int fd = mkstemp(path);
    tf_buf text = {0};
    for (int i = 0; i < 100000; i++)
        tf_buf_addf(&text, "%d\n", i);
    cr_assert_eq(write(fd, text.data, text.length), (ssize_t)text.length);
    close(fd);
    tf_buf read = {0};
    tf_buf_adds(&read, "before");
    cr_assert_eq(tf_read_file(path, &read), 0);
    cr_expect_eq(read.length, text.length + 6);
    cr_expect_str_eq(read.data + 6, text.data);
    unlink(path);
    cr_expect_neq(tf_read_file(path, &read), 0);
    cr_expect_neq(tf_read_file("/tmp", &read), 0);
    cr_expect_eq(read.length, text.length + 6);
    tf_buf_free(&read);
    tf_buf_free(&text);
}

Test(arenas, hand_out_aligned_zeroed_memory) {
    tf_arena *arena = tf_arena_new();
    for (size_t size = 1; size < 200000; size = size * 3 + 1) {
        unsigned char *memory = tf_arena_alloc(arena, size);
        cr_assert_eq((uintptr_t)memory % 16, 0);
        for (size_t i = 0; i < size; i++)
            cr_assert_eq(memory[i], 0);
        memset(memory, 255, size);
    }
    cr_expect_str_eq(tf_arena_printf(arena, "%s-%d", "x", 7), "x-7");
    tf_arena_free(arena);
}
