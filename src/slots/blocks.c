/* Who reads blocks of arrays. Tasks do, in processes that can, if all arrays of files that their stage has stand in one
 * piece of a file each: then blocks are read on all cores, and batches are as long as without them. Else, and where a
 * file is not to be had in a host, the rank reads. */
#include <stdlib.h>

#include "slots/inner.h"

void blocks_find(tf_slots *slots, int stage) {
    const tf_stage_spec *spec = &slots->campaign->stage[stage];
    const tf_task_source *source = &slots->source;
    block_files *b = &slots->blocks[stage];
    bool any = false, all = source->array_file != NULL;
    if (b->is_known)
        return;
    b->is_known = true;
    b->file = tf_alloc_array((size_t)spec->arrays, sizeof *b->file);
    for (int a = 0; a < spec->arrays && all; a++) {
        const bool is_read = batch_is_read(spec, a);
        any = any || is_read;
        all = !is_read || source->array_file(source->context, stage, a, &b->file[a]);
    }
    if (!any || !all)
        blocks_take_over(slots, stage);
}

void blocks_take_over(tf_slots *slots, int stage) {
    free(slots->blocks[stage].file);
    slots->blocks[stage].file = NULL;
}

void blocks_free(tf_slots *slots) {
    for (int s = 0; s < slots->campaign->stages; s++)
        blocks_take_over(slots, s);
    free(slots->blocks);
}
