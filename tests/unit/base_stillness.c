/* For how long a thread has stood still. */
#include "base/stillness.h"
#include "fixture.h"

#include <pthread.h>
#include <unistd.h>

#define OFTEN 10.0 /* s: looks come sooner */

typedef struct subject {
    int orders[2], answers[2]; /* pipes */
    tf_thread_life life;
} subject;

/* Answers each byte, and works for a while at a "w". */
static void *obey(void *context) {
    subject *s = context;
    char order = '!';
    s->life = tf_thread_life_of_this();
    while (write(s->answers[1], &order, 1) == 1 && read(s->orders[0], &order, 1) == 1)
        for (double end = tf_now() + 0.02; order == 'w' && tf_now() < end;)
            ;
    return NULL;
}

static void give(const subject *s, const char *order) {
    char answer;
    cr_assert_eq(write(s->orders[1], order, 1), 1);
    cr_assert_eq(read(s->answers[0], &answer, 1), 1);
}

/* Once it is at its next read; how soon that is depends on the machine. */
static uint64_t see_still(const subject *s) {
    uint64_t before, now = tf_thread_signs(&s->life, 0, true);
    do {
        before = now;
        usleep(1000);
        now = tf_thread_signs(&s->life, 0, true);
    } while (now != before);
    return now;
}

Test(base_stillness, threads_read_write_and_work) {
    subject s;
    pthread_t thread;
    char answer;
    cr_assert_eq(pipe(s.orders) + pipe(s.answers), 0);
    cr_assert_eq(pthread_create(&thread, NULL, obey, &s), 0);
    cr_assert_eq(read(s.answers[0], &answer, 1), 1);
    const uint64_t still = see_still(&s);
    cr_assert_eq(tf_thread_signs(&s.life, 0, true), still);
    cr_assert_neq(tf_thread_signs(&s.life, 1, true), still, "it has said something");
    const uint64_t without_work = tf_thread_signs(&s.life, 0, false);
    cr_assert_neq(without_work, still);
    give(&s, "r");
    cr_assert_neq(tf_thread_signs(&s.life, 0, false), without_work, "it has read and written");
    close(s.orders[1]);
    pthread_join(thread, NULL);
}

Test(base_stillness, lasts_as_long_as_signs_are_the_same) {
    tf_stillness s = {0};
    cr_assert_eq(tf_stillness_look(&s, 7, OFTEN), 0, "nothing is known before");
    const double first = tf_stillness_look(&s, 7, OFTEN);
    cr_assert_gt(first, 0);
    cr_assert_gt(tf_stillness_look(&s, 7, OFTEN), first);
    cr_assert_eq(tf_stillness_look(&s, 8, OFTEN), 0);
}

Test(base_stillness, does_not_count_what_no_look_has_seen) {
    tf_stillness s = {0};
    tf_stillness_look(&s, 0, 1);
    s.looked -= 1000; /* the process was stopped */
    cr_assert_leq(tf_stillness_look(&s, 0, 1), 2);
}
