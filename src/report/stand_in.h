/* A task of an output whose campaign can't be made again without opening what its manifest names. */
#ifndef TF_REPORT_STAND_IN_H
#define TF_REPORT_STAND_IN_H

#include "report/view.h"

/* What is not put in. */
typedef struct stand_in_gaps {
    bool params; /* some parameter: the row has not been written */
    bool inputs; /* what matches a pattern, or outputs of other stages */
} stand_in_gaps;

/* Tells of the task as view_tell_point does: by the manifest's text and the parameters that are in the output. Opens
 * nothing. What is not known stands there by its placeholder. `values`: per field of the view; without a field: it
 * could not be read. false: it can't be told so. */
bool stand_in_tell(const tf_recalled *from, view *v, int stage, int64_t index, const view_values *values,
                   void (*tell)(void *context, const tf_stage_spec *spec, const tf_point *point), void *context,
                   stand_in_gaps *gaps);

#endif
