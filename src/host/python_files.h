/* Files of arrays that a Python process reads its tasks' blocks of. */
#ifndef TF_HOST_PYTHON_FILES_H
#define TF_HOST_PYTHON_FILES_H

#include "host/python_slot.h"

/* Gives the process the files of the arrays of the batch under way, if it has not got them yet. false: they can't be
 * had, and python_files_refuse was called. */
bool python_files_give(host *h, python_slot *s);

/* Leaves the row under way, and those behind it, since its blocks can't be read here: the rank is to read them. */
void python_files_refuse(host *h);

#endif
