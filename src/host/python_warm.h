/* Warm start, as a host has it: the process of a slot is forked from one that has imported its module. */
#ifndef TF_HOST_PYTHON_WARM_H
#define TF_HOST_PYTHON_WARM_H

#include "host/python_slot.h"

#define PYTHON_WARM_ANSWER 10.0 /* s that a forked process may take to answer: it has nothing to import */

/* Has a process forked for the stage of the batch under way: `s` has it, and our end of its socket. The import that it
 * may have to wait for takes no longer than `patience` seconds. false: it is to be started cold, and `s` is as before.
 */
bool python_warm_start(host *h, python_slot *s, double patience);

/* No more processes of the stage are to be forked for this slot: what is wrong with the warm parent, in words that
 * follow it. The rank hears that. */
void python_warm_refuse(host *h, const char *why);

#endif
