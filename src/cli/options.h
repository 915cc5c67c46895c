/* What the command line says, and its options as data: what parses them and what tells of them (help, manual pages,
 * completion) read the same table. */
#ifndef TF_CLI_OPTIONS_H
#define TF_CLI_OPTIONS_H

#include "report/report.h"

struct verb;

typedef struct options {
    int words;                /* number of words of the command line */
    const char **word;        /* these words, as given */
    const struct verb *verbs; /* the table of all verbs */
    const char *verb;         /* name of the verb that was given */
    const char *kind;         /* the kind that was given; NULL: the verb has no kinds */
    const char *manifest;     /* the first file: a manifest, an output or what is to be imported */
    int arguments;            /* number of arguments behind that file */
    const char **argument;    /* these arguments */
    const char *output;       /* absolute, or NULL */
    const char *format, *columns, *where, *sort;
    const char *workdir; /* absolute, or NULL */
    const char *seed;
    const char *retries;
    int sets;
    const char **set;
    int slots, nodes;      /* 0: not given */
    int bind;              /* tf_bind */
    int mpi;               /* option_mpi */
    int progress;          /* tf_progress_style */
    double time;           /* seconds that a job may take; 0: not given */
    const char *time_text; /* the same as it was given */
    double sync;           /* seconds; 0: never */
    double walltime;       /* seconds; 0: no limit */
    double grace;          /* seconds */
    double patience;       /* seconds; 0: not given */
    const int *stop_with;  /* a descriptor; NULL: not given */
    const char *exit_file; /* absolute; NULL: not given */
    double started;        /* tf_now() */
    double latency;        /* seconds; negative: not given */
    const char *rerun;     /* NULL: not given */
    int forces, targets;
    const char **force, **target;
    bool fresh, salvage, json, raw, safe, watch, dry_run, verbose, commands, by_task, no_start, trust, touch,
        keep_incomplete;
    tf_arena *arena;
} options;

/* Is MPI used? */
typedef enum option_mpi {
    OPTION_MPI_AUTO, /* if a launcher has started this process */
    OPTION_MPI_YES,
    OPTION_MPI_NO
} option_mpi;

typedef enum option_id {
    OPTION_OUTPUT,
    OPTION_DESTINATION,
    OPTION_WORKDIR,
    OPTION_SET,
    OPTION_SEED,
    OPTION_RERUN,
    OPTION_FORCE,
    OPTION_UNTIL,
    OPTION_TOUCH,
    OPTION_FRESH,
    OPTION_SALVAGE,
    OPTION_DRY_RUN,
    OPTION_KEEP_INCOMPLETE,
    OPTION_LATENCY_WAIT,
    OPTION_SLOTS,
    OPTION_BIND,
    OPTION_MPI,
    OPTION_RETRIES,
    OPTION_SYNC,
    OPTION_WALLTIME,
    OPTION_GRACE,
    OPTION_PATIENCE,
    OPTION_STOP_WITH,
    OPTION_EXIT_FILE,
    OPTION_PROGRESS,
    OPTION_VERBOSE,
    OPTION_COMMANDS,
    OPTION_NO_START,
    OPTION_TASKS,
    OPTION_COLUMNS,
    OPTION_WHERE,
    OPTION_SORT,
    OPTION_TRUST,
    OPTION_NODES,
    OPTION_TIME,
    OPTION_EXPORT_FORMAT,
    OPTION_REPORT_FORMAT,
    OPTION_SAFE,
    OPTION_RAW,
    OPTION_JSON,
    OPTION_WATCH,
    OPTIONS
} option_id;

/* Options form sets: those that a verb takes. */
#define TAKES(option) (UINT64_C(1) << OPTION_##option)

typedef struct option_spec {
    const char *name;
    const char *variable;            /* of the environment, which has the value where the option is not given */
    char letter;                     /* that stands for it; 0: none does */
    const char *value;               /* "FILE"; NULL: it takes none */
    const char *(*word)(int number); /* the words that its value may be; NULL at their end. NULL: it may be any text */
    const char *about;               /* "{words}" in it stands for these words */

    /* Stores the value in the member at `at`. TF_OK, or an exit status after a diagnostic. */
    int (*set)(options *o, const struct option_spec *spec, const char *value);
    size_t at;
    int64_t most; /* the largest integer that the value may be; the least is 1 */
} option_spec;

/* By option_id. Two may have one name, and mean something else to other verbs; no verb takes both. */
extern const option_spec option_table[OPTIONS];

/* ---- The words that values may be (option_words.c) ---- */

const char *option_bind_word(int number);     /* by tf_bind */
const char *option_mpi_word(int number);      /* by option_mpi */
const char *option_progress_word(int number); /* by tf_progress_style */
const char *option_export_format(int number);
const char *option_report_format(int number);

/* Adds what help says of the option. */
void option_add_about(const option_spec *spec, tf_buf *out);

/* ---- Ways to store a value (option_values.c) ---- */

int option_set_flag(options *o, const option_spec *spec, const char *value);
int option_set_text(options *o, const option_spec *spec, const char *value);
int option_set_path(options *o, const option_spec *spec, const char *value);    /* absolute */
int option_set_integer(options *o, const option_spec *spec, const char *value); /* an int */
int option_set_time(options *o, const option_spec *spec, const char *value);
int option_set_job_time(options *o, const option_spec *spec, const char *value);
int option_set_time_or_none(options *o, const option_spec *spec, const char *value); /* also 0 */
int option_set_choice(options *o, const option_spec *spec, const char *value); /* an int: which of the words it is */
int option_set_descriptor(options *o, const option_spec *spec, const char *value); /* an open one */
int option_add_setting(options *o, const option_spec *spec, const char *value);
int option_add_force(options *o, const option_spec *spec, const char *value);
int option_add_target(options *o, const option_spec *spec, const char *value);

#endif
