/* Numbers from text: exact, the nearest, or refused with how they do not fit. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "base/base.h"

Test(number, integers_are_exact_or_refused) {
    static const struct {
        const char *text;
        tf_type type;
        tf_fit fit;
        uint64_t bits; /* of the value */
    } cases[] = {
        {"9007199254740993", TF_INT64, TF_FITS, 9007199254740993},
        {"-9223372036854775808", TF_INT64, TF_FITS, (uint64_t)INT64_MIN},
        {"9223372036854775807", TF_INT64, TF_FITS, INT64_MAX},
        {"9223372036854775808", TF_INT64, TF_TOO_LARGE, 0},
        {"-9223372036854775809", TF_INT64, TF_TOO_LARGE, 0},
        {"18446744073709551615", TF_UINT64, TF_FITS, UINT64_MAX},
        {"18446744073709551616", TF_UINT64, TF_TOO_LARGE, 0},
        {"-1", TF_UINT64, TF_TOO_LARGE, 0},
        {"-0", TF_UINT64, TF_FITS, 0},
        {"+7", TF_INT64, TF_FITS, 7},
        {"007", TF_INT64, TF_FITS, 7},
        {"1.8446744073709551615e19", TF_UINT64, TF_FITS, UINT64_MAX},
        {"1200e-2", TF_INT64, TF_FITS, 12},
        {"12.00", TF_INT64, TF_FITS, 12},
        {"0.0e99999999999999999999", TF_INT64, TF_FITS, 0},
        {"1e99999999999999999999", TF_INT64, TF_TOO_LARGE, 0},
        {"1e-99999999999999999999", TF_INT64, TF_NOT_WHOLE, 0},
        {"12.5", TF_INT64, TF_NOT_WHOLE, 0},
        {"nan", TF_INT64, TF_NOT_WHOLE, 0},
        {"", TF_INT64, TF_NO_NUMBER, 0},
        {"-", TF_INT64, TF_NO_NUMBER, 0},
        {".", TF_INT64, TF_NO_NUMBER, 0},
        {"1e", TF_INT64, TF_NO_NUMBER, 0},
        {"1 ", TF_INT64, TF_NO_NUMBER, 0},
        {" 1", TF_INT64, TF_NO_NUMBER, 0},
        {"0x10", TF_INT64, TF_NO_NUMBER, 0},
        {"1.2.3", TF_INT64, TF_NO_NUMBER, 0},
        {"1", TF_STRING, TF_NO_NUMBER, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t found = 0;
        cr_expect_eq(tf_store_number(cases[i].type, cases[i].text, strlen(cases[i].text), &found), cases[i].fit, "%s",
                     cases[i].text);
        cr_expect_eq(found, cases[i].bits, "%s", cases[i].text);
    }
}

Test(number, floats_are_the_nearest_or_refused) {
    static const struct {
        const char *text;
        tf_fit wide, narrow; /* as float64, and as float32 */
        double value;
    } cases[] = {
        {"0.1", TF_FITS, TF_FITS, 0.1},
        {".5", TF_FITS, TF_FITS, 0.5},
        {"5.", TF_FITS, TF_FITS, 5},
        {"1e39", TF_FITS, TF_TOO_LARGE, 1e39},
        {"1e309", TF_TOO_LARGE, TF_TOO_LARGE, 0},
        {"1e-400", TF_FITS, TF_FITS, 0},
        {"-Infinity", TF_FITS, TF_FITS, -INFINITY},
        {"inf", TF_FITS, TF_FITS, INFINITY},
        {"1.00000005960464477540", TF_FITS, TF_FITS, 1.00000005960464477540},
        {"infinit", TF_NO_NUMBER, TF_NO_NUMBER, 0},
        {"nan(1)", TF_NO_NUMBER, TF_NO_NUMBER, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double wide = 0;
        float narrow = 0;
        const size_t length = strlen(cases[i].text);
        cr_expect_eq(tf_store_number(TF_FLOAT64, cases[i].text, length, &wide), cases[i].wide, "%s", cases[i].text);
        cr_expect_eq(wide, cases[i].value, "%s", cases[i].text);
        cr_expect_eq(tf_store_number(TF_FLOAT32, cases[i].text, length, &narrow), cases[i].narrow, "%s", cases[i].text);
        cr_expect(cases[i].narrow != TF_FITS || narrow == strtof(cases[i].text, NULL), "%s", cases[i].text);
    }
    double long_one;
    char digits[400];
    memset(digits, '9', sizeof digits);
    digits[1] = '.';
    cr_expect_eq(tf_store_number(TF_FLOAT64, digits, sizeof digits, &long_one), TF_FITS);
    cr_expect_eq(long_one, 10);
}
