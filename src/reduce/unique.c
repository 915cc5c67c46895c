/* How many different numbers each cell has, exactly, in bounded memory. A number's key is its word, mixed: a one-to-one
 * map of 64 bits, so that a key of 8 bytes is the number and its hash at once. A pass over the rows looks at the keys
 * of one slice of all keys, and puts them into a table whose size does not change. Where the slice holds too many for
 * it, it is cut in half while the pass goes on. Keys are even: how many a slice had tells how wide the next one may be,
 * so that each pass but the first fills the table. */
#include "reduce/statistics.h"

#include <stdlib.h>

#include "store/meet.h"

enum {
    TABLE_BYTES = 256 << 20, /* of a rank's table, unless reducing.memory says another size */
    SENT_AT_ONCE = 1 << 20,  /* entries of a rank, on their way to the first */
    MOST_SENT = 8            /* by all ranks together in a pass: so many full tables */
};

#define FREE_KEY 0 /* in the table; numbers with this key are counted by themselves */

/* A number of a cell. Cells are fewer than 2^32: what is known of so many takes 300 GB. */
typedef struct entry {
    uint64_t key;
    uint32_t cell;
} entry;

enum { AHEAD = 32 };

typedef struct seen {
    const stats *s;
    uint64_t first, last; /* keys of the slice */
    uint64_t *key;        /* per slot */
    uint32_t *cell;       /* likewise; NULL: there is one cell */
    int64_t slots;        /* a power of two */
    int64_t most;         /* entries, so that they are found fast */
    int64_t count;        /* entries in the table */
    int64_t *unique;      /* per cell; -1 in the first pass: there is a number whose key is FREE_KEY */
    entry next[AHEAD];    /* entries whose slots are on their way from memory */
    int waiting;          /* how many of these there are */
} seen;

/* ---- Keys ---- */

/* Equal numbers have the same word: -0 has that of 0. */
static inline uint64_t word_of(const reduce_piece *piece, int64_t at) {
    const double x = piece->numbers[at];
    return piece->exact ? (uint64_t)piece->exact[at] : tf_order_of(x == 0 ? 0 : x);
}

/* Equal numbers of a cell have the same key, others have another (the finalizer of MurmurHash3: each step can be
 * undone). */
static inline uint64_t key_of(uint64_t word, int64_t cell) {
    uint64_t key = word + (uint64_t)cell * UINT64_C(0x9e3779b97f4a7c15);
    key = (key ^ key >> 33) * UINT64_C(0xff51afd7ed558ccd);
    key = (key ^ key >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return key ^ key >> 33;
}

/* ---- The table ---- */

static inline int64_t home_of(const seen *t, uint64_t key) {
    return (int64_t)(key & (uint64_t)(t->slots - 1));
}

static inline uint32_t cell_at(const seen *t, int64_t slot) {
    return t->cell ? t->cell[slot] : 0;
}

/* Puts an entry that is not in the table, or finds it. */
static inline void insert(seen *t, const entry *e) {
    int64_t i = home_of(t, e->key);
    while (t->key[i] != FREE_KEY && (t->key[i] != e->key || cell_at(t, i) != e->cell))
        i = (i + 1) & (t->slots - 1);
    t->count += t->key[i] == FREE_KEY;
    t->key[i] = e->key;
    if (t->cell)
        t->cell[i] = e->cell;
}

/* Drops the entries behind `last`. Those that stay are put again, each after all that lie before it in its run of
 * slots: none moves to a slot that is still to come. */
static void narrow(seen *t, uint64_t last) {
    int64_t gap = 0;
    if (last == t->last)
        return;
    t->last = last;
    t->count = 0;
    while (t->key[gap] != FREE_KEY)
        gap++;
    for (int64_t k = 1; k < t->slots; k++) {
        const int64_t i = (gap + k) & (t->slots - 1);
        const entry e = {t->key[i], cell_at(t, i)};
        t->key[i] = FREE_KEY;
        if (e.key != FREE_KEY && e.key <= last)
            insert(t, &e);
    }
}

/* false: the slice can't be cut any more. */
static bool cut_in_half(seen *t) {
    const bool can = t->first < t->last;
    narrow(t, t->first + (t->last - t->first) / 2);
    return can;
}

static void insert_waiting(seen *t) {
    for (int i = 0; i < t->waiting; i++) {
        while (t->count >= t->most && cut_in_half(t))
            ;
        if (t->next[i].key <= t->last)
            insert(t, &t->next[i]);
    }
    t->waiting = 0;
}

/* An entry of the slice is put in a little later, when its slot has come from memory. */
static inline void add(seen *t, uint64_t key, uint32_t cell) {
    if (key < t->first || key > t->last)
        return;
    if (key == FREE_KEY) {
        t->unique[cell] = -1;
        return;
    }
    __builtin_prefetch(&t->key[home_of(t, key)], 1);
    if (t->cell)
        __builtin_prefetch(&t->cell[home_of(t, key)], 1);
    t->next[t->waiting++] = (entry){key, cell};
    if (t->waiting == AHEAD)
        insert_waiting(t);
}

static void insert_piece(void *context, const reduce_piece *piece) {
    seen *t = context;
    const int64_t elements = t->s->elements;
    for (int64_t i = 0; i < piece->count; i++) {
        for (int64_t e = 0; e < elements && piece->group[i] != NO_GROUP; e++) {
            const int64_t cell = stats_cell(t->s, piece->group[i], e);
            if (!isnan(piece->numbers[i * elements + e]))
                add(t, key_of(word_of(piece, i * elements + e), cell), (uint32_t)cell);
        }
    }
    insert_waiting(t);
}

/* ---- All ranks ---- */

static void insert_part(void *context, const tf_buf *part) {
    seen *t = context;
    const entry *e = (const entry *)(const void *)part->data;
    for (size_t i = 0; i < part->length / sizeof *e; i++)
        add(t, e[i].key, e[i].cell);
    insert_waiting(t);
}

#define GOLDEN 0.6180339887498949

/* Puts the ranks' entries together in the table of the first, which cuts the slice further where they are too many.
 * They are not sent in the order of their slots: that is the order of the first's slots as well, which would be crowded
 * in one place after the other. */
static void gather(seen *t) {
    const tf_store *store = t->s->r->store;
    const int64_t stride = (int64_t)((double)t->slots * GOLDEN) | 1;
    const int64_t most = store_max(store, store->team.rank > 0 ? t->count : 0);
    tf_buf mine = {0};
    int64_t k = 0;
    for (int64_t sent = 0; sent < most; sent += SENT_AT_ONCE) {
        tf_buf_clear(&mine);
        for (; store->team.rank > 0 && k < t->slots && mine.length < SENT_AT_ONCE * sizeof(entry); k++) {
            const int64_t i = k * stride & (t->slots - 1);
            if (t->key[i] != FREE_KEY)
                tf_buf_add(&mine, &(entry){t->key[i], cell_at(t, i)}, sizeof(entry));
        }
        store_gather(store, &mine, insert_part, t);
    }
    tf_buf_free(&mine);
}

static uint64_t lowest_of_all(const seen *t, uint64_t word) {
    store_lowest_all(t->s->r->store, &word, 1);
    return word;
}

/* Numbers whose key is FREE_KEY, which is in the first slice. */
static void count_free_keys(const seen *t) {
    store_min_all(t->s->r->store, t->unique, t->s->cells);
    for (int64_t c = 0; c < t->s->cells; c++)
        t->unique[c] = -t->unique[c];
}

/* Puts together what all ranks have of the slice, as far as there is room for it. */
static void merge(seen *t) {
    if (t->first == FREE_KEY)
        count_free_keys(t);
    narrow(t, lowest_of_all(t, t->last));
    while (store_sum(t->s->r->store, t->count) > MOST_SENT * t->most && cut_in_half(t))
        ;
    gather(t);
    narrow(t, lowest_of_all(t, t->last));
}

/* Adds the entries to their cells, and empties the table. */
static void count_entries(seen *t) {
    for (int64_t i = 0; i < t->slots; i++) {
        if (t->key[i] == FREE_KEY)
            continue;
        t->unique[cell_at(t, i)]++;
        t->key[i] = FREE_KEY;
    }
}

/* How wide a slice may be that is to fill the table, but for one part in 16, as this one had `count` keys. */
static uint64_t width_that_fits(const seen *t, int64_t count) {
    const double width = ((double)(t->last - t->first) + 1) * (15.0 / 16) * (double)t->most / (double)(count + 1);
    return width >= 0x1p64 ? UINT64_MAX : width < 1 ? 1 : (uint64_t)width;
}

/* Goes on to the slice behind this one. false: this was the last. */
static bool next_slice(seen *t) {
    uint64_t width = width_that_fits(t, t->count);
    t->count = 0;
    if (t->last == UINT64_MAX)
        return false;
    store_broadcast(t->s->r->store, &width, sizeof width);
    t->first = t->last + 1;
    t->last = UINT64_MAX - t->first > width - 1 ? t->first + (width - 1) : UINT64_MAX;
    return true;
}

/* ---- The whole ---- */

/* As large as it may be, unless all numbers fit in less. Memory that no entry lies in is not touched before they are
 * counted. */
static void open_table(seen *t) {
    const int64_t bytes = t->s->r->memory > 0 ? t->s->r->memory : TABLE_BYTES;
    const int64_t slot = (int64_t)(sizeof *t->key + (t->s->cells > 1 ? sizeof *t->cell : 0));
    int64_t numbers = 0;
    for (int64_t c = 0; c < t->s->cells; c++)
        numbers += t->s->count[c];
    t->slots = 4; /* and so one that is free */
    while (2 * t->slots * slot <= bytes && t->slots / 4 * 3 <= numbers)
        t->slots *= 2;
    t->most = t->slots / 4 * 3;
    t->key = tf_alloc_array((size_t)t->slots, sizeof *t->key);
    t->cell = t->s->cells > 1 ? tf_alloc_array((size_t)t->slots, sizeof *t->cell) : NULL;
}

static tf_err count_unique(stats *s, const stats_request *request) {
    seen t = {.s = s, .last = UINT64_MAX};
    t.unique = request->result->integers = tf_alloc_array((size_t)s->cells, sizeof(int64_t));
    open_table(&t);
    tf_err err = TF_OK;
    do {
        err = reduce_each(s->r, s->value, insert_piece, &t);
        if (err != TF_OK)
            break;
        merge(&t);
        count_entries(&t);
    } while (next_slice(&t));
    free(t.key);
    free(t.cell);
    return err;
}

const statistic statistic_nunique = {.name = "nunique", .make = count_unique};
