/* What does not start (see unstarted.h). */
#include "host/unstarted.h"

#include <stdio.h>
#include <string.h>

void unstarted_add_last_lines(const capture *said, size_t most, tf_buf *out) {
    tf_buf tail = {0};
    capture_tail(said, most, &tail);
    const char *text = tf_buf_text(&tail), *cut = NULL;
    if (said->total > (int64_t)tail.length) /* from the first whole line on */
        cut = memchr(text, '\n', tail.length);
    if (cut)
        text = cut + 1;
    tf_buf_adds(out, text);
    tf_buf_free(&tail);
}

void unstarted_add_last_line(const capture *said, tf_buf *out) {
    tf_buf tail = {0};
    unstarted_add_last_lines(said, (size_t)said->limit / 2, &tail);
    while (tail.length && strchr("\r\n", tail.data[tail.length - 1]))
        tail.data[--tail.length] = '\0';
    const char *line = tail.length ? strrchr(tail.data, '\n') : NULL;
    if (tail.length)
        tf_buf_addf(out, "; %s", line ? line + 1 : tail.data);
    tf_buf_free(&tail);
}

void unstarted_tell(host *h, uint32_t bits) {
    batch_header *head = h->header;
    tf_buf why = {0};
    tf_buf_addf(&why, "%s\n", tf_buf_text(&h->outcome.message));
    unstarted_add_last_lines(&h->err, sizeof head->why > why.length + 1 ? sizeof head->why - 1 - why.length : 0, &why);
    snprintf(head->why, sizeof head->why, "%s", why.data);
    tf_buf_free(&why);
    head->service |= bits;
    if (head->proven)
        return;
    tf_buf_clear(&h->outcome.message);
    h->outcome.is_late = h->outcome.is_unstarted = false;
    h->stopped = true;
}
