/* Any bytes as JSON: a tree that prints as what reads back the same, and that is cJSON's where that reads the text too;
 * or a reason. Numbers are what the C library makes of their texts. */
#include "manifest/json.h"
#include "manifest/json_read.h"
#include "manifest/relaxed.h"
#include "target.h"

#include <errno.h>
#include <math.h>

static void require(bool truth) {
    if (!truth)
        abort();
}

static bool has_infinities(const cJSON *value) {
    bool found = cJSON_IsNumber(value) && !isfinite(value->valuedouble);
    for (const cJSON *item = value->child; item && !found; item = item->next)
        found = has_infinities(item);
    return found;
}

static void check_number(const cJSON *value) {
    const char *text = json_number_text(value);
    int64_t integer;
    uint64_t natural;
    double number;
    float narrow;
    require(text != NULL);
    errno = 0;
    const long long expected = strtoll(text, NULL, 10);
    if (tf_is_digits(text, strlen(text)))
        require(json_int(value, &integer) ? integer == expected && errno == 0 : errno == ERANGE);
    errno = 0;
    const unsigned long long positive = strtoull(text, NULL, 10);
    if (tf_is_digits(text, strlen(text)) && *text != '-')
        require(json_store(value, TF_UINT64, &natural) == TF_FITS ? natural == positive && errno == 0
                                                                  : errno == ERANGE);
    if (json_int(value, &integer))
        require((double)integer == value->valuedouble);
    if (json_store(value, TF_FLOAT64, &number) == TF_FITS)
        require(isnan(number) ? isnan(value->valuedouble) : number == value->valuedouble);
    if (json_store(value, TF_FLOAT32, &narrow) == TF_FITS)
        require(isnan(narrow) || narrow == strtof(text, NULL));
}

static void check_numbers(const cJSON *value) {
    if (cJSON_IsNumber(value))
        check_number(value);
    for (const cJSON *item = value->child; item; item = item->next)
        check_numbers(item);
}

static void compare_with_cjson(const cJSON *value, const uint8_t *data, size_t size) {
    char *text = strndup((const char *)data, size);
    cJSON *other = cJSON_ParseWithOpts(text, NULL, true);
    char *ours = cJSON_PrintUnformatted(value), *theirs = cJSON_PrintUnformatted(other);
    require(other && ours && theirs && strcmp(ours, theirs) == 0);
    cJSON_free(ours);
    cJSON_free(theirs);
    cJSON_Delete(other);
    free(text);
}

static void read_back(const cJSON *value, json_rules rules) {
    json_error error;
    for (int formatted = 0; formatted < 2; formatted++) {
        char *printed = json_print(value, formatted);
        cJSON *again = json_read(printed, strlen(printed), rules, &error);
        require(again != NULL);
        char *second = json_print(again, formatted);
        require(strcmp(printed, second) == 0);
        cJSON_free(printed);
        cJSON_free(second);
        cJSON_Delete(again);
    }
}

/* What is JSON has no comments; in what is not, only blanks come in, and a second time nothing changes. */
static void check_relaxed(const uint8_t *data, size_t size, bool is_json) {
    char *once = malloc(size + 1), *twice = malloc(size + 1);
    memcpy(once, data, size);
    relaxed_blank(once, size);
    for (size_t i = 0; i < size; i++)
        require(once[i] == (char)data[i] || (once[i] == ' ' && !is_json));
    memcpy(twice, once, size);
    relaxed_blank(twice, size);
    require(memcmp(once, twice, size) == 0);
    free(once);
    free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { SHALLOW = 900 }; /* no brackets that cJSON would find too deep */
    for (int rules = 0; rules < 2; rules++) {
        json_error error;
        cJSON *value = json_read((const char *)data, size, (json_rules)rules, &error);
        check_relaxed(data, size, value != NULL);
        if (!value) {
            int line, column;
            require(error.text[0] && error.offset <= size && tf_utf8_invalid(error.text, strlen(error.text)) < 0);
            json_locate((const char *)data, error.offset, &line, &column);
            require(line > 0 && column > 0);
            continue;
        }
        check_numbers(value);
        if (rules == JSON_STRICT && size < SHALLOW && !has_infinities(value))
            compare_with_cjson(value, data, size);
        read_back(value, (json_rules)rules);
        cJSON_Delete(value);
    }
    return 0;
}
