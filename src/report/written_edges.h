/* Dependencies between stages as a manifest's text tells them. */
#ifndef TF_REPORT_WRITTEN_EDGES_H
#define TF_REPORT_WRITTEN_EDGES_H

#include "graph/graph.h"

/* Gets two stages by their names; with order_only `to` only comes after `from`. */
typedef void on_written_edge(void *context, const char *from, const char *to, bool order_only);

/* Calls `visit` for the dependencies that the manifest's text alone tells: "after", "from", "outputs_of", and inputs
 * that are written as the outputs of one other stage are. From stages to later ones, so that there is no loop. */
void written_edges(const char *manifest, on_written_edge *visit, void *context);

#endif
