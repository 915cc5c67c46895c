/* Where parameters are that a stage takes from rows of others. */
#ifndef TF_STORE_ORIGINS_H
#define TF_STORE_ORIGINS_H

#include "store/state.h"

/* Collective: writes the attribute "from" of a new group of parameters, if any come from other stages. */
bool store_note_origins(const tf_store *s, const tf_space *space, hid_t params);

#endif
