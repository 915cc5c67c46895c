/* Blocks side by side (see blocks.h). A piece of a block has whole lines of its last dimensions, as many as there is
 * room for, so that the pieces come in the order of the elements. */
#include "report/blocks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ELEMENTS = 1 << 17 /* of a piece */ };

void block_room_free(block_room *room) {
    for (int side = 0; side < 2; side++) {
        free(room->cells[side]);
        free(room->number[side]);
    }
    *room = (block_room){0};
}

static const tf_field *field_of(const block_pair *pair, int side) {
    return view_field(pair->of[side], pair->field[side]);
}

/* A piece, within a block; and where the block begins in each array. */
typedef struct piece {
    int rank;
    int64_t block[TF_MAX_RANK]; /* lengths of the block */
    int64_t most[TF_MAX_RANK];  /* lengths of a piece that is not the last one */
    int64_t from[TF_MAX_RANK], count[TF_MAX_RANK];
    int64_t start[2][TF_MAX_RANK];
} piece;

static void size_piece(piece *p) {
    int64_t room = MOST_ELEMENTS;
    for (int d = p->rank - 1; d >= 0; d--) {
        p->most[d] = p->block[d] < room ? p->block[d] : room;
        room = p->most[d] == p->block[d] ? room / p->most[d] : 1;
        room = room < 1 ? 1 : room;
    }
}

static void set_counts(piece *p) {
    for (int d = 0; d < p->rank; d++) {
        const int64_t left = p->block[d] - p->from[d];
        p->count[d] = left < p->most[d] ? left : p->most[d];
    }
}

static void begin(const block_pair *pair, piece *p) {
    *p = (piece){.rank = field_of(pair, 0)->grid->rank};
    for (int side = 0; side < 2; side++)
        tf_grid_block(field_of(pair, side)->grid, pair->row[side], p->start[side], p->block);
    size_piece(p);
    set_counts(p);
}

/* false: that was the last one. */
static bool next(piece *p) {
    int d = p->rank - 1;
    for (; d >= 0 && p->from[d] + p->count[d] == p->block[d]; d--)
        p->from[d] = 0;
    if (d >= 0)
        p->from[d] += p->count[d];
    set_counts(p);
    return d >= 0;
}

static int64_t elements_of(const piece *p) {
    int64_t elements = 1;
    for (int d = 0; d < p->rank; d++)
        elements *= p->count[d];
    return elements;
}

static tf_err read_side(const block_pair *pair, int side, const piece *p, block_room *room, gap_side *out,
                        tf_error *error) {
    const tf_type type = field_of(pair, side)->type;
    int64_t start[TF_MAX_RANK];
    for (int d = 0; d < p->rank; d++)
        start[d] = p->start[side][d] + p->from[d];
    if (!room->cells[side]) {
        room->cells[side] = tf_alloc_array(MOST_ELEMENTS, sizeof(int64_t));
        room->number[side] = tf_alloc_array(MOST_ELEMENTS, sizeof(double));
    }
    const tf_err err = view_read_elements(pair->of[side], pair->field[side], start, p->count, room->cells[side], error);
    if (err == TF_OK)
        tf_load_doubles(type, room->cells[side], 0, elements_of(p), room->number[side]);
    *out = (gap_side){.type = type, .cells = room->cells[side], .number = room->number[side]};
    return err;
}

static void tell_first(const block_pair *pair, const piece *p, const block_room *room, int64_t element,
                       block_difference *first) {
    for (int side = 0; side < 2; side++) {
        int64_t rest = element;
        for (int d = p->rank - 1; d >= 0; d--) {
            first->place[side][d] = p->start[side][d] + p->from[d] + rest % p->count[d];
            rest /= p->count[d];
        }
        first->value[side] = (tf_buf){0};
        view_add_csv(&(view_values){.field = field_of(pair, side), .numbers = room->cells[side]}, 0, element,
                     &first->value[side]);
    }
}

bool blocks_are_alike(const block_pair *pair) {
    int64_t start[TF_MAX_RANK], count[2][TF_MAX_RANK];
    const int rank = field_of(pair, 0)->grid->rank;
    for (int side = 0; side < 2; side++)
        tf_grid_block(field_of(pair, side)->grid, pair->row[side], start, count[side]);
    return memcmp(count[0], count[1], (size_t)rank * sizeof *count[0]) == 0;
}

tf_err blocks_compare(const block_pair *pair, block_room *room, gap *widest, block_difference *first, bool *differ,
                      tf_error *error) {
    piece p;
    gap_side side[2];
    *differ = false;
    begin(pair, &p);
    do {
        tf_err err = read_side(pair, 0, &p, room, &side[0], error);
        if (err == TF_OK)
            err = read_side(pair, 1, &p, room, &side[1], error);
        if (err != TF_OK) {
            for (int s = 0; s < 2 && *differ; s++)
                tf_buf_free(&first->value[s]);
            return err;
        }
        const int64_t element = gap_find(side, 0, elements_of(&p), widest);
        if (element >= 0 && !*differ)
            tell_first(pair, &p, room, element, first);
        *differ = *differ || element >= 0;
    } while (next(&p));
    return TF_OK;
}
