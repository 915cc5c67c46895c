/* A thread that calls a function every so many seconds, for as long as something takes. */
#ifndef TF_BASE_TICKER_H
#define TF_BASE_TICKER_H

#include <stdbool.h>

typedef struct tf_ticker tf_ticker;

/* Called by the thread. */
typedef void tf_on_tick(const tf_ticker *ticker, void *context);

/* The first call comes after `interval` seconds. The process may fork meanwhile, if calls neither allocate nor print.
 * NULL: there can be no thread. */
tf_ticker *tf_ticker_start(double interval, tf_on_tick *on_tick, void *context);

/* Is it to end? For a call that has taken long, and is of no interest by then. */
bool tf_ticker_is_over(const tf_ticker *ticker);

/* Waits for a call that is under way. NULL has no effect. */
void tf_ticker_end(tf_ticker *ticker);

#endif
