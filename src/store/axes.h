/* The axes of a stage's space, for readers that have nothing but the file. */
#ifndef TF_STORE_AXES_H
#define TF_STORE_AXES_H

#include "store/state.h"

/* Collective. Notes what axes a new stage has, if its space is the product of some: in an attribute of its group how
 * long each is, and which parameters it gives; and makes datasets for their values, where there are not too many, which
 * stay open in `stage->axis`. false is HDF5's failure. */
bool store_note_axes(tf_store *store, const tf_stage_spec *spec, store_stage *stage);

/* The first rank writes them, in which nobody else has a part. To be called when room has been reserved. false is
 * HDF5's failure. */
bool store_fill_axes(const tf_store *store, const tf_stage_spec *spec, store_stage *stage);

/* Collective. Closes them. */
void store_close_axes(const tf_stage_spec *spec, store_stage *stage);

#endif
