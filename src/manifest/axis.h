/* Axes. A kind of axis is a file that loads it, and a row of the table in axis_kinds.c. */
#ifndef TF_MANIFEST_AXIS_H
#define TF_MANIFEST_AXIS_H

#include "manifest/load.h"

#define TOO_MANY_POINTS "the space has more than 2^62 points"

/* An axis as it is written. */
typedef struct axis_json {
    const cJSON *axis;   /* the object */
    const json_path *up; /* where the object stands */
    const cJSON *value;  /* its member that says the kind */
    json_path where;     /* where that member stands */
    const char *name;    /* the axis's key, or its "name"; NULL: it has neither */
    const char *text;    /* a value that is a string, with the variables put in; NULL: it is no string */

    /* Loads axes that stand in this one, joined: load_axes of axis.c. */
    tf_space *(*load_axes)(struct loader *l, const json_path *where, const cJSON *json, space_join joined);
} axis_json;

/* What JSON the member must be that says the kind. */
typedef enum axis_form {
    AXIS_LIST,
    AXIS_STRING,
    AXIS_PATTERN, /* a string with {wildcards}, which are no placeholders */
    AXIS_OBJECT,
    AXIS_SPACE /* an object or a list of axes */
} axis_form;

typedef enum axis_naming {
    NAME_UNUSED, /* its points have names of their own */
    NAME_ALLOWED,
    NAME_NEEDED
} axis_naming;

/* A further member that axes of some kinds may have. */
typedef struct axis_member {
    const char *key;
    const char *schema;
    const char *elsewhere; /* where else it may belong: "or into the stage"; NULL: nowhere */
} axis_member;

enum { AXIS_MEMBERS = 3 };

typedef struct axis_kind {
    const char *key;
    const char *schema; /* JSON Schema of the member */
    axis_form form;
    axis_naming naming;
    tf_space *(*load)(struct loader *l, const axis_json *axis); /* NULL after a diagnostic */
    axis_member member[AXIS_MEMBERS];
} axis_kind;

/* The table; its end has no key. */
const axis_kind *axis_kinds(void);

/* Writes the keys that an axis may have to `room`, which has AXIS_KEYS. */
enum { AXIS_KEYS = 64 };
json_keys axis_keys(json_key *room);

/* ---- The kinds, each in its file ---- */

tf_space *axis_values(struct loader *l, const axis_json *axis);
tf_space *axis_range(struct loader *l, const axis_json *axis);
tf_space *axis_linspace(struct loader *l, const axis_json *axis);
tf_space *axis_logspace(struct loader *l, const axis_json *axis);
tf_space *axis_sobol(struct loader *l, const axis_json *axis);
tf_space *axis_glob(struct loader *l, const axis_json *axis);
tf_space *axis_files(struct loader *l, const axis_json *axis);
tf_space *axis_lines(struct loader *l, const axis_json *axis);
tf_space *axis_rows(struct loader *l, const axis_json *axis);
tf_space *axis_jsonl(struct loader *l, const axis_json *axis);
tf_space *axis_csv(struct loader *l, const axis_json *axis);
tf_space *axis_zip(struct loader *l, const axis_json *axis);
tf_space *axis_concat(struct loader *l, const axis_json *axis);
tf_space *axis_rows_of(struct loader *l, const axis_json *axis);
tf_space *axis_blocks(struct loader *l, const axis_json *axis);

/* ---- What several kinds do ---- */

/* A list of values as an axis of its own: {"model": ["A", "B"]}. */
tf_space *load_values(struct loader *l, const json_path *where, const char *name, const cJSON *list);

/* JSON values of one parameter, as many as its table has points. */
typedef struct json_cells {
    const cJSON *const *value;
    const char *name; /* the parameter's; NULL: the place of a diagnostic says it */
    const char *what; /* what each stands in: "row", or "t.jsonl: line"; NULL like `name` */
    const int *line;  /* per value: the number of what it stands in */
    tf_type type;     /* that they are to have; TF_ANY: the one that takes all of them */
} json_cells;

/* Sets a table's parameter to these values. false after a diagnostic. */
bool load_json_column(struct loader *l, const json_path *where, tf_space *table, int param, const json_cells *cells);

/* Reads a file's text: with a NUL behind it, without a byte order mark, UTF-8, owned by the arena. NULL after a
 * diagnostic. */
char *read_text(struct loader *l, const json_path *where, const char *path, size_t *length);

#endif
