/* How a process of the engine's Python side is called: its command line, environment and folder. */
#ifndef TF_HOST_PYTHON_WORDS_H
#define TF_HOST_PYTHON_WORDS_H

#include "host/process.h"

/* Sets these for the stage of the batch under way. The process is to have its socket as PROCESS_CHANNEL. */
void python_words_set(host *h, process *p, const char *verb);

#endif
