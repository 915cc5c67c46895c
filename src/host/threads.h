/* What a task's processes are told of threads and pictures. */
#ifndef TF_HOST_THREADS_H
#define TF_HOST_THREADS_H

#include "manifest/manifest.h"

/* Adds variables that the user has not set, as words NAME=VALUE, each ended by a NUL. Returns their number. */
int threads_add_variables(const tf_stage_spec *stage, tf_buf *words);

#endif
