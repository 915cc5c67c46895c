/* Reading JSON: manifests, tables of records, what commands and services answer. The tree is cJSON's, but each number
 * also has the text that it was written as, so that integers are exact. */
#ifndef TF_MANIFEST_JSON_READ_H
#define TF_MANIFEST_JSON_READ_H

#include <cjson/cJSON.h>

#include "base/base.h"

/* Who wrote the text. */
typedef enum json_rules {
    JSON_ANSWER, /* a task: of a key that stands twice the last member counts, and control characters in strings stay */
    JSON_STRICT  /* people: all members stay, for the caller to report, and control characters are refused (RFC 8259) */
} json_rules;

typedef struct json_error {
    size_t offset;  /* where it is wrong, in bytes */
    bool is_syntax; /* the text is no JSON at all; false: it is JSON that is refused */
    char text[140]; /* what is wrong */
} json_error;

/* Parses a whole text, which needs no NUL behind it. Beyond JSON, the numbers NaN, Infinity and -Infinity are accepted,
 * as Python writes them. Text that is not UTF-8, lone surrogates and NULs (at which C strings end) are refused. NULL
 * with `error` set; else the caller frees the tree by cJSON_Delete. */
cJSON *json_read(const char *text, size_t length, json_rules rules, json_error *error);

/* Stores a number, or a text that holds one, as tf_store_number does. */
tf_fit json_store(const cJSON *value, tf_type type, void *out);

/* Is the value an integer of 64 bits? Then it is stored. */
bool json_int(const cJSON *value, int64_t *integer);

/* Makes a number of an integer, exactly. The caller owns it. */
cJSON *json_integer(int64_t integer);

/* A number as it was written; NULL: the value is no number that was read. */
const char *json_number_text(const cJSON *value);

/* Prints a tree so that json_read gives the same: integers to their last digit, and NaN. Formatted as
 * json_print_indented, or on one line. The caller frees it by cJSON_free. */
char *json_print(const cJSON *value, bool formatted);

/* Prints a tree for people; to be freed by cJSON_free. (json_indent.c) */
char *json_print_indented(const cJSON *value);

#endif
