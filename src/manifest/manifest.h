/* JSON text -> a validated, immutable campaign. Every mistake in a manifest is found here, all at once, before MPI does
 * any work and before any file is touched. Knows neither MPI nor HDF5. */
#ifndef TF_MANIFEST_H
#define TF_MANIFEST_H

#include <string.h>

#include "base/base.h"

/* ---- Where file contents come from ---- */

/* Manifests name lists, tables and patterns. What they are read from is passed in: the disk, a bundle recorded on
 * rank 0, or a test's table. Functions return 0 or an errno. */
typedef struct tf_source tf_source;
struct tf_source {
    /* Adds the file's bytes to `out`. */
    int (*read)(tf_source *self, const char *path, tf_buf *out);
    /* Adds the matching paths in byte order, each ended by a NUL; none matching is no error. */
    int (*glob)(tf_source *self, const char *pattern, tf_buf *out);
    /* Adds what tf_csv_scan finds; NULL: there are no such tables. */
    int (*scan)(tf_source *self, const char *path, int64_t batch, int64_t before, tf_buf *out);
};

/* The file system, relative to the current folder. */
tf_source tf_source_disk(void);

/* ---- Diagnostics ---- */

/* All that is wrong with a manifest, one line each, as "FILE: POINTER: text". Owned by the caller. */
typedef struct tf_diags {
    const char *file; /* the manifest's name as the user gave it */
    tf_buf lines;
    int count;
} tf_diags;

void tf_diags_add(tf_diags *diags, const char *pointer, const char *format, ...) TF_PRINTF(3, 4);
void tf_diags_free(tf_diags *diags);

/* ---- Spaces ---- */

/* A lazy parameter space: point i's values are computed from i, and nothing is ever expanded. */
typedef struct tf_space tf_space;

typedef struct tf_param_spec {
    const char *name;
    tf_type type;      /* TF_BOOL, TF_INT64, TF_FLOAT64 or TF_STRING */
    int64_t max_bytes; /* strings: the longest value */
    bool given;        /* by another stage's rows: tf_space_fill does not know it */
    bool has_texts;    /* numbers that were written in their own way: see tf_space_text */
    const char *why;   /* a column of a table is of this type, for people; NULL: as it looks */
} tf_param_spec;

/* Rows of another stage that give parameters: point i of the space has the one at i / stride % rows of the list. */
typedef struct tf_space_source {
    int stage;        /* its number, */
    const char *name; /* and name */
    int64_t rows, stride;
    const int64_t *row; /* the list; NULL: all rows in order */
    int first, params;  /* parameters first .. first + params - 1 of the space */
    const int *param;   /* per parameter: which of that stage's parameters it is; -1: a column */
    const int *column;  /* likewise */
    const char *where;  /* an expression that the parameters must make true; NULL: none */
} tf_space_source;

enum { TF_LONGEST_GIVEN = 1024 }; /* bytes of a string that is a column of another stage */

int64_t tf_space_size(const tf_space *space);
int tf_space_params(const tf_space *space);
const tf_param_spec *tf_space_param(const tf_space *space, int param);
int tf_space_find(const tf_space *space, const char *name); /* -1 if there is none */

int tf_space_sources(const tf_space *space);
const tf_space_source *tf_space_source_at(const tf_space *space, int n);

/* Values of one parameter, not a given one, for points first .. first + count - 1 into `out`: uint8_t, int64_t, double
 * or const char * (owned by the space) by its type. */
void tf_space_fill(const tf_space *space, int param, int64_t first, int64_t count, void *out);

/* What stands in the table that a number of the point comes from: "1E5", "+1.10". NULL: nothing else than what it is
 * printed as. */
const char *tf_space_text(const tf_space *space, int param, int64_t index);

/* Bytes of one value there. */
size_t tf_space_value_size(tf_type type);

/* Values as they are stored in the output: strings as cells of one size, padded with NULs. */
size_t tf_space_cell_size(const tf_space *space, int param);
void tf_space_cells(const tf_space *space, int param, const void *values, int64_t count, void *cells);

/* A hash of how the first `points` points are made, by which spaces are told apart without going through their points.
 * Equal hashes mean equal points. 0 if the space can't be cut there without going through them. */
uint64_t tf_space_hash(const tf_space *space, int64_t points);

/* ---- Expressions ---- */

/* Arithmetic on named values, checked when the manifest is read: "n > 10 && filter == 'R'". Numbers are double
 * precision (integers beyond 2^53 are rounded), truth is 1 and 0. */
typedef struct tf_expr tf_expr;
const char *tf_expr_source(const tf_expr *expr); /* as written in the manifest */

/* An expression of named values, and of "index", that is in no manifest. The arena owns it. NULL after a complaint. */
typedef struct tf_expr_name {
    const char *name;
    tf_type type;
} tf_expr_name;

const tf_expr *tf_expr_parse(const char *source, const tf_expr_name *names, int count, tf_arena *arena,
                             tf_diags *diags);

/* Does it use the name's value? Names are numbered as where it was loaded: the parameters of its stage, then what else
 * there was. */
bool tf_expr_uses(const tf_expr *expr, int name);

/* Adds what its values depend on besides those of the names. */
void tf_expr_resolved(const tf_expr *expr, tf_buf *out);

/* What evaluates an expression: for one thread. Random numbers are those of the stage's tasks. The expression and
 * `stage` must outlive it. */
typedef struct tf_eval tf_eval;
tf_eval *tf_eval_new(const tf_expr *expr, uint64_t seed, const char *stage);
void tf_eval_free(tf_eval *eval);

/* Its values for tasks first .. first + count - 1. values[n] has those of name n, as tf_space_fill gives them; of names
 * that are not used it may be NULL. */
void tf_eval_run(tf_eval *eval, const void *const *values, int64_t first, int64_t count, double *out);

bool tf_eval_is_true(double value); /* neither 0 nor NaN */

/* Numbers of one task, element by element: values[n] has `count` elements where name n is an array, else one. Random
 * numbers are drawn from the task's streams, one an element. */
void tf_eval_elements(tf_eval *eval, const void *const *values, int64_t index, int64_t count, double *out);

/* ---- Tables in parts ---- */

/* CSV files with the same columns, as one table that is read a part at a time. */
typedef struct tf_csv tf_csv;

/* Goes through a file, of which parts of `batch` records are made; `before` are in the files before it. What there is
 * to know of it is added to `out`, for the loader. Returns 0 or an errno. */
int tf_csv_scan(const char *path, int64_t batch, int64_t before, tf_buf *out);

int tf_csv_fields(const tf_csv *csv);
tf_param_spec tf_csv_field(const tf_csv *csv, int field);

/* Reads the records of a part: out[f] gets the values of field f (int64_t, double, or texts as NUL-padded cells), NULL:
 * they are not wanted. Fails if a file can't be read or has changed. */
tf_err tf_csv_read(const tf_csv *csv, int64_t part, void *const *out, tf_error *error);

/* ---- Arrays ---- */

/* An array with a block for each point of a space: the dimensions of a "blocks" axis, and of the axes before and behind
 * it, each point of which is a block's length. The order of the blocks, the last dimension fastest, is that of the
 * points. */
typedef struct tf_grid {
    const char *axis; /* its name */
    int rank;
    int64_t shape[TF_MAX_RANK], chunk[TF_MAX_RANK]; /* chunks are cut off at the ends */
    const char *label[TF_MAX_RANK];                 /* of the dimensions */
    int first, inner;                               /* dimensions first .. first + inner - 1 are the axis's */
} tf_grid;

/* Where point's block begins, and its lengths. */
void tf_grid_block(const tf_grid *grid, int64_t point, int64_t *start, int64_t *count);

/* Line n of a block that has `count` elements by dimension: where it begins in a chunk whose corner the block is. */
int64_t tf_line_in_chunk(int rank, const int64_t *count, const int64_t *chunk, int64_t n);

/* An array that tasks read a block of, with a halo. Elements come in C order. */
typedef struct tf_array_spec {
    const char *name;
    const char *pointer; /* JSON pointer */
    tf_type type;        /* of the elements, as tasks get them */
    const tf_grid *grid;
    int64_t halo[TF_MAX_RANK]; /* elements on either side; by the axis's dimensions */
    bool reflect;              /* beyond the ends the halo is as in a mirror; else it ends there */
    int64_t elements;          /* the most that a block has, with its halo */
    size_t element;            /* bytes of one */
    const tf_csv *csv;         /* a column of such a table: this field; NULL: it is none */
    int field;
    int file;            /* which of the stage's inputs it is in; -1: it is */
    const char *dataset; /* in that file */
    int stage, column;   /* that column of another stage */
} tf_array_spec;

static inline size_t tf_array_bytes(const tf_array_spec *array) {
    return (size_t)array->elements * array->element;
}

/* Which part of its table a task has. */
int64_t tf_array_part(const tf_array_spec *array, int64_t index);

/* The axis's dimensions of the task's block: of an array that is read, and of a column with a grid. */
void tf_array_place(const tf_array_spec *array, int64_t index, tf_block *block);
void tf_grid_place(const tf_grid *grid, int64_t index, tf_block *block);
int64_t tf_block_elements(const tf_block *block);

/* ---- Files ---- */

typedef enum tf_file_kind {
    TF_FILE_PATH,   /* one path */
    TF_FILE_SPLIT,  /* a text that holds paths */
    TF_FILE_GLOB,   /* what matches a pattern, outputs of the campaign left out */
    TF_FILE_OUTPUTS /* outputs of a stage */
} tf_file_kind;

typedef struct tf_template tf_template;

/* One entry of a stage's "inputs" or "outputs": a file or several. */
typedef struct tf_file_spec {
    const char *name;    /* as in {inputs.NAME}; NULL in a list */
    const char *pointer; /* JSON pointer, for complaints */
    tf_file_kind kind;
    const tf_template *text;   /* path, pattern, or text to split */
    const char *separators;    /* TF_FILE_SPLIT: between paths */
    int stage;                 /* TF_FILE_OUTPUTS: of this stage */
    const char *output;        /* the name of one of its outputs; NULL: all of them */
    int matches;               /* parameters in which its tasks must agree with ours: */
    const char *const *match;  /* their names, */
    const int *mine, *theirs;  /* and numbers */
    const tf_expr *where;      /* of their parameters: which tasks are meant; NULL: all */
    tf_table patterns;         /* TF_FILE_GLOB: each pattern's list */
    tf_buf *list;              /* of the paths that matched as the campaign was read, each ended by a NUL */
    bool allow_empty, by_hash; /* inputs, */
    bool stage_in;             /* copied to the node's own disk */
    bool temp, protect;        /* outputs */
    bool outside;              /* outputs and logs: may be where links lead, or outside the work folder */
} tf_file_spec;

/* Has the entry this name? NULL is any. */
static inline bool tf_file_has_name(const tf_file_spec *spec, const char *name) {
    return !name || (spec->name && strcmp(spec->name, name) == 0);
}

/* Files of one task. Paths are relative to the work folder, or absolute where they are outside of it, without ".", ".."
 * or "//". */
typedef struct tf_path {
    const tf_file_spec *spec;
    size_t at; /* in the text */
} tf_path;

typedef struct tf_paths {
    tf_buf text; /* paths, each ended by a NUL */
    tf_path *item;
    size_t count, capacity;
} tf_paths;

static inline const char *tf_paths_text(const tf_paths *paths, size_t i) {
    return paths->text.data + paths->item[i].at;
}

void tf_paths_clear(tf_paths *paths); /* keeps the memory */
void tf_paths_free(tf_paths *paths);

/* Folders that are links, and what they led to when somebody looked: all zeros is none. */
typedef struct tf_links {
    tf_table paths;
    tf_buf text; /* per link: its path and what that led to, each ended by a NUL */
} tf_links;

void tf_links_add(tf_links *links, const char *path, size_t length, const char *target);
const char *tf_links_find(const tf_links *links, const char *path, size_t length); /* NULL: it is none of them */
void tf_links_free(tf_links *links);

/* ---- Templates ---- */

/* tf_template: text with {placeholders}, parsed and resolved when the manifest is read. */

/* What a task's placeholders stand for. params[p] points to the value of parameter p, as tf_space_fill stores it. */
typedef struct tf_point {
    int64_t index;
    uint64_t seed;
    const char *scratch;
    const void *const *params;
    const tf_paths *inputs, *outputs; /* where the template uses them */
    const char *folder;               /* put before paths that are relative; NULL: nothing */
} tf_point;

void tf_template_expand(const tf_template *template, const tf_point *point, tf_buf *out);

/* Is it {inputs}, {outputs} or one by name, and nothing else? Then it is a list of paths, each ended by a NUL. Returns
 * how many. */
bool tf_template_is_list(const tf_template *template);
int tf_template_expand_list(const tf_template *template, const tf_point *point, tf_buf *out);
bool tf_template_is_constant(const tf_template *template);      /* the same text for every task */
const char *tf_template_text_name(const tf_template *template); /* of the first text that is put in; NULL: none is */
bool tf_template_uses_scratch(const tf_template *template);
const char *tf_template_source(const tf_template *template); /* as written in the manifest */

/* Adds the template as it could be written with its variables put in. */
void tf_template_resolved(const tf_template *template, tf_buf *out);

/* Adds what its texts begin with for every task. */
void tf_template_beginning(const tf_template *template, tf_buf *out);

/* ---- The campaign ---- */

/* Where a command's column is read from. */
typedef enum tf_from {
    TF_FROM_JSON,  /* member of the JSON object in the last line of stdout */
    TF_FROM_REGEX, /* first match in stdout: group 1, or all of it without groups; see capture.h of long ones */
    TF_FROM_FIELD, /* n-th white-space separated field of the last line of stdout, from 1 */
    TF_FROM_FILE   /* a file: its member if it ends in .json, else its contents */
} tf_from;

#define TF_PROGRAM "program" /* the library of functions that a program brings itself */

enum { TF_MAX_RETRIES = 254, TF_MAX_SLOTS = 4096 };

typedef struct tf_column_spec {
    const char *name;
    tf_type type;
    int rank; /* 0: one element a row */
    int64_t shape[TF_MAX_RANK];
    int64_t elements; /* the product of shape; 1 for rank 0 */
    const tf_grid
        *grid;     /* the column is this array, a row one of its blocks and `shape` the largest; NULL: it is none */
    bool optional; /* an answer may lack it: NaN, or an empty text */
    tf_from from;
    const char *regex;
    int field;
    const tf_template *file;
} tf_column_spec;

/* Bytes of a column in one row; 0 for strings and bytes. */
size_t tf_column_bytes(const tf_column_spec *column);

/* What a reduction makes of the values of one group of rows. */
typedef enum tf_stat_kind {
    TF_STAT_COUNT,   /* values that are there, */
    TF_STAT_MISSING, /* and that are not: NaN */
    TF_STAT_SUM,
    TF_STAT_MEAN,
    TF_STAT_VAR, /* with n - 1, as all that follow from it */
    TF_STAT_STD,
    TF_STAT_STDERR, /* of the mean */
    TF_STAT_MIN,
    TF_STAT_MAX,
    TF_STAT_ARGMIN, /* task; -1: there are no values */
    TF_STAT_ARGMAX,
    TF_STAT_FIRST, /* of the lowest task */
    TF_STAT_MAD,   /* median of the absolute deviations from the median */
    TF_STAT_QUANTILE,
    TF_STAT_HISTOGRAM,
    TF_STAT_TOPK /* the largest, with their tasks */
} tf_stat_kind;

typedef struct tf_stat_spec {
    const char *text; /* as written: "quantile:0.025" */
    tf_stat_kind kind;
    int value;       /* of which */
    double quantile; /* the median is one */
    bool rough;      /* to about six decimal digits will do */
    int64_t size;    /* bins, or how many of the largest; else 1 */
    bool log;        /* bins of equal width in the logarithm */
} tf_stat_spec;

typedef struct tf_reduce_spec {
    const char *name;
    int keys;
    const int *key;       /* values by which rows are grouped */
    const tf_expr *where; /* of the same values; NULL: all rows */
    const tf_grid *grid;  /* of the columns that are arrays: their elements are the rows; NULL: there are none */
    int stats;
    const tf_stat_spec *stat;
    const char *json;     /* as written */
    const char *resolved; /* all that its results depend on */
} tf_reduce_spec;

/* When enough is known: an expression of statistics, looked at when so many tasks have ended, in the order of tasks. */
typedef struct tf_until_spec {
    const tf_expr *expr;   /* its names are the statistics; NULL: the whole space is run */
    tf_reduce_spec reduce; /* that gives those which it uses */
    const int *name;       /* per statistic of it: its number in the expression */
    int names;             /* in the expression */
    int64_t first;         /* tasks before the first look; each next one is after a quarter more */
} tf_until_spec;

/* How many tasks must have ended for the look behind the one at `count`. */
static inline int64_t tf_until_next(int64_t count) {
    return count + (count >= 4 ? count / 4 : 1);
}

typedef enum tf_run_kind {
    TF_RUN_ARGV,
    TF_RUN_SHELL,
    TF_RUN_SERVICE, /* argv of a process that gets tasks, one after the other */
    TF_RUN_FUNCTION,
    TF_RUN_EXPR
} tf_run_kind;

typedef struct tf_env_spec {
    const char *name;
    const tf_template *value;
} tf_env_spec;

typedef struct tf_run_spec {
    tf_run_kind kind;
    /* commands; a shell command is one template */
    int argc;
    const tf_template **argv;
    int envc;
    const tf_env_spec *env;
    const tf_template *cwd;        /* NULL: the work folder */
    const tf_template *stdin_text; /* NULL: nothing */
    int64_t max_tasks;             /* of a service's process; 0: any number */
    /* functions */
    const char *library; /* "builtin", or a path */
    const char *symbol;
    const char *args; /* a JSON object as text */
    /* expressions: one per column; names are the parameters, then the columns before it */
    const tf_expr *const *expr;
    const char *json; /* the whole run as JSON text, for the output file */
} tf_run_spec;

/* A function of a library that is a file. */
static inline bool tf_run_has_library(const tf_run_spec *run) {
    return run->kind == TF_RUN_FUNCTION && strcmp(run->library, "builtin") != 0 &&
           strcmp(run->library, TF_PROGRAM) != 0;
}

/* A process for each task. */
static inline bool tf_run_is_command(const tf_run_spec *run) {
    return run->kind == TF_RUN_ARGV || run->kind == TF_RUN_SHELL;
}

/* The paths that an axis found as it was loaded, and those of the axis before it. */
typedef struct tf_found {
    const struct tf_found *before;
    int64_t count;
    const char *const *path;
} tf_found;

typedef struct tf_stage_spec {
    const char *name;
    char *pointer; /* JSON pointer of the stage, for later diagnostics */
    int number;    /* position in the manifest */
    const tf_space *space;
    const tf_found *found; /* by its axes; NULL: they look for none */
    int wheres;
    const tf_expr *const *where; /* each must be true of a point's parameters, else its task is excluded */
    tf_run_spec run;
    int columns;
    const tf_column_spec *column;
    int arrays, afters;
    const tf_array_spec *array;
    const int *after; /* stage numbers */
    int reductions;
    const tf_reduce_spec *reduction;
    tf_until_spec until;
    int inputs, outputs;
    tf_file_spec *input, *output;
    int codes;
    const char *const *code;                /* files that count as what is run, besides those that are found */
    const tf_file_spec *log;                /* a file that gets the output of a command; NULL: none */
    int64_t capture_stdout, capture_stderr; /* bytes kept per attempt */
    double timeout;                         /* s per attempt; 0: none */
    int retries;                            /* further attempts at a task that has failed */
    double retry_delay;                     /* s before the first of them; doubles with each */
    tf_resources need;                      /* of each task; memory is a limit, too, of its data: 0: none */
    int64_t stop_after;                     /* so many failed tasks stop the campaign; 0: none do */
    bool record_full;
    bool store_params;
} tf_stage_spec;

/* Adds what the task runs, for people: a command line as for a shell, LIBRARY:FUNCTION(ARGS), or expressions. */
void tf_run_text(const tf_stage_spec *stage, const tf_point *point, tf_buf *out);

/* What its tasks take of other stages' rows: parameters or blocks of arrays. */
static inline bool tf_stage_takes_rows(const tf_stage_spec *stage) {
    for (int a = 0; a < stage->arrays; a++)
        if (stage->array[a].stage >= 0)
            return true;
    return tf_space_sources(stage->space) > 0;
}

/* From that one in particular? */
bool tf_stage_takes_from(const tf_stage_spec *stage, int other);

/* What reductions are made of: parameters, behind these columns, then arrays. */
typedef struct tf_value {
    const char *name;
    tf_type type;
    const tf_grid *grid;      /* of arrays, and columns that are one */
    int rank;                 /* of a column's shape */
    int param, column, array; /* which it is; -1: none */
} tf_value;

int tf_stage_values(const tf_stage_spec *stage);
tf_value tf_stage_value(const tf_stage_spec *stage, int value);

/* Its number by name; -1 if there is none. */
int tf_stage_find_value(const tf_stage_spec *stage, const char *name);

/* To MPI-IO, about the output. */
typedef struct tf_hint {
    const char *name, *value;
} tf_hint;

typedef struct tf_campaign {
    const char *name;
    const char *output;  /* path, relative to the work folder or absolute */
    const char *workdir; /* absolute */
    uint64_t seed;
    const char *text; /* the manifest as read */
    int record_envs;
    const char *const *record_env; /* environment variables whose values are recorded */
    int hints;
    const tf_hint *hint;
    int stripes;         /* by a hint: as many; -1: as many as there can be; 0: there is none */
    int64_t stripe_size; /* likewise, in bytes; 0: there is none */
    int reads;           /* files that were read as the campaign was loaded, the manifest first */
    const char *const *read;
    tf_links links;       /* on the way to files that tasks write */
    bool keep_incomplete; /* outputs of attempts that failed are set aside, not removed */
    double latency;       /* s that a file may take to be seen */
    int stages;
    const tf_stage_spec *stage;
    tf_arena *arena;
} tf_campaign;

/* Is it the campaign's output, or in the folder beside that? Paths are relative to the work folder, or absolute. */
static inline bool tf_campaign_is_output(const tf_campaign *campaign, const char *path) {
    const size_t length = strlen(campaign->output);
    return strncmp(path, campaign->output, length) == 0 &&
           (path[length] == '\0' || strncmp(path + length, ".d/", 3) == 0);
}

enum { TF_MOST_FILE_TASKS = 100000000 }; /* in stages with files: each takes some hundred bytes on rank 0 */

/* Tasks of such a stage wait for files and are waited for, one by one. */
static inline bool tf_stage_has_files(const tf_stage_spec *stage) {
    return stage->inputs > 0 || stage->outputs > 0;
}

static inline bool tf_stage_hashes_inputs(const tf_stage_spec *stage) {
    for (int i = 0; i < stage->inputs; i++)
        if (stage->input[i].by_hash)
            return true;
    return false;
}

/* What the command line says about a manifest. Strings are borrowed for the call. */
typedef struct tf_load_options {
    const char *path;    /* the manifest, relative to the current folder (which is the work folder) or absolute */
    const char *display; /* its name in messages */
    const char *workdir; /* absolute */
    const char *output;  /* NULL: as the manifest says */
    const char *seed;    /* NULL: as the manifest says */
    const char *retries; /* NULL: as the manifest says */
    bool keep_incomplete;
    double latency; /* s */
    int sets;
    const char *const *set; /* "NAME=VALUE" */
} tf_load_options;

/* Reads and checks a manifest. NULL if anything is wrong: `diags` has it all. */
tf_campaign *tf_campaign_load(const tf_load_options *options, tf_source *source, tf_diags *diags);
void tf_campaign_free(tf_campaign *campaign);

/* The number of the stage whose name is the first `length` bytes of `name`; -1 if there is none. */
int tf_campaign_stage(const tf_campaign *campaign, const char *name, size_t length);

/* ---- Which files a task reads and makes ---- */

/* Finds the files of tasks. Remembers which outputs belong together; for one thread. The campaign must outlive it. */
typedef struct tf_files tf_files;
tf_files *tf_files_new(const tf_campaign *campaign);
void tf_files_free(tf_files *files);

/* Is the task left out by "where" of its stage? Then it has no files. For stages whose parameters are all their own. */
bool tf_files_leave_out(tf_files *files, int stage, int64_t index);

/* A task's inputs and outputs, in the order of the manifest, in place of what `out` had. */
void tf_files_inputs(tf_files *files, int stage, int64_t index, tf_paths *out);
void tf_files_outputs(tf_files *files, int stage, int64_t index, tf_paths *out);

/* Its log, likewise; nothing where it has none. */
void tf_files_log(tf_files *files, int stage, int64_t index, tf_paths *out);

/* Is a path of those, or of tf_files_normalize, outside the work folder, as far as it is written? */
bool tf_files_is_outside(const char *path);

/* Can a stage's logs be told before other stages have rows? */
bool tf_files_know_log(const tf_stage_spec *stage);

/* Adds the paths of all files that the campaign's tasks make: outputs, and the logs that are known. */
void tf_files_all_outputs(tf_files *files, tf_table *outputs);

/* A path as those in tf_paths, in place of what `out` had. */
void tf_files_normalize(const tf_campaign *campaign, const char *path, tf_buf *out);

/* A hash of the paths of a task's inputs; never 0. */
uint64_t tf_files_input_set(tf_files *files, int stage, int64_t index);

/* A hash of the contents of those inputs whose entry asks for it: 0 if there are none. Contents that have been read
 * once are known by the file's time. Returns the path of a file that can't be read, with the failure as tf_read_failure
 * takes it; NULL: all were read, or are not there. */
const char *tf_files_hash(tf_files *files, const tf_paths *paths, uint64_t *hash, int *failure);

/* Those of one entry, added to `out`. */
void tf_files_of_spec(tf_files *files, int stage, const tf_file_spec *spec, int64_t index, tf_paths *out);

/* The tasks whose outputs an entry of kind TF_FILE_OUTPUTS stands for, for a task of the stage. Returns which of the
 * groups of such tasks it is, -1 if there are none; `*member` is NULL for all the tasks there are. */
int64_t tf_files_group(tf_files *files, int stage, const tf_file_spec *spec, int64_t index, const int64_t **member,
                       int64_t *count);

/* How many groups there are. */
int64_t tf_files_groups(tf_files *files, const tf_file_spec *spec);

/* "stage[filter=R, n=3]": a task for people. */
void tf_task_name(const tf_campaign *campaign, int stage, int64_t index, tf_buf *out);

/* ---- Earlier runs ---- */

/* What is known of a stage from earlier runs; all borrowed. Arrays are per task; NULL: not known. */
typedef struct tf_past {
    const tf_intervals *done;
    const tf_intervals *failed;     /* and not done since */
    const char *changed;            /* what of its run is not as it was then; NULL: nothing */
    bool other_points;              /* its space had other points then */
    bool dropped;                   /* some rows of then are not kept */
    bool interrupted;               /* a run that may have been at it was killed */
    const tf_intervals *other_code; /* of those done, tasks that other code has made; */
    const char *code_changed;       /* which, for people */
    int64_t enough;                 /* tasks of which its "until" was true, as far as they are done; 0: of none */
    const uint64_t *input_set, *input_hash;
    const double *started, *ended; /* s since 1970-01-01 */
} tf_past;

/* ---- Fingerprints ---- */

/* Adds a JSON object of texts, one for each thing that the manifest says and the results of the stage depend on: "run",
 * "kind", "where", "arrays", "results", "parameters", "points_of" (stages), "files" (the names of its files, and where
 * outputs are made), "seed", "space" (tf_space_hash) and what else decides how its part of the output is laid out:
 * "reduce", "record", "store_params". */
void tf_fingerprint(const tf_campaign *campaign, int stage, tf_buf *out);

/* The parts of it that say what points the stage has: "where", "parameters", "seed" and "space". No file is opened. To
 * be deleted. */
struct cJSON *tf_fingerprint_points(const tf_campaign *campaign, int stage);

/* ---- Code ---- */

typedef enum tf_code_kind {
    TF_CODE_PROGRAM, /* what is run */
    TF_CODE_SCRIPT,  /* what an interpreter runs */
    TF_CODE_MODULE   /* "python -m NAME" */
} tf_code_kind;

/* A word of a command line that is the same for all tasks. */
typedef struct tf_code_word {
    tf_code_kind kind;
    const char *text;    /* a path, or a module's name; of a program without a slash it is looked for in PATH */
    const char *folder;  /* that it runs in, with its slash; "": the work folder */
    bool is_python;      /* the script or module is */
    bool is_interpreter; /* the program is one whose scripts are known */
    bool in_shell;       /* it stands in a text for the shell */
} tf_code_word;

typedef void tf_on_code_word(void *context, const tf_code_word *word);

/* Tells of the programs and scripts of a command or service, each with its word. No file is opened. */
void tf_code_words(const tf_run_spec *run, tf_on_code_word *take, void *context);

/* Adds a JSON list of the files that users have written of what the stage runs: {"path", "hash", "size", "time",
 * "inode"}, all of them texts. `known` is such a list of before, by which files are known again without being read;
 * NULL: there is none. Relative to the current folder. */
void tf_code_files(const tf_stage_spec *stage, const char *known, tf_buf *out);

/* A hash of such a list, of names and contents; never 0. */
uint64_t tf_code_hash(const char *files);

/* Adds the paths that are not the same in both lists, each ended by a NUL, and none twice. */
void tf_code_changed(const char *then, const char *now, tf_buf *names);

/* Adds that these paths have changed since so many rows were made. */
void tf_code_tell(const tf_buf *names, int64_t rows, tf_buf *out);

/* ---- Bundles ---- */

/* A campaign as bytes: the options and all that was read. Rank 0 reads each file once and records it; everyone else
 * makes the same campaign from the bundle, whatever happens to the files meanwhile. */
typedef struct tf_recorder {
    tf_source source; /* pass &recorder.source to tf_campaign_load */
    tf_source *below;
    tf_buf bytes;
} tf_recorder;

/* Starts recording; `below` must outlive it. recorder->bytes is the bundle once the campaign is loaded. */
void tf_recorder_start(tf_recorder *recorder, const tf_load_options *options, tf_source *below);
/* The links that were found once the campaign was loaded: part of the bundle, behind all else. */
void tf_recorder_add_links(tf_recorder *recorder, const tf_links *links);
void tf_recorder_free(tf_recorder *recorder);

/* The campaign of a bundle. NULL only if the bytes are no bundle. */
tf_campaign *tf_campaign_unbundle(const void *bytes, size_t size);

/* The work folder that a bundle names; NULL if the bytes are no bundle. */
const char *tf_bundle_workdir(const void *bytes, size_t size);

/* ---- Schema ---- */

/* The JSON Schema of a manifest, as text. */
void tf_schema_write(tf_buf *out);

#endif
