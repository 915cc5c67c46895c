/* An old output is set aside as OUTPUT.1, or under the next free number. Where its name is a link, that stays: what it
 * leads to gets the other name. */
#ifndef TF_STORE_ASIDE_H
#define TF_STORE_ASIDE_H

#include "base/base.h"

bool aside_is_there(const char *path);

/* Renames the output and its folder. Adds to `note` what the output is called now. */
tf_err aside_move(const char *output, tf_buf *note, tf_error *error);

/* The same, before a new file of run number `run` is renamed to the output's name: until then it keeps that as well.
 * Its folder is the new run's, and stays; what earlier ones have left in it goes to the folder of OUTPUT.1. */
tf_err aside_keep(const char *output, int64_t run, tf_buf *note, tf_error *error);

#endif
