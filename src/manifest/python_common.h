/* Common values of Python functions. */
#ifndef TF_MANIFEST_PYTHON_COMMON_H
#define TF_MANIFEST_PYTHON_COMMON_H

#include <cjson/cJSON.h>

#include "manifest/manifest.h"

/* Adds an item for each: {"path", "common": its name, "contents": a hash, "size", "time", "inode"}. The files are read,
 * from the work folder, but for those that `known`, an earlier list, has as they are. */
void python_list_common(const tf_stage_spec *stage, const cJSON *known, cJSON *list);

#endif
