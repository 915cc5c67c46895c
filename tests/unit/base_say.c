/* What is not ours is made visible before people see it. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "base/base.h"

static const struct {
    const char *text, *shown;
} table[] = {
    {"plain, 'quoted' and \\n", "plain, 'quoted' and \\n"},
    {"\u03b1 Centauri \u2013 \U0001F52D, e\u0301", "\u03b1 Centauri \u2013 \U0001F52D, e\u0301"},
    {"a\tb", "a\tb"},
    {"red \033[31m", "red \\x1b[31m"},
    {"\033]52;c;AAAA\a", "\\x1b]52;c;AAAA\\x07"},
    {"50%\rdone", "50%\\rdone"},
    {"one\ntaskfarm: all done", "one\\ntaskfarm: all done"},
    {"\x7f\b", "\\x7f\\x08"},
    {"\xc2\x9b"
     "31m",
     "\\u009b31m"},
    {"\x9b"
     "31m",
     "\\x9b31m"},
    {"caf\xe9", "caf\\xe9"},
    {"\xe2\x80", "\\xe2\\x80"},
    {"\u202egnp.exe", "\\u202egnp.exe"},
    {"\u2066a\u2069\u200f\u061c", "\\u2066a\\u2069\\u200f\\u061c"},
    {"\u2028\u2029\ufeff\u200b", "\\u2028\\u2029\\ufeff\\u200b"},
    {"\U000E0041", "\\U000e0041"},
    {"\U0001F468\u200d\U0001F469", "\U0001F468\u200d\U0001F469"},
};

enum { TEXTS = sizeof table / sizeof *table };

Test(say, makes_visible_what_is_not_seen) {
    for (size_t i = 0; i < TEXTS; i++) {
        tf_buf shown = {0}, again = {0};
        tf_buf_add_visible(&shown, table[i].text, strlen(table[i].text));
        cr_expect_str_eq(shown.data, table[i].shown);
        tf_buf_add_visible(&again, shown.data, shown.length);
        cr_expect_str_eq(again.data, shown.data, "twice is once");
        cr_expect_eq(tf_is_visible(table[i].text, true), strcmp(table[i].text, table[i].shown) == 0);
        tf_buf_free(&again);
        tf_buf_free(&shown);
    }
}

TF_PRINTF(2, 3) static const char *format_visible(tf_buf *out, const char *format, ...) {
    va_list args;
    va_start(args, format);
    tf_buf_clear(out);
    tf_buf_addv_visible(out, format, args);
    va_end(args);
    return tf_buf_text(out);
}

/* What printf makes of plain values is what is shown of them. */
#define SAME(...)                                                                                                      \
    do {                                                                                                               \
        char expected[256];                                                                                            \
        snprintf(expected, sizeof expected, __VA_ARGS__);                                                              \
        cr_expect_str_eq(format_visible(&out, __VA_ARGS__), expected);                                                 \
    } while (0)

Test(say, formats_as_printf_does) {
    tf_buf out = {0};
    SAME("nothing");
    SAME("100%% of %s", "it");
    SAME("[%10s] [%-10s] [%.2s] [%*s] [%-*s] [%.*s] [%*s]", "ab", "ab", "abcd", 5, "x", 5, "x", 3, "abcdef", -4, "y");
    SAME("%d %i %u %x %c", -1, 2, 4000000000u, 255u, 'c');
    SAME("%ld %lld %llu %zu %lx", -5L, -4611686018427387904LL, ~0ull, (size_t)-1, 255UL);
    SAME("%" PRId64 " %" PRIu64, INT64_MIN, UINT64_MAX);
    SAME("[%5d] [%-5d] [%05d] [%02d] [%3d%%] [%016llx]", 42, 42, -42, 7, 50, 0xabcdefULL);
    SAME("%g %.2g %.3f %f [%8.2f]", 0.1, 1234.5, 2.0 / 3, 1e9, 3.14159);
    tf_buf_free(&out);
}

Test(say, takes_the_format_as_it_is_and_not_what_is_put_in) {
    tf_buf out = {0};
    cr_expect_str_eq(format_visible(&out, "\033[K%s\n", "\033[31m\n"), "\033[K\\x1b[31m\\n\n");
    cr_expect_str_eq(format_visible(&out, "%c%-8s|", '\a', "a\x1b"), "\\x07a\\x1b   |");
    tf_buf_free(&out);
}

Test(say, escapes_in_json_what_is_not_seen) {
    tf_buf out = {0};
    static const char text[] = "a\0\033\x7f\xc2\x9b\u202e\U000E0041\n\"\\\xff\u03b1";
    tf_buf_add_json(&out, text, sizeof text - 1);
    cr_expect_str_eq(out.data, "\"a\\u0000\\u001b\\u007f\\u009b\\u202e\\udb40\\udc41\\n\\\"\\\\\ufffd\u03b1\"");
    tf_buf_clear(&out);
    tf_buf_add_visible_json(&out, "{\n\t\"a\u202e\": 1\n}");
    cr_expect_str_eq(out.data, "{\n\t\"a\\u202e\": 1\n}");
    tf_buf_free(&out);
}

Test(say, quotes_words_to_be_copied) {
    static const struct {
        const char *word, *quoted;
    } words[] = {
        {"plain.h5", "plain.h5"},
        {"two words.h5", "'two words.h5'"},
        {"it's", "'it'\\''s'"},
        {"$(id).h5", "'$(id).h5'"},
        {"", "''"},
        {"\u03b1.h5", "'\u03b1.h5'"},
        {"a\033'\\\n\u202e", "$'a\\033\\'\\\\\\012\\342\\200\\256'"},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        tf_buf out = {0};
        tf_buf_add_copyable(&out, words[i].word, true);
        cr_expect_str_eq(out.data, words[i].quoted);
        tf_buf_free(&out);
    }
}

Test(say, keeps_lines_of_words_where_there_may_be_several) {
    tf_buf out = {0};
    tf_buf_add_copyable(&out, "a\nb", false);
    tf_buf_addc(&out, ' ');
    tf_buf_add_copyable(&out, "a\nb", true);
    cr_expect_str_eq(out.data, "'a\nb' $'a\\012b'");
    tf_buf_free(&out);
}

Test(say, leaves_bytes_alone_but_on_terminals) {
    FILE *out = tmpfile();
    char back[64] = "";
    tf_print(out, "%s|", "\033[31m\xff");
    tf_print_text(out, "\033\n", 2);
    tf_print_json(out, "\"\u202e\"");
    rewind(out);
    cr_assert(fread(back, 1, sizeof back - 1, out) > 0);
    cr_expect_str_eq(back, "\033[31m\xff|\033\n\"\\u202e\"\n");
    fclose(out);
}
