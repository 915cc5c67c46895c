/* Head and tail of an output against the plainest model: all of it. */
#include <criterion/criterion.h>
#include <string.h>

#include "host/capture.h"

static void expected_text(const char *all, size_t size, size_t limit, tf_buf *out) {
    if (limit == 0)
        return;
    if (size <= limit) {
        tf_buf_add(out, all, size);
        return;
    }
    tf_buf_add(out, all, limit / 2);
    tf_buf_addf(out, "\n[... %zu bytes left out ...]\n", size - limit);
    tf_buf_add(out, all + size - (limit - limit / 2), limit - limit / 2);
}

Test(capture, keeps_head_and_tail) {
    tf_rng rng = tf_rng_start(1, 1);
    capture c = {0};
    for (int round = 0; round < 3000; round++) {
        size_t limit = tf_rng_below(&rng, 60);
        tf_buf all = {0}, expected = {0}, got = {0}, tail = {0};
        tf_buf_adds(&all, "");
        capture_start(&c, (int64_t)limit);
        for (uint64_t parts = tf_rng_below(&rng, 6); parts > 0; parts--) {
            char part[50];
            size_t size = tf_rng_below(&rng, sizeof part);
            for (size_t i = 0; i < size; i++)
                part[i] = (char)('a' + tf_rng_below(&rng, 26));
            capture_add(&c, part, size);
            tf_buf_add(&all, part, size);
        }
        size_t keep = tf_rng_below(&rng, limit + 1); /* columns may need more than is to be kept */
        expected_text(all.data, all.length, keep, &expected);
        capture_text(&c, (int64_t)keep, &got);
        cr_assert_str_eq(tf_buf_text(&got), tf_buf_text(&expected));
        cr_assert_eq(c.total, (int64_t)all.length);
        size_t known = all.length <= limit ? all.length : limit - limit / 2;
        size_t wanted = tf_rng_below(&rng, known + 1);
        capture_tail(&c, wanted, &tail);
        cr_assert_str_eq(tf_buf_text(&tail), all.data + all.length - wanted);
        tf_buf_free(&all);
        tf_buf_free(&expected);
        tf_buf_free(&got);
        tf_buf_free(&tail);
    }
    capture_free(&c);
}
