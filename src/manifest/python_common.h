/* Common values of Python functions. */
#ifndef TF_MANIFEST_PYTHON_COMMON_H
#define TF_MANIFEST_PYTHON_COMMON_H

#include <cjson/cJSON.h>

struct tf_stage_spec;

/* Adds a hash of the contents of each. The files are read: from the current folder, which is the work folder. */
void python_identify_common(const struct tf_stage_spec *stage, cJSON *object);

#endif
