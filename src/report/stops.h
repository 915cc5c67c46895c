/* Stages that a run has stopped since nobody could run them, for people. */
#ifndef TF_REPORT_STOPS_H
#define TF_REPORT_STOPS_H

#include <stdio.h>

/* `why`: a line, and lines behind it. */
void stops_print(FILE *out, const char *stage, const char *why);

#endif
