/* What a manifest says of a run that is a Python function. */
#ifndef TF_MANIFEST_PYTHON_H
#define TF_MANIFEST_PYTHON_H

#include <stdbool.h>
#include <stdint.h>

/* A function, as FILE.py:FUNCTION, MODULE:FUNCTION or FILE.pickle:NAME says it. */
typedef struct tf_python_target {
    const char *text;     /* as it is written; NULL: there is none */
    const char *file;     /* path, relative to the work folder; "": a module that is imported by its name */
    const char *module;   /* "measure" of lib/measure.py, "package.module"; "" of a pickle */
    const char *function; /* NAME, or CLASS.NAME */
    bool is_pickle;
} tf_python_target;

/* Whether the slots' processes are forked from one that has imported the module. */
typedef enum tf_python_warm { TF_WARM_AUTO, TF_WARM_YES, TF_WARM_NO } tf_python_warm;

/* A value that all tasks share: a file. */
typedef struct tf_python_common {
    const char *name, *path; /* relative to the work folder */
} tf_python_common;

enum { TF_MOST_BATCH = 1 << 30 };

/* How many tasks one call gets, as arrays. */
typedef struct tf_python_batch {
    int64_t tasks;
    bool is_auto; /* "auto": until the run is planned it may become that of rows that are there (batches.c) */
} tf_python_batch;

typedef struct tf_python_spec {
    tf_python_target target;
    tf_python_target init; /* called once in each process before its first task */
    tf_python_warm warm;
    int preloads, commons;
    const char *const *preload; /* modules that are imported before the function's own */
    const tf_python_common *common;
    tf_python_batch *batch; /* NULL: a task a call, which gets values */
    bool seed_globals;
    const char *first; /* path of what keeps the value of a task that was tried before the run; NULL: none was */
} tf_python_spec;

#endif
