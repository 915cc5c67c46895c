/* --rerun: what makes a task stale. */
#ifndef TF_CLI_RERUN_H
#define TF_CLI_RERUN_H

#include "graph/graph.h"

/* The words for it; NULL at their end. */
const char *rerun_word(int number);

/* Sets in the wish what a list of these words names, with commas between; NULL names all. false after a diagnostic. */
bool rerun_parse(const char *list, tf_wish *wish, tf_diags *diags);

#endif
