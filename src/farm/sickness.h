/* What the scheduler finds out of failures and of workers, as the master carries it out. */
#ifndef TF_FARM_SICKNESS_H
#define TF_FARM_SICKNESS_H

#include "farm/incidents.h"
#include "farm/peers.h"
#include "farm/transport.h"
#include "sched/sched.h"

typedef struct sickness sickness;

/* All are the caller's. */
sickness *sickness_new(const tf_campaign *campaign, const peers *peers, const transport *transport,
                       incidents *incidents);
void sickness_free(sickness *s);

/* The worker, which keeps the rows of these tasks, is to write them (TF_ACTION_FAIL) or to drop them (TF_ACTION_DROP).
 * When it has, it says so. */
void sickness_settle_rows(sickness *s, const tf_action *action);
void sickness_hear_settled(sickness *s, int rank);

/* Nothing will be heard of the rank any more. */
void sickness_forget(sickness *s, int rank);

/* Have all ranks done what they were told of their rows? */
bool sickness_is_settled(const sickness *s);

/* The worker is sick (TF_ACTION_SICK): it is told to end, and people are told why. */
void sickness_begin(sickness *s, const tf_action *action);

/* The worker has found that it can't run anything. */
void sickness_hear(sickness *s, int rank, const drained_message *message);

/* Tasks take much longer on the worker than on others (TF_ACTION_SLOW): people are told. */
void sickness_say_slow(const sickness *s, const tf_action *action);

/* How many workers were found sick. */
int sickness_count(const sickness *s);

#endif
