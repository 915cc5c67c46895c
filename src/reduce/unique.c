/* How many different numbers each cell has, exactly, in bounded memory. A pass over the rows looks at the numbers whose
 * hashes lie in one slice of all hashes, and keeps them in a table. Where the slice holds too many for the table, it is
 * cut in half while the pass goes on, and the rest is left to later passes. */
#include "reduce/statistics.h"

#include <stdlib.h>

#include "store/meet.h"

enum {
    MOST_SLOTS = 4 << 20,           /* slots of a rank's table: 64 MB */
    MOST_KEPT = MOST_SLOTS / 4 * 3, /* entries in it, few enough to be found fast */
    MOST_SENT = 8 * MOST_KEPT       /* entries that all ranks together send in a pass */
};

/* A number of a cell. Equal numbers have the same word. */
typedef struct entry {
    int64_t cell; /* -1: the slot is free */
    uint64_t word;
} entry;

typedef struct seen {
    const stats *s;
    uint64_t first, last; /* hashes of the slice */
    entry *slot;
    int64_t slots; /* a power of two */
    int64_t count; /* number of entries */
} seen;

static uint64_t hash_of(const entry *e) {
    return tf_hash(e, sizeof *e, 0);
}

static entry *new_slots(int64_t slots) {
    entry *slot = tf_alloc_array((size_t)slots, sizeof *slot);
    for (int64_t i = 0; i < slots; i++)
        slot[i].cell = -1;
    return slot;
}

/* Puts an entry that is not in the table, or finds it. */
static void insert(seen *t, const entry *e, uint64_t hash) {
    int64_t i = (int64_t)(hash & (uint64_t)(t->slots - 1));
    while (t->slot[i].cell >= 0 && (t->slot[i].cell != e->cell || t->slot[i].word != e->word))
        i = (i + 1) & (t->slots - 1);
    t->count += t->slot[i].cell < 0;
    t->slot[i] = *e;
}

/* Moves the entries of the slice to a new table, and drops the others. */
static void rebuild(seen *t, int64_t slots) {
    entry *old = t->slot;
    const int64_t old_slots = t->slots;
    t->slot = new_slots(slots);
    t->slots = slots;
    t->count = 0;
    for (int64_t i = 0; i < old_slots; i++) {
        const uint64_t hash = hash_of(&old[i]);
        if (old[i].cell >= 0 && hash <= t->last)
            insert(t, &old[i], hash);
    }
    free(old);
}

static void narrow(seen *t, uint64_t last) {
    if (last == t->last)
        return;
    t->last = last;
    rebuild(t, t->slots);
}

/* false: the slice can't be cut any more. */
static bool cut_in_half(seen *t) {
    const bool can = t->first < t->last;
    narrow(t, t->first + (t->last - t->first) / 2);
    return can;
}

static void make_room(seen *t) {
    while (t->count >= MOST_KEPT && cut_in_half(t))
        ;
    if (t->count >= t->slots / 4 * 3)
        rebuild(t, 2 * t->slots);
}

static inline void insert_new(seen *t, const entry *e) {
    const uint64_t hash = hash_of(e);
    if (hash < t->first || hash > t->last)
        return;
    if (t->count >= t->slots / 4 * 3)
        make_room(t);
    if (hash <= t->last)
        insert(t, e, hash);
}

/* Equal numbers have the same word: -0 has that of 0. */
static uint64_t word_of(const reduce_piece *piece, int64_t at) {
    const double x = piece->numbers[at];
    return piece->exact ? (uint64_t)piece->exact[at] : tf_order_of(x == 0 ? 0 : x);
}

static void insert_piece(void *context, const reduce_piece *piece) {
    seen *t = context;
    const int64_t elements = t->s->elements;
    for (int64_t i = 0; i < piece->count; i++)
        for (int64_t e = 0; e < elements && piece->group[i] != NO_GROUP; e++)
            if (!isnan(piece->numbers[i * elements + e]))
                insert_new(t, &(entry){stats_cell(t->s, piece->group[i], e), word_of(piece, i * elements + e)});
}

static void insert_part(void *context, const tf_buf *part) {
    seen *t = context;
    const entry *e = (const entry *)(const void *)part->data;
    for (size_t i = 0; i < part->length / sizeof *e; i++)
        insert_new(t, &e[i]);
}

#define GOLDEN 0.6180339887498949

/* Puts the ranks' entries together in the table of the first, which cuts the slice further where they are too many.
 * They are not sent in the order of their slots: that is the order of the first's slots as well, which would be crowded
 * in one place after the other. */
static void gather(seen *t) {
    const tf_store *store = t->s->r->store;
    tf_buf mine = {0};
    const int64_t stride = (int64_t)((double)t->slots * GOLDEN) | 1;
    for (int64_t k = 0; store->rank > 0 && k < t->slots; k++) {
        const entry *e = &t->slot[k * stride & (t->slots - 1)];
        if (e->cell >= 0)
            tf_buf_add(&mine, e, sizeof *e);
    }
    store_gather(store, &mine, insert_part, t);
    tf_buf_free(&mine);
}

static uint64_t lowest_of_all(const seen *t, uint64_t word) {
    store_lowest_all(t->s->r->store, &word, 1);
    return word;
}

/* Puts together what all ranks have of the slice, as far as there is room for it. */
static void merge(seen *t) {
    narrow(t, lowest_of_all(t, t->last));
    while (store_sum(t->s->r->store, t->count) > MOST_SENT && cut_in_half(t))
        ;
    gather(t);
    narrow(t, lowest_of_all(t, t->last));
}

/* Adds the entries to their cells, and empties the table. */
static void count_entries(seen *t, int64_t *unique) {
    for (int64_t i = 0; i < t->slots; i++) {
        if (t->slot[i].cell >= 0)
            unique[t->slot[i].cell]++;
        t->slot[i].cell = -1;
    }
    t->count = 0;
}

/* Goes on to the slice behind this one, which is as wide. false: this was the last. */
static bool next_slice(seen *t) {
    const uint64_t width = t->last - t->first;
    if (t->last == UINT64_MAX)
        return false;
    t->first = t->last + 1;
    t->last = UINT64_MAX - t->first > width ? t->first + width : UINT64_MAX;
    return true;
}

static tf_err count_unique(stats *s, const stats_request *request) {
    enum { FEW = 1024 };
    seen t = {.s = s, .last = UINT64_MAX, .slot = new_slots(FEW), .slots = FEW};
    request->result->integers = tf_alloc_array((size_t)s->cells, sizeof(int64_t));
    tf_err err = TF_OK;
    do {
        err = reduce_each(s->r, s->value, insert_piece, &t);
        if (err != TF_OK)
            break;
        merge(&t);
        count_entries(&t, request->result->integers);
    } while (next_slice(&t));
    free(t.slot);
    return err;
}

const statistic statistic_nunique = {.name = "nunique", .make = count_unique};
