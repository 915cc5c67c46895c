/* What an output holds and where: for each stage that is laid out its datasets, with their place in the file. Rows are
 * contiguous, so that they can be read back by this alone, whatever became of HDF5's own metadata. */
#ifndef TF_STORE_CONTENTS_H
#define TF_STORE_CONTENTS_H

#include "store/code.h"
#include "store/h5read.h"

/* A dataset; `path` is relative to the stage's group: "results/snr". */
typedef struct contents_table {
    char *path;
    int64_t offset; /* in the file, bytes; -1: it has no bytes */
    int64_t rows, row_bytes;
} contents_table;

/* Attribute of a stage that is finished: by it one is known even where the journal is lost. */
#define CONTENTS_FINISHED "finished"

typedef struct contents_stage {
    char *name;
    char *fingerprint; /* see tf_fingerprint */
    int64_t tasks;
    bool finished; /* its blobs and reductions are in the file, and whole */
    code_history code;
    int64_t enough; /* number of tasks of which its "until" was true; 0: it was not true */
    char *until;    /* that "until"; NULL: it was not true. Both are read where one process has the file alone */
    int tables;
    contents_table *table;
} contents_stage;

typedef struct contents {
    int64_t run;    /* number of the run that made or changed the file, from 1 */
    double elapsed; /* s that all runs before this one took */
    char *runs;     /* all runs, as a JSON array (runs.c); NULL: nothing is known of them */
    int names;
    char **name; /* names of the stages in the run's manifest, in its order: side files number stages so */
    int stages;
    contents_stage *stage;
    tf_table by_name; /* the stages' numbers */
} contents;

/* Where the rows are of a dataset that is inside the file; a chunk is a row where it has chunks. `path` stays as it is.
 * false: there can't be so many. */
bool contents_place(hid_t dataset, contents_table *table, h5_fault *fault);

/* Datasets of a stage that are open, by their paths in its group. */
typedef struct contents_open {
    tf_table number;
    hid_t *dataset;
} contents_open;

void contents_add_open(contents_open *open, const char *folder, const char *name, hid_t dataset);
void contents_free_open(contents_open *open);

/* Drops what was noted of stages. What is known of the runs stays. */
void contents_drop_stages(contents *contents);
void contents_free(contents *c);

/* `to` must be empty. */
void contents_copy(contents *to, const contents *from);

enum { CONTENTS_NEXT = INT32_MIN }; /* in place of an incident's number: it comes behind those that there are */

/* What has befallen a worker of the last run: a JSON object, which is added, or replaces the one of that number. What
 * makes no sense changes nothing. */
void contents_note_incident(contents *c, int number, const char *incident);
void contents_set_names(contents *c, const tf_campaign *campaign);

/* Reads the stage's datasets from the file, in place of what was known of it. `finished` is kept as it is. With several
 * ranks in the file one of them may call this alone if it knows the fingerprint: to read an attribute of varying length
 * changes what HDF5 remembers of the heap that it is in, which must be the same on all ranks. NULL: read it, and the
 * code too; else that is copied. `open`: what need not be opened again; NULL: nothing. false: it is damaged, and what
 * was found so far is there. */
bool contents_read_stage(contents *c, hid_t file, const char *name, const char *fingerprint, const code_history *code,
                         const contents_open *open, h5_fault *fault);

/* All stages of a file. */
bool contents_read_file(contents *c, hid_t file, h5_fault *fault);

/* Sets which stages are finished, as they say themselves. */
bool contents_read_finished(contents *c, hid_t file, h5_fault *fault);

/* Do the numbers make sense, for a file of that size? They may come from a journal as well. */
bool contents_check(const contents *c, int64_t size, h5_fault *fault);

/* Adds a stage of which nothing is known but its name, which is taken. Of two with the same name the first is found. */
contents_stage *contents_add(contents *c, char *name);

/* Forgets all that is known of a stage but its name. Returns it. */
contents_stage *contents_clear_stage(contents_stage *stage);

contents_stage *contents_find(const contents *c, const char *stage);                    /* NULL if there is none */
const contents_table *contents_table_at(const contents_stage *stage, const char *path); /* likewise */

#endif
