/* What is said to people. */
#ifndef TF_BASE_SAY_H
#define TF_BASE_SAY_H

#include <stdio.h>

#include "base/text.h"

/* All that goes to stdout and stderr. Formats are ours and are printed as they are; what is put into them is not:
 * names, paths, messages and output of tasks may hold escape sequences. Control and bidirectional characters and what
 * is no UTF-8 are made visible (\x1b, \u202e, \n) in it, on stderr always, on other streams if they are terminals.
 * Formats may have the conversions s, c, d, i, u, x, g, f and %. */
void tf_say(const char *format, ...) TF_PRINTF(1, 2);              /* "taskfarm: ", the text and a newline, on stderr */
void tf_print(FILE *out, const char *format, ...) TF_PRINTF(2, 3); /* any piece of text */

/* Text of several lines that is not ours: ends of lines stay. */
void tf_print_text(FILE *out, const char *text, size_t length);

/* JSON with what is not seen escaped, and a newline. */
void tf_print_json(FILE *out, const char *json);

/* Bytes as they are: what a program reads, and escape sequences of our own. false if they can't be written. */
bool tf_print_bytes(FILE *out, const void *bytes, size_t size);

/* Adds it as it is shown, in one line. Adding that again changes nothing. */
void tf_buf_add_visible(tf_buf *buf, const char *text, size_t length);
void tf_buf_add_visible_lines(tf_buf *buf, const char *text, size_t length); /* in lines of its own */
void tf_buf_addv_visible(tf_buf *buf, const char *format, va_list args) TF_PRINTF(2, 0);
void tf_buf_add_visible_json(tf_buf *buf, const char *json);
bool tf_is_visible(const char *text, bool one_line); /* it is shown as it is */

#endif
