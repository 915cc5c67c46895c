/* taskfarm graph: what depends on what. */
#include "cli/cli.h"

int cli_graph(const options *o) {
    loaded l;
    cli_load(o, &l);
    tf_buf text = {0};
    int status = l.it.campaign ? TF_OK : TF_ERR_USAGE;
    if (l.it.campaign)
        tf_graph_draw(l.it.graph, o->by_task, &text);
    else
        tf_print_text(stderr, tf_buf_text(&l.it.diags.lines), l.it.diags.lines.length);
    tf_print_text(stdout, tf_buf_text(&text), text.length);
    tf_buf_free(&text);
    cli_unload(&l);
    return status;
}
