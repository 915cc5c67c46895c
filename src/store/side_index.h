/* Where in this rank's side file the records of each stage are, so that a stage's end looks at no others'. */
#ifndef TF_STORE_SIDE_INDEX_H
#define TF_STORE_SIDE_INDEX_H

#include "store/state.h"

/* Bytes first .. end - 1 of the side file have records of the stage, behind all that it had before. */
static inline void side_index_note(tf_store *s, int stage, int64_t first, int64_t end) {
    store_stage *st = &s->stage[stage];
    if (st->side_end == 0)
        st->side_first = first;
    st->side_end = end;
}

/* Goes through what is in the side file as it is opened. */
tf_err side_index_read(tf_store *store, tf_error *error);

/* Says that there is no whole record of ours at this byte. Returns the error's code. */
tf_err side_index_damaged(const tf_store *store, size_t at, tf_error *error);

#endif
