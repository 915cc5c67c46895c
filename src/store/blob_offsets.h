/* Where the blobs of a stage go in their byte heap. */
#ifndef TF_STORE_BLOB_OFFSETS_H
#define TF_STORE_BLOB_OFFSETS_H

#include "store/entries.h"
#include "store/state.h"

/* Collective: sets the offsets of all entries, writes the index. false if that failed. */
bool blob_offsets_place(const tf_store *store, entries *list, const table *index);

#endif
