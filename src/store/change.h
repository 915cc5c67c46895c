/* Changes of the file's metadata: a stage that is laid out, blobs, reductions, the end. Ranks make them together. */
#ifndef TF_STORE_CHANGE_H
#define TF_STORE_CHANGE_H

#include "store/state.h"

#define STORE_REPLACED "%s: has been replaced by another file while this run was at work"

/* Independent: the file is still there under its name, and as long as it was. What is written to one that is not is
 * lost. */
tf_err store_check_file(tf_store *store, tf_error *error);

/* Notes how long the file is, once HDF5 has written all that it had to. Datasets that were removed may have made it
 * shorter. */
void store_note_size(tf_store *store);

/* Collective. Before metadata changes; and after it has changed: then it is brought to disk, and what has become of the
 * stage (-1: none) is noted. */
tf_err store_begin_change(tf_store *store, tf_error *error);
tf_err store_end_change(tf_store *store, int stage, bool finished, tf_error *error);

/* Collective calls that keep the ranks waiting are noticed between these (vigil.c). */
void store_begin_vigil(tf_store *store);
void store_end_vigil(tf_store *store);

/* This rank works, for which the others wait: to be called every now and then where it neither reads nor writes. */
void store_show_work(const tf_store *store);

/* While this is on, a rank that can't write the file ends all ranks at once: HDF5 is in a call in which the others
 * would wait for it for ever. */
void store_guard(const tf_store *store, bool on);

/* ---- Room (reserve.c) ---- */

/* Collective. Is there room for a change of the stage's metadata, of so many datasets? HDF5's ranks write it together,
 * and one whose write fails ends the run: so it is seen to before. */
tf_err store_make_room(const tf_store *store, int stage, int datasets, tf_error *error);

/* Rank 0 reserves room for a stage that has been laid out; other ranks do nothing. */
tf_err store_reserve(const tf_store *store, int stage, tf_error *error);

/* On rank 0: may each rank write a file that is long enough to hold this dataset of the stage? */
tf_err store_check_length(const tf_store *store, int stage, const table *table, tf_error *error);

/* Collective: asks each rank how long a file it may write. */
void store_learn_limit(tf_store *store);

#endif
