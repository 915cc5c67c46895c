/* Second starts, as the master carries them out (see sched/twins.c). */
#ifndef TF_FARM_SPECULATION_H
#define TF_FARM_SPECULATION_H

#include "farm/notices.h"
#include "farm/peers.h"
#include "farm/protocol.h"
#include "farm/transport.h"
#include "sched/sched.h"

/* All are the caller's. */
typedef struct speculation {
    const tf_campaign *campaign;
    tf_sched *sched;
    const peers *peers;
    const transport *transport;
    notices *notices;
} speculation;

/* A worker's task may soon be another's, too (TF_ACTION_DOUBLE): it is asked. */
void speculation_ask(const speculation *s, const tf_action *action);

/* The worker is about to be granted a task that another has, too (TF_ACTION_SECOND). Adds what people are to know. */
void speculation_begin(const speculation *s, const tf_action *action, tf_buf *warning);

/* A worker may write a row, or is to leave a task (TF_ACTION_RULE). */
void speculation_rule(const speculation *s, const tf_action *action);

void speculation_hear_answer(const speculation *s, int from, const doubled_message *message, double now);
void speculation_hear_claim(const speculation *s, int from, const claim_message *message);

#endif
