/* Walking a cJSON tree with the JSON pointer of where we are, so that every diagnostic says where. */
#ifndef TF_MANIFEST_JSON_H
#define TF_MANIFEST_JSON_H

#include "manifest/json_read.h"
#include "manifest/manifest.h"

/* One step of the path to a value; lives on the stack of the function that takes the step. */
typedef struct json_path {
    const struct json_path *up;
    const char *key; /* NULL: the step is to element `index` of a list */
    int index;
} json_path;

static inline json_path json_path_key(const json_path *up, const char *key) {
    return (json_path){.up = up, .key = key};
}

static inline json_path json_path_index(const json_path *up, int index) {
    return (json_path){.up = up, .index = index};
}

/* Adds the JSON pointer: "/stages/0/run". */
void json_path_pointer(const json_path *where, tf_buf *out);

/* Reports what is wrong at a JSON path. */
void diagnose(tf_diags *diags, const json_path *where, tf_diag_id id, const char *format, ...) TF_PRINTF(4, 5);

/* Parses a whole manifest. Reports a syntax error with line and column of the text as it was written, which is as long,
 * and returns NULL. Reports keys that are given twice, wherever they are. */
cJSON *json_parse(tf_diags *diags, const char *text, const char *written, size_t length);

/* Line and column of an offset, both from 1; columns count characters. */
void json_locate(const char *text, size_t offset, int *line, int *column);

/* One key that an object may have. */
typedef struct json_key {
    const char *name;
    const char *schema; /* the JSON Schema of its value */
} json_key;

typedef struct json_keys {
    const json_key *key;
    int count;
} json_keys;

/* A key that any object with keys of ours may have: it is for people. */
#define JSON_COMMENT "comment"

/* A copy of the object without it. The caller owns it. */
cJSON *json_without_comment(const cJSON *object);

/* Reports keys that are unknown. */
void json_check_keys(tf_diags *diags, const json_path *where, const cJSON *object, json_keys keys);

bool json_keys_have(json_keys keys, const char *name);

/* What a value is, for messages: "an object", "a list", "a string", ... */
const char *json_kind(const cJSON *value);

/* A member of the expected type. NULL if it is absent; NULL after a diagnostic if it is of another type. */
const cJSON *json_object(tf_diags *diags, const json_path *where, const cJSON *object, const char *key);
const cJSON *json_array(tf_diags *diags, const json_path *where, const cJSON *object, const char *key);
const char *json_string(tf_diags *diags, const json_path *where, const cJSON *object, const char *key);
bool json_flag(tf_diags *diags, const json_path *where, const cJSON *object, const char *key); /* absent: false */

/* Is the value an integer of 64 bits from `least` to `most`? Then it is stored. */
bool json_int_within(const cJSON *value, int64_t least, int64_t most, int64_t *integer);

/* The id of what is wrong with a value that is not such an integer. */
tf_diag_id json_int_mistake(const cJSON *value);

/* The keys of each kind of object (keys.c); those of axes and runs are in axis.h and run.h. */
json_keys keys_campaign(void);
json_keys keys_single(void); /* of a manifest that is one stage */
json_keys keys_top(void);    /* of a manifest of either sort */
json_keys keys_defaults(void);
json_keys keys_stage(void);
json_keys keys_column(void);
json_keys keys_array(void);
json_keys keys_blocks(void);
json_keys keys_reduction(void);
json_keys keys_until(void);
json_keys keys_on_failure(void);
json_keys keys_capture(void);
json_keys keys_resources(void);
json_keys keys_input(void);
json_keys keys_output(void);

#endif
