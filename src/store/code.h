/* Which rows of a stage are of which code (see tf_code_files): /STAGE/code and /STAGE/code_rows, and the same in the
 * journal. Written when a run begins, or lays the stage out; a run does not change it. */
#ifndef TF_STORE_CODE_H
#define TF_STORE_CODE_H

#include "store/h5read.h"
#include <cjson/cJSON.h>

typedef struct code_version {
    uint64_t hash; /* 0: not known */
    int64_t run;   /* number of the first run that had it, from 1; 0: not known */
    char *files;   /* JSON */
    tf_intervals rows;
} code_version;

/* The last version is that of all rows that no other has. None at all: nothing is known. */
typedef struct code_history {
    int versions;
    code_version *version;
} code_history;

void code_free(code_history *history);
void code_copy(code_history *to, const code_history *from); /* `to` must be empty */
bool code_equal(const code_history *a, const code_history *b);

/* The history for run number `run`, which has these files and keeps the rows `kept`; these are tasks `place` now (NULL:
 * the same as before). `out` must be empty. */
void code_go_on(const code_history *old, const char *files, int64_t run, const tf_intervals *kept, const int64_t *place,
                code_history *out);

/* These rows are not kept after all. */
void code_drop_rows(code_history *history, const tf_intervals *rows);

/* Adds the rows that are known to be of other code than the last; returns how many those of unknown code are. */
int64_t code_other_rows(const code_history *history, tf_intervals *other);

/* Adds the files in which these differ, as tf_code_changed. */
void code_changed_files(const code_history *history, tf_buf *names);

cJSON *code_json(const code_history *history);
void code_parse(const cJSON *json, int64_t tasks, code_history *history); /* empty if it is damaged */

/* Adds a version that has no rows yet. */
code_version *code_add_version(code_history *history, uint64_t hash, int64_t run, const char *files);

/* Adds rows first .. end - 1 to a version. false: a stage of so many tasks has no such rows. */
bool code_add_rows(code_version *version, int64_t first, int64_t end, int64_t tasks);

/* Writes it to the stage's group, in place of what is there. Collective where several ranks have the file open, of
 * which one `writes`. Negative on failure. */
herr_t code_write(hid_t group, const code_history *history, bool writes);

/* Reads it from there; empty if there is none. false: it is damaged. */
bool code_read(hid_t group, int64_t tasks, code_history *history, h5_fault *fault);

#endif
