/* A thread that calls a function every now and then. */
#include "base/ticker.h"
#include "fixture.h"

#include <poll.h>

static void count(const tf_ticker *ticker, void *context) {
    cr_assert_not(tf_ticker_is_over(ticker));
    __atomic_add_fetch((int *)context, 1, __ATOMIC_RELAXED);
}

Test(base_ticker, calls_until_it_is_ended) {
    int calls = 0;
    tf_ticker *t = tf_ticker_start(1e-3, count, &calls);
    cr_assert_not_null(t);
    while (__atomic_load_n(&calls, __ATOMIC_RELAXED) < 3)
        poll(NULL, 0, 1);
    tf_ticker_end(t);
    const int last = calls;
    poll(NULL, 0, 5);
    cr_assert_eq(calls, last);
}

static void wait_for_end(const tf_ticker *ticker, void *context) {
    __atomic_store_n((int *)context, 1, __ATOMIC_RELEASE);
    while (!tf_ticker_is_over(ticker))
        poll(NULL, 0, 1);
    __atomic_store_n((int *)context, 2, __ATOMIC_RELEASE);
}

Test(base_ticker, tells_a_call_that_takes_long_that_it_is_over) {
    int state = 0;
    tf_ticker *t = tf_ticker_start(1e-3, wait_for_end, &state);
    while (__atomic_load_n(&state, __ATOMIC_ACQUIRE) < 1)
        poll(NULL, 0, 1);
    tf_ticker_end(t);
    cr_assert_eq(state, 2, "the call was waited for");
    tf_ticker_end(NULL);
}

Test(base_ticker, ends_before_the_first_call) {
    int calls = 0;
    tf_ticker_end(tf_ticker_start(1000, count, &calls));
    cr_assert_eq(calls, 0);
}
