/* What the parts of the loader share while a manifest is read. */
#ifndef TF_MANIFEST_LOAD_H
#define TF_MANIFEST_LOAD_H

#include "manifest/json.h"
#include "manifest/tree.h"

typedef struct variable {
    const char *name;
    tf_type type; /* TF_STRING, TF_INT64, TF_FLOAT64 or TF_BOOL */
    const char *text;
    double number;
    int64_t integer; /* TF_INT64: exactly */
} variable;

#define HOLDS_NUL    "holds NUL bytes: is it a text file?"
#define BEYOND_INT64 "integer %.40s is beyond int64; write it as a string"

struct loader {
    tf_arena *arena;
    tf_diags *diags;
    tf_source *source;
    const char *workdir;
    const tf_found *found; /* by axes of the stage that is being loaded */
    variable *variable;
    int variables;
    int retries;                /* --retries; -1: not given */
    struct stages_json *stages; /* of the manifest; NULL where there is only one */

    /* The stage of that name, loaded if it was not yet; NULL after a diagnostic, or if something is wrong with it. */
    const tf_stage_spec *(*need_stage)(struct loader *l, const json_path *where, const char *name);
    struct filter *filter; /* of "outputs_of", until all stages are known */
    int filters;
};

/* "there is no stage ...", with the one that may have been meant. */
const char *no_such_stage(struct loader *loader, const tf_campaign *campaign, const char *name);

static inline const tf_stage_spec *need_stage(struct loader *l, const json_path *where, const char *name) {
    return l->need_stage(l, where, name);
}

/* A stage as written: its own members, and behind them the defaults. */
typedef struct stage_json {
    const cJSON *own, *defaults;
    json_path own_at, defaults_at;
} stage_json;

/* A member, and where the object that has it stands. NULL if neither has it. */
const cJSON *stage_member(const stage_json *json, const char *key, const cJSON **object, const json_path **where);

/* "variables", and one setting of --set. */
void load_variables(struct loader *loader, const json_path *root, const cJSON *json);
void set_variable(struct loader *loader, const char *setting);

/* A stage whose name is known (stage.c). */
void load_stage(struct loader *loader, const stage_json *json, tf_stage_spec *stage);

/* All of "stages" and "defaults"; or the manifest as the only stage (stage_order.c). */
void load_stages(struct loader *loader, const json_path *root, const cJSON *json, tf_campaign *campaign);
void load_single(struct loader *loader, const json_path *root, const cJSON *json, tf_campaign *campaign);

/* While they are loaded: see need_stage. */
const tf_stage_spec *load_needed_stage(struct loader *loader, const json_path *where, const char *name);

/* What placeholders may stand for in one place. */
typedef struct known_names {
    const char *stage;          /* NULL: only variables and {workdir} are known */
    const tf_space *space;      /* NULL: broken, so that any name may be one of its parameters */
    const tf_stage_spec *files; /* whose {inputs} and {outputs} are known; NULL: they are not, nor is {scratch} */
} known_names;

/* Never NULL; diagnostics tell whether it is right. */
const tf_template *template_parse(struct loader *loader, const json_path *where, const char *text,
                                  const known_names *scope, bool shell);

/* What names stand for in an expression besides the manifest's variables. */
typedef struct expr_name {
    const char *name;
    tf_type type;
    bool array;      /* a task has several */
    size_t width;    /* of texts that are an array's: bytes of a cell */
    const char *why; /* it is of this type: see tf_param_spec */
} expr_name;

typedef struct expr_names {
    const char *what; /* "the stage's parameters": for messages */
    int count;
    const expr_name *name;
    bool has_index;    /* "index" is the task's */
    bool has_arrays;   /* the result is one */
    uint32_t *streams; /* of random numbers, so far; NULL: there are none here */
} expr_names;

/* The parameters of a space: `name` gets them, and must have room. */
expr_names param_names(const tf_space *space, expr_name *name);

/* The values of a stage, by their numbers. Those that have a shape, and bytes, have the name "". */
expr_names value_names(struct loader *loader, const tf_stage_spec *stage);

/* NULL after a diagnostic. */
const tf_expr *load_expr(struct loader *loader, const json_path *where, const char *source, const expr_names *names);

/* A text in which only variables may stand, put together. */
const char *constant_text(struct loader *loader, const json_path *where, const char *text);

/* "over": NULL after a diagnostic. `json` may be NULL: one point. */
tf_space *load_space(struct loader *loader, const json_path *where, const cJSON *json);

/* The array of a space with an axis of blocks: that of the name, or if it is NULL the only one. NULL after a
 * diagnostic. */
const tf_grid *load_grid(struct loader *loader, const json_path *where, const tf_space *space, const char *name);

bool has_halo(const tf_array_spec *array);

/* Elements of its largest block, with a halo (NULL: without); INT64_MAX if there are more. */
int64_t grid_elements(const tf_grid *grid, const int64_t *halo);

enum { MOST_ELEMENTS = INT32_MAX }; /* of a row or a block */

/* "hints" of the campaign. `root` is where it stands. */
void load_hints(struct loader *loader, const json_path *root, const cJSON *json, tf_campaign *campaign);

/* "arrays" of a stage whose space and files are known. */
void load_arrays(struct loader *loader, const stage_json *json, tf_stage_spec *stage);

/* A table of the records of CSV files (RFC 4180, with a header) that have the same columns, one after the other. NULL
 * after a diagnostic. Texts are taken apart in place. */
typedef struct csv_file {
    const char *name; /* for messages */
    char *text;       /* with a NUL behind it */
    size_t length;
} csv_file;

struct axis_json;

tf_space *load_csv(struct loader *loader, const struct axis_json *axis, const csv_file *file, int64_t files);

/* The axis of such files that is read in parts of `batch` records. */
tf_space *load_csv_parts(struct loader *loader, const struct axis_json *axis, const char *const *path, int64_t files,
                         int64_t batch);

/* Is "types", if it is there, an object of the table's columns? false after a diagnostic. */
bool csv_check_types(struct loader *loader, const struct axis_json *axis, const char *const *names, int count);

/* Name, type and why of a column's parameter, by "types" or else by its cells. false after a diagnostic. */
struct csv_column;
bool csv_choose(struct loader *loader, const struct axis_json *axis, const char *name, const struct csv_column *column,
                tf_param_spec *spec);

/* Adds the next name of a header to those before it: false after a diagnostic. */
bool csv_add_name(struct loader *loader, const json_path *where, const char *file, tf_table *names, const char *name);

/* "run" and "results" of a stage; then, when its arrays are known too, what the run makes of its columns. */
void load_run(struct loader *loader, const json_path *where, const cJSON *json, const known_names *scope,
              tf_run_spec *run);
void load_columns(struct loader *loader, const json_path *where, const cJSON *json, const known_names *scope,
                  bool command, tf_stage_spec *stage);

void complete_run(struct loader *loader, const json_path *where, const cJSON *run, const known_names *scope,
                  tf_stage_spec *stage);

/* "reduce" and "until" of a stage whose space and columns are known. */
void load_reductions(struct loader *loader, const stage_json *json, tf_stage_spec *stage);
void load_until(struct loader *loader, const stage_json *json, tf_stage_spec *stage);

/* "inputs", "outputs" and "log" of a stage; then, when all stages are there, what their entries refer to. Paths that a
 * manifest's author wrote come out as in tf_path. */
void load_files(struct loader *loader, const stage_json *json, tf_stage_spec *stage);
void free_lists(tf_file_spec *spec);
void resolve_files(struct loader *loader, tf_campaign *campaign);
void add_path(tf_buf *out, const char *workdir, const char *path, size_t length);

/* Adds the text of an entry, as written, with its placeholders put in. */
void file_text(tf_files *files, int stage, const tf_file_spec *spec, int64_t index, tf_buf *out);

/* Would the output have more bytes than can be counted? (sizes.c) */
void check_sizes(struct loader *loader, const tf_campaign *campaign);

/* Is it an extended regular expression, and one that is compiled in a while? `flags` as regcomp has them (regex.c). */
bool check_regex(struct loader *l, const json_path *where, const char *text, int flags);

/* The paths that match, as strings owned by the arena; count 0 after a diagnostic, or when there are none. */
const char **match_paths(struct loader *loader, const json_path *where, const char *pattern, int64_t *count);

/* What says how the stage's tasks are handled: timeout, retries, resources, capture, record... (handling.c). */
void load_handling(struct loader *loader, const stage_json *json, tf_stage_spec *stage);

/* A name that can stand in a placeholder: not empty, without / { } : and not built in. `what` is "parameter" or
 * "variable". */
bool check_param_name(struct loader *loader, const json_path *where, const char *what, const char *name);

/* Behind a diagnostic that a column of a CSV table is text, where its cells alone would be numbers (`why` it is: see
 * tf_param_spec): how it becomes one of numbers. "" where it does not. */
const char *advise_types(struct loader *loader, const char *name, tf_type type, const char *why);

#endif
