/* Reading which function of Python is meant. */
#ifndef TF_MANIFEST_PYTHON_TARGET_H
#define TF_MANIFEST_PYTHON_TARGET_H

#include "manifest/load.h"

/* Reads it from a text. `beside`: where a name alone is a function of; NULL: it must say where. false after a
 * diagnostic; then target->text is NULL. */
bool python_load_target(struct loader *loader, const json_path *where, const char *text, const tf_python_target *beside,
                        tf_python_target *target);

/* Can it be the name of a parameter? Of a module, which may have points? */
bool python_is_name(const char *text);
bool python_is_dotted_name(const char *text);

#endif
