/* The axes of a stage's space, for readers that have nothing but the file. */
#ifndef TF_STORE_AXES_H
#define TF_STORE_AXES_H

#include "store/state.h"

/* Collective. Notes what axes a new stage has, if its space is the product of some: in an attribute of its group how
 * long each is, and which parameters it gives; and in datasets their values, where there are not too many. false is
 * HDF5's failure. */
bool store_note_axes(tf_store *store, const tf_stage_spec *spec, hid_t group);

#endif
