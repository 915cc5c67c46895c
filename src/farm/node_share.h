/* A rank's part of its node: ranks on one node share its cores, memory and GPUs. */
#ifndef TF_FARM_NODE_SHARE_H
#define TF_FARM_NODE_SHARE_H

#include "manifest/manifest.h"
#include "slots/machine.h"
#include "store/team.h"

/* All ranks together. Of one that works: its part of the node, and how many slots it has: `slots`, or if that is 0 one
 * for each core it may use if it alone works there, else one. Ranks that a launcher has bound to different cores, or
 * given different GPUs, keep those; others divide what they have in common. Cores that are not enough for the slots,
 * or if `bind` is false, are nobody's own. */
typedef struct node_share {
    int slots;
    tf_machine machine;
} node_share;

node_share node_share_find(const tf_team *team, bool works, int slots, bool bind, bool gpus);

/* All ranks together, after that: can a task of each of the stages that `runs` says be run by some rank? Of rank 0 the
 * answer: TF_OK or an error that says what is lacking. */
tf_err node_share_suffices(const tf_team *team, const tf_campaign *campaign, const node_share *mine, const bool *runs,
                           tf_error *error);

#endif
