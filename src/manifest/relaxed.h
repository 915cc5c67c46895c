/* Manifests as people write them: JSON with comments, and with commas behind last members. */
#ifndef TF_MANIFEST_RELAXED_H
#define TF_MANIFEST_RELAXED_H

#include "base/base.h"

/* Blanks out comments (from // to the end of the line, and from a slash with a star to the next star with a slash) and
 * commas before a closing bracket. Strict JSON is left, if it is JSON at all; each byte of it stays where it was. A
 * comment that does not end stays: the parser finds it. */
void relaxed_blank(char *text, size_t length);

#endif
