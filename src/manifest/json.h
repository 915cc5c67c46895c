/* Walking a cJSON tree with the JSON pointer of where we are, so that every complaint says where. */
#ifndef TF_MANIFEST_JSON_H
#define TF_MANIFEST_JSON_H

#include <cjson/cJSON.h>

#include "manifest/manifest.h"

/* One step of the path to a value; lives on the stack of the function that takes the step. */
typedef struct at {
    const struct at *up;
    const char *key; /* NULL: an array element */
    int index;
} at;

static inline at at_key(const at *up, const char *key) {
    return (at){.up = up, .key = key};
}

static inline at at_index(const at *up, int index) {
    return (at){.up = up, .index = index};
}

/* "/stages/0/run" */
void at_pointer(const at *where, tf_buf *out);

void complain(tf_diags *diags, const at *where, const char *format, ...) TF_PRINTF(3, 4);

/* Parses a whole text. On a syntax error complains with line and column and returns NULL. */
cJSON *json_parse(tf_diags *diags, const char *text, size_t length);

/* One key that an object may have. */
typedef struct json_key {
    const char *name;
    const char *schema; /* the JSON Schema of its value */
} json_key;

typedef struct json_keys {
    const json_key *key;
    int count;
} json_keys;

/* Complains about keys that are unknown or repeated. */
void json_check_keys(tf_diags *diags, const at *where, const cJSON *object, json_keys keys);

/* Has the object an earlier member of the same name? */
bool json_is_repeated(const cJSON *object, const cJSON *member);

bool json_keys_have(json_keys keys, const char *name);

/* "an object", "a list", "a string", ... */
const char *json_kind(const cJSON *value);

/* Members of the expected type. Absent or of another type: NULL, and a complaint for the latter. */
const cJSON *json_object(tf_diags *diags, const at *where, const cJSON *object, const char *key);
const cJSON *json_array(tf_diags *diags, const at *where, const cJSON *object, const char *key);
const char *json_string(tf_diags *diags, const at *where, const cJSON *object, const char *key);

/* An integer below 2^53, up to which a double tells each from its neighbours. */
bool json_is_int(const cJSON *value);

/* The keys of each kind of object (schema.c). */
json_keys keys_campaign(void);
json_keys keys_single(void); /* a manifest that is one stage */
json_keys keys_top(void);    /* of both */
json_keys keys_defaults(void);
json_keys keys_stage(void);
json_keys keys_axis(void);
json_keys keys_run(void);
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
