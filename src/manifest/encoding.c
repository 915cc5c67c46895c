/* Texts of files are UTF-8, as all texts of the output. What is not is refused as it is read, not found by whoever
 * reads the output. Paths are another matter: they are bytes. */
#include "manifest/load.h"

#include <string.h>

const char *encoding_fault(const char *text, size_t length, int64_t *line) {
    const int64_t bad = tf_utf8_invalid(text, length);
    *line = 1;
    for (int64_t i = 0; i < bad; i++)
        *line += text[i] == '\n';
    if (bad == 0 && length > 1 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0))
        return "not UTF-8 but UTF-16; iconv -f utf-16 -t utf-8 makes it UTF-8";
    return bad < 0 ? NULL : "not UTF-8; if it is Latin-1, iconv -f latin1 -t utf-8 makes it UTF-8";
}
