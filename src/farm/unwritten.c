/* Rows that wait to be written (see unwritten.h). There are never many: while rows wait, slots get nothing new. */
#include "farm/unwritten.h"

#include <stdlib.h>
#include <string.h>

#include "farm/rows_part.h"

static tf_rows copy_rows(tf_arena *arena, const tf_stage_spec *spec, const tf_rows *rows) {
    const rows_part all = {.count = rows->count, .arena = arena};
    tf_rows out = rows_part_take(&all, spec, rows, tf_arena_array(arena, rows_part_pointers(spec), sizeof(void *)));
    out.notice = NULL; /* people have been told */
    out.notices = 0;
    out.blobs =
        rows->blobs_size ? memcpy(tf_arena_alloc(arena, rows->blobs_size), rows->blobs, rows->blobs_size) : NULL;
    return out;
}

void unwritten_add(unwritten *u, const tf_campaign *campaign, const tf_rows *rows, tf_interval left,
                   bool is_of_a_slot) {
    if (u->first + u->count == u->capacity) {
        u->capacity = u->capacity ? 2 * u->capacity : 16;
        u->item = tf_realloc_array(u->item, u->capacity, sizeof *u->item);
    }
    tf_arena *arena = tf_arena_new();
    u->item[u->first + u->count++] = (unwritten_rows){.rows = copy_rows(arena, &campaign->stage[rows->stage], rows),
                                                      .left = left,
                                                      .is_of_a_slot = is_of_a_slot,
                                                      .arena = arena};
}

const unwritten_rows *unwritten_first(const unwritten *u) {
    return &u->item[u->first];
}

void unwritten_drop_first(unwritten *u) {
    tf_arena_free(u->item[u->first].arena);
    u->first++;
    u->count--;
    if (u->count == 0)
        u->first = 0;
}

void unwritten_free(unwritten *u) {
    while (u->count > 0)
        unwritten_drop_first(u);
    free(u->item);
}
