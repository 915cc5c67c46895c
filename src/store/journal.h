/* OUTPUT.d/journal: the contents of the file when its metadata was last whole on disk, and whether it may be anything
 * else by now. Written by one process, as entries that follow each other: the first has all contents and replaces
 * whatever was there, each of the others says what has changed since. So a change costs what it changes.
 *
 * Before metadata changes the journal says so ("dirty"); after the flush it has the new contents. A file found with a
 * dirty journal is not opened: its rows are read by the places that the journal names. An entry that was cut off as it
 * was written has said nothing but that a change was under way. */
#ifndef TF_STORE_JOURNAL_H
#define TF_STORE_JOURNAL_H

#include "store/contents.h"
#include "store/folder.h"

/* Writes it anew, under its name in OUTPUT.d. With `dirty` it says that the file's metadata is about to change. */
tf_err journal_write(const char *output, const char *name, const contents *c, bool dirty, tf_error *error);

/* What is to be said of a stage: all of it, or that it is finished. */
typedef struct journal_stage {
    const contents_stage *stage;
    bool whole;
} journal_stage;

/* Adds an entry, of what has become of some stages. `end` says where the journal ended after the call before, and is
 * zero before the first: where it ends elsewhere by now, it is written anew, with all contents. */
tf_err journal_add(const char *output, folder_end *end, const contents *c, const journal_stage *stage, size_t stages,
                   bool dirty, tf_error *error);

/* Adds an entry that says what contents_note_incident has been told. */
tf_err journal_add_incident(const char *output, folder_end *end, const contents *c, int number, const char *incident,
                            bool dirty, tf_error *error);

/* The same of the last incident of a run, after which it does nothing more, in whichever state its file is: says
 * nothing of that. From any thread: of what the run knows nothing is needed. */
tf_err journal_add_last_incident(const char *output, const char *incident, tf_error *error);

/* Reads it. `*there` tells whether there is one; an error with `*there` is that it is damaged. */
tf_err journal_read(const char *output, contents *c, bool *dirty, bool *there, tf_error *error);

#endif
