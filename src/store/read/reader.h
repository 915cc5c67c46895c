/* What a reader has opened, for those who look further. */
#ifndef TF_STORE_READER_H
#define TF_STORE_READER_H

#include "store/read/read.h"
#include "store/resume/plan.h"

const old_output *reader_output(const tf_reader *reader);

#endif
