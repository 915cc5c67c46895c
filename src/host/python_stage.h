/* What a Python process is told of a stage, once, before it runs its tasks. */
#ifndef TF_HOST_PYTHON_STAGE_H
#define TF_HOST_PYTHON_STAGE_H

#include "manifest/manifest.h"

/* Adds the packet: {"stage": {...}}. */
void python_stage_add(const tf_campaign *campaign, const tf_stage_spec *stage, tf_buf *out);

/* Do the functions of both stages, and what they call "init", lie in the same folders? One interpreter serves scripts
 * of one folder alone: modules of one name beside others are other modules. */
bool python_stage_has_same_folders(const tf_stage_spec *a, const tf_stage_spec *b);

/* Can a process that was started for one of these stages run the tasks of the other? */
bool python_stage_is_alike(const tf_stage_spec *a, const tf_stage_spec *b);

#endif
