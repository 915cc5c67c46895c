/* Dependencies between stages: what "after" means for the order of a campaign. */
#ifndef TF_GRAPH_H
#define TF_GRAPH_H

#include "manifest/manifest.h"

/* Complains about each loop in "after", naming all of it. true if there is none. */
bool tf_graph_check(const tf_campaign *campaign, tf_diags *diags);

/* The stages in an order in which each comes after those it waits for, manifest order otherwise, into `order`
 * (campaign->stages numbers). For campaigns without loops. */
void tf_graph_order(const tf_campaign *campaign, int *order);

#endif
