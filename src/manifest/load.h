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
    int64_t integer; /* of TF_INT64: the exact value */
} variable;

#define HOLDS_NUL    "holds NUL bytes: is it a text file?"
#define BEYOND_INT64 "integer %.40s is beyond int64; write it as a string"

struct loader {
    tf_arena *arena;
    tf_diags *diags;
    tf_source *source;
    const char *workdir;
    const tf_found *found; /* paths that axes of the stage under way have found */
    variable *variable;
    int variables;
    int retries;                /* --retries; -1: not given */
    struct stages_json *stages; /* the manifest's stages; NULL: the manifest is a single stage */

    /* The stage of that name, which is loaded if it is not yet. NULL: there is none, or something is wrong with it;
     * that has been reported. */
    const tf_stage_spec *(*need_stage)(struct loader *l, const json_path *where, const char *name);

    struct filter *filter; /* expressions of "outputs_of", which are loaded once all stages are known */
    int filters;
};

/* "there is no stage ...", with the one that was probably meant. */
const char *no_such_stage(struct loader *loader, const tf_campaign *campaign, const char *name);

static inline const tf_stage_spec *need_stage(struct loader *l, const json_path *where, const char *name) {
    return l->need_stage(l, where, name);
}

/* A stage as it is written: its own members, and the defaults for those that it lacks. */
typedef struct stage_json {
    const cJSON *own, *defaults;
    json_path own_path, defaults_path;
} stage_json;

/* A member of a stage as it is written: its own, or that of the defaults. */
typedef struct stage_value {
    const cJSON *json;   /* NULL: neither has the member */
    const cJSON *object; /* the object that has it; the stage's own if neither has */
    const json_path *up; /* where the object stands */
    json_path where;     /* where the member stands */
} stage_value;

stage_value stage_member(const stage_json *json, const char *key);

/* Loads "variables"; applies one setting of --set. */
void load_variables(struct loader *loader, const json_path *root, const cJSON *json);
void set_variable(struct loader *loader, const char *setting);

/* Loads a stage whose name is known (stage.c). */
void load_stage(struct loader *loader, const stage_json *json, tf_stage_spec *stage);

/* Loads all of "stages" and "defaults"; or the manifest as the only stage (stage_order.c). */
void load_stages(struct loader *loader, const json_path *root, const cJSON *json, tf_campaign *campaign);
void load_single(struct loader *loader, const json_path *root, const cJSON *json, tf_campaign *campaign);

/* Diagnoses what keeps the stage's tasks from being run in batches, at the member that asks for it. The stage's files,
 * arrays and columns are loaded (batches.c). */
void check_batch(struct loader *loader, const json_path *where, const tf_stage_spec *stage);

/* How many tasks a batch of the stage has where that is left to us (batches.c). */
int64_t choose_batch(const tf_stage_spec *stage);

/* The streams of a stage of which no row has moved (streams.c). */
tf_streams *first_streams(struct loader *loader, const tf_campaign *campaign);

/* need_stage, while "stages" are loaded. */
const tf_stage_spec *load_needed_stage(struct loader *loader, const json_path *where, const char *name);

/* What placeholders may stand for in one place. */
typedef struct known_names {
    const char *stage;          /* NULL: only variables and {workdir} are known */
    const tf_space *space;      /* NULL: it is broken, and any name may be one of its parameters */
    const tf_stage_spec *files; /* the stage that {inputs} and {outputs} are of; NULL: they and {scratch} are unknown */
} known_names;

/* Parses a template. Never NULL: diagnostics tell whether it is right. */
const tf_template *template_parse(struct loader *loader, const json_path *where, const char *text,
                                  const known_names *scope, bool shell);

/* What names stand for in an expression besides the manifest's variables. */
typedef struct expr_name {
    const char *name;
    tf_type type;
    bool array;                 /* a task has several values */
    size_t width;               /* of an array of strings: bytes of a cell */
    const tf_param_spec *param; /* the parameter that it is; NULL: it is none */
    const char *const *words;   /* see tf_expr_name */
} expr_name;

typedef struct expr_names {
    const char *what; /* what the names are, for messages: "the stage's parameters" */
    int count;
    const expr_name *name;
    const tf_table *number; /* of each name; NULL: there are few */
    bool has_index;         /* "index" stands for the task's index */
    bool has_arrays;        /* names may be arrays; then the result is one */
    bool is_open;           /* there are names that are not known yet: what is parsed is judged, and not to be used */
    uint32_t *streams;      /* how many streams of random numbers are in use; NULL: random numbers are not allowed */
} expr_names;

/* The names of a space's parameters, which are written to `name`. */
expr_names param_names(const tf_space *space, expr_name *name);

/* The names of a stage's values, by their numbers. Values that have a shape, and bytes, have the name "". */
expr_names value_names(struct loader *loader, const tf_stage_spec *stage);

/* Loads an expression. NULL after a diagnostic. */
const tf_expr *load_expr(struct loader *loader, const json_path *where, const char *source, const expr_names *names);

/* A text with its variables put in; nothing else may stand in it. */
const char *constant_text(struct loader *loader, const json_path *where, const char *text);

/* Loads "over". NULL after a diagnostic. `json` may be NULL: then the space has one point. */
tf_space *load_space(struct loader *loader, const json_path *where, const cJSON *json);

/* The array that an axis of blocks makes of a space. `name`: the axis; NULL: the only one. NULL after a diagnostic. */
const tf_grid *load_grid(struct loader *loader, const json_path *where, const tf_space *space, const char *name);

bool has_halo(const tf_array_spec *array);

/* Elements of a grid's largest block, with a halo (NULL: without one); INT64_MAX if there are more. */
int64_t grid_elements(const tf_grid *grid, const int64_t *halo);

enum { MOST_ELEMENTS = INT32_MAX }; /* of a row or a block */

/* Loads "hints" of the campaign. `root` is where the manifest stands. */
void load_hints(struct loader *loader, const json_path *root, const cJSON *json, tf_campaign *campaign);

/* Loads "arrays" of a stage whose space and files are known. */
void load_arrays(struct loader *loader, const stage_json *json, tf_stage_spec *stage);

/* A CSV file that has been read. */
typedef struct csv_file {
    const char *name; /* for messages */
    char *text;       /* with a NUL behind it */
    size_t length;
} csv_file;

struct axis_json;

/* Makes a table of the records of CSV files (RFC 4180, with a header) that have the same columns, one after the other.
 * Their texts are cut into cells in place. NULL after a diagnostic. */
tf_space *load_csv(struct loader *loader, const struct axis_json *axis, const csv_file *file, int64_t files);

/* Makes the axis of such files that is read in parts of `batch` records. NULL after a diagnostic. */
tf_space *load_csv_parts(struct loader *loader, const struct axis_json *axis, const char *const *path, int64_t files,
                         int64_t batch);

/* Checks that "types", if it is given, is an object of the table's columns. false after a diagnostic. */
bool csv_check_types(struct loader *loader, const struct axis_json *axis, const char *const *names, int count);

/* Sets name, type and reason of a column's parameter, by "types" or else by its cells: one that looks like a number may
 * be an identifier, and makes the column text. `path` has the table's files. false after a diagnostic. */
struct csv_column;
bool csv_choose(struct loader *loader, const struct axis_json *axis, const char *const *path, const char *name,
                const struct csv_column *column, tf_param_spec *spec);

/* Checks the names of the columns. false after a diagnostic. */
bool csv_check_header(struct loader *loader, const json_path *where, const char *file, const char *const *name,
                      int count);

/* What is wrong with the encoding of a text, which must be UTF-8, and what to do; NULL: nothing. `line` gets where,
 * from 1. */
const char *encoding_fault(const char *text, size_t length, int64_t *line);

/* Loads "run" and "results" of a stage. */
void load_run(struct loader *loader, const json_path *where, const cJSON *json, const known_names *scope,
              tf_run_spec *run);
bool run_takes_blocks(const tf_run_spec *run); /* does a task get its blocks of the stage's "arrays"? */
void load_columns(struct loader *loader, const json_path *where, const cJSON *json, const known_names *scope,
                  bool command, tf_stage_spec *stage);

/* Settles, once its arrays are known, too, what the stage's columns are to its run. */
void complete_run(struct loader *loader, const json_path *where, const cJSON *run, const known_names *scope,
                  tf_stage_spec *stage);

/* Loads "reduce" and "until" of a stage whose space and columns are known. */
void load_reductions(struct loader *loader, const stage_json *json, tf_stage_spec *stage);
void load_until(struct loader *loader, const stage_json *json, tf_stage_spec *stage);

/* Loads "inputs", "outputs" and "log" of a stage. */
void load_files(struct loader *loader, const stage_json *json, tf_stage_spec *stage);
void free_lists(tf_file_spec *spec);

/* Finds, once all stages are loaded, the stages and parameters that entries refer to. */
void resolve_files(struct loader *loader, tf_campaign *campaign);

/* Adds a path that a manifest's author wrote, in the form of those in tf_path. */
void add_path(tf_buf *out, const char *workdir, const char *path, size_t length);

/* Adds the text of an entry with its placeholders put in. */
void file_text(tf_files *files, int stage, const tf_file_spec *spec, int64_t index, tf_buf *out);

/* Reports an output that would have more bytes than can be counted (sizes.c). */
void check_sizes(struct loader *loader, const tf_campaign *campaign);

/* Checks that a text is an extended regular expression, and one that compiles in little time (regex.c). `flags` as
 * regcomp has them. false after a diagnostic. */
bool check_regex(struct loader *l, const json_path *where, const char *text, int flags);

/* The paths that match, as strings owned by the arena; count 0 after a diagnostic, or when there are none. */
const char **match_paths(struct loader *loader, const json_path *where, const char *pattern, int64_t *count);

/* Loads what says how the stage's tasks are handled: timeout, retries, resources, capture, record... (handling.c). */
void load_handling(struct loader *loader, const stage_json *json, tf_stage_spec *stage);
void load_speculative(struct loader *loader, const stage_json *json, tf_stage_spec *stage);

/* Why a name can't be a dataset's or a group's, or stand in placeholders besides. NULL: it can. */
const char *name_fault(const char *name, bool in_placeholders);

/* Checks that a name can stand in a placeholder, and is not built in. `what` is
 * "parameter" or "variable". false after a diagnostic. */
bool check_param_name(struct loader *loader, const json_path *where, const char *what, const char *name);

/* Advice to stand behind a diagnostic that a parameter is a string: which cell of a table made it one, or how a column
 * whose cells alone would be numbers becomes one of numbers. "" if there is no such advice; `param` may be NULL. */
const char *advise_types(struct loader *loader, const tf_param_spec *param);

#endif
