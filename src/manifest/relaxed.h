/* Manifests as people write them: JSON with comments, and with commas behind last members. */
#ifndef TF_MANIFEST_RELAXED_H
#define TF_MANIFEST_RELAXED_H

#include "base/base.h"

/* Blanks out comments, those to the end of a line and those between brackets of slash and star, and commas before a
 * closing bracket. What is left is strict JSON, if the rest is JSON at all; each byte of it stays where it was. A
 * comment that does not end stays: the parser finds it. */
void relaxed_blank(char *text, size_t length);

#endif
