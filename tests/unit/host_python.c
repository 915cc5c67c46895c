/* What passes between a host and a Python process: packets, and files of which only the ends are kept. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/capture.h"
#include "host/packet.h"

/* ---- Packets ---- */

static tf_buf repeat(char c, size_t count) {
    tf_buf text = {0};
    for (size_t i = 0; i < count; i++)
        tf_buf_addc(&text, c);
    return text;
}

static int count_descriptors(void) {
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF;
    return count;
}

Test(packets, of_any_length_arrive_whole_and_leave_no_descriptor) {
    static const size_t lengths[] = {2, PACKET_BYTES, PACKET_BYTES + 1, 3000000};
    int pair[2];
    cr_assert(packet_pair(pair));
    const int before = count_descriptors();
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        tf_buf sent = repeat('x', lengths[i]), got = {0};
        cr_assert(packet_send(pair[0], &sent, NULL, 0));
        cr_expect(packet_is_unread(pair[0]));
        cr_assert_eq(packet_receive(pair[1], &got), PACKET_GOT);
        cr_expect(!packet_is_unread(pair[0]));
        cr_expect_eq(got.length, sent.length);
        cr_expect_str_eq(tf_buf_text(&got), sent.data);
        tf_buf_free(&sent);
        tf_buf_free(&got);
    }
    cr_expect_eq(count_descriptors(), before);
    close(pair[0]);
    close(pair[1]);
}

Test(packets, that_are_none_end_the_conversation) {
    static const char *const nonsense[] = {"{\"long\": 5}", "{\"long\": -1}", "{\"long\": x}"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        int pair[2];
        tf_buf text = {0};
        const tf_buf nothing = {0};
        const int file = tf_memory_file("test", &nothing);
        cr_assert(packet_pair(pair));
        tf_buf_adds(&text, nonsense[i]);
        cr_expect_eq(packet_receive(pair[1], &text), PACKET_NONE);
        tf_buf_adds(&text, nonsense[i]);
        cr_assert(packet_send(pair[0], &text, &file, 1));
        cr_expect_eq(packet_receive(pair[1], &text), PACKET_END, "%s", nonsense[i]);
        close(pair[0]);
        cr_expect_eq(packet_receive(pair[1], &text), PACKET_END);
        tf_buf_free(&text);
        close(pair[1]);
        close(file);
    }
}

Test(packets, to_nobody_are_not_sent) {
    int pair[2];
    tf_buf text = repeat('x', 10);
    cr_assert(packet_pair(pair));
    close(pair[1]);
    cr_expect(!packet_send(pair[0], &text, NULL, 0));
    cr_expect_eq(errno, EPIPE);
    tf_buf_free(&text);
    close(pair[0]);
}

/* ---- Captures of files ---- */

Test(captures, of_files_keep_what_captures_of_texts_keep) {
    static const int64_t limits[] = {0, 1, 7, 100, 1000}, lengths[] = {0, 1, 6, 99, 101, 1000, 200000};
    tf_buf bytes = {0};
    for (int i = 0; i < 200000; i++)
        tf_buf_addc(&bytes, (char)('a' + i % 26));
    const int file = tf_memory_file("test", &bytes);
    for (size_t l = 0; l < sizeof limits / sizeof *limits; l++) {
        for (size_t n = 0; n < sizeof lengths / sizeof *lengths; n++) {
            capture of_file = {0}, of_text = {0};
            tf_buf text[2] = {{0}, {0}};
            capture_start(&of_file, limits[l]);
            capture_start(&of_text, limits[l]);
            for (int64_t from = 0; from < 3 && from < lengths[n]; from++) { /* in parts */
                const int64_t to = from < 2 ? from + 1 : lengths[n];
                capture_add_file(&of_file, file, from, to);
                capture_add(&of_text, bytes.data + from, (size_t)(to - from));
            }
            capture_text(&of_file, limits[l], &text[0]);
            capture_text(&of_text, limits[l], &text[1]);
            cr_expect_eq(of_file.total, of_text.total);
            cr_expect_str_eq(tf_buf_text(&text[0]), tf_buf_text(&text[1]));
            tf_buf_free(&text[0]);
            tf_buf_free(&text[1]);
            capture_free(&of_file);
            capture_free(&of_text);
        }
    }
    tf_buf_free(&bytes);
    close(file);
}
