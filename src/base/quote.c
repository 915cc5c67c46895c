/* Words for the shell. */
#include "base/base.h"

#include <string.h>

void tf_buf_add_quoted(tf_buf *out, const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=+,@%";
    if (*text && text[strspn(text, plain)] == '\0') {
        tf_buf_adds(out, text);
        return;
    }
    tf_buf_addc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            tf_buf_adds(out, "'\\''");
        else
            tf_buf_addc(out, *text);
    }
    tf_buf_addc(out, '\'');
}

void tf_buf_add_copyable(tf_buf *out, const char *word, bool one_line) {
    if (tf_is_visible(word, one_line)) {
        tf_buf_add_quoted(out, word);
        return;
    }
    tf_buf_adds(out, "$'");
    for (; *word; word++) {
        const unsigned char c = (unsigned char)*word;
        if (c == '\'' || c == '\\')
            tf_buf_addf(out, "\\%c", c);
        else if (c < 0x20 || c >= 0x7f)
            tf_buf_addf(out, "\\%03o", c);
        else
            tf_buf_addc(out, *word);
    }
    tf_buf_addc(out, '\'');
}
