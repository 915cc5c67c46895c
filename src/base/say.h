/* What is said to people. */
#ifndef TF_BASE_SAY_H
#define TF_BASE_SAY_H

#include <stdio.h>

#include "base/text.h"

/* All that goes to stdout and stderr is printed here. Formats are ours and are printed as they are. What is put into
 * them may hold escape sequences (names, paths, messages, output of tasks): control and bidirectional characters and
 * what is no UTF-8 are made visible in it (\x1b, \u202e, \n), on stderr always, on other streams if they are terminals.
 * Formats may have the conversions s, c, d, i, u, x, g, f and %. */
void tf_say(const char *format, ...) TF_PRINTF(1, 2);              /* "taskfarm: ", the text and a newline, on stderr */
void tf_print(FILE *out, const char *format, ...) TF_PRINTF(2, 3); /* any piece of text */

/* Prints text of several lines that is not ours: ends of lines stay. */
void tf_print_text(FILE *out, const char *text, size_t length);

/* Prints JSON, with invisible characters escaped, and a newline. */
void tf_print_json(FILE *out, const char *json);

/* Prints bytes as they are: for programs that read them, and escape sequences of our own. false: they can't be written.
 */
bool tf_print_bytes(FILE *out, const void *bytes, size_t size);

/* Adds a text in its visible form, on one line. The visible form of visible text is the text itself. */
void tf_buf_add_visible(tf_buf *buf, const char *text, size_t length);
void tf_buf_add_visible_lines(tf_buf *buf, const char *text, size_t length); /* ends of lines stay */
void tf_buf_addv_visible(tf_buf *buf, const char *format, va_list args) TF_PRINTF(2, 0);
void tf_buf_add_visible_json(tf_buf *buf, const char *json);
bool tf_is_visible(const char *text, bool one_line); /* is that form the text itself? */

#endif
