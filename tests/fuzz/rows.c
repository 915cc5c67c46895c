/* Any bytes in the memory that a rank shares with a host: it takes rows that are right in themselves, or none. */
#include "slots/rows_back.h"
#include "target.h"

enum { TASKS = 16, FIRST = 100 };

static const char manifest[] =
    "{\"over\": {\"i\": {\"range\": [200]}}, \"run\": {\"command\": [\"true\"]}, \"where\": \"i > 3\", "
    "\"results\": {\"x\": \"int64\", \"s\": \"string\"}}";

/* One host's buffer, and what the rank keeps of it. */
typedef struct shared {
    tf_campaign *campaign;
    batch_map map;
    batch_columns columns;
    rows_back back;
    batch_order order;
} shared;

static void must(bool good) {
    if (!good)
        abort();
}

static void open_shared(shared *s) {
    s->campaign = texts_load(manifest, sizeof manifest - 1, "", 0);
    must(s->campaign && batch_map_new(&s->map, batch_fixed_size(s->campaign)));
    batch_columns_alloc(&s->columns, s->campaign);
    batch_columns_alloc(&s->back.columns, s->campaign);
    s->order = (batch_order){.attempt = 1, .rank = 3, .slot = 1, .first = FIRST, .count = TASKS};
}

/* As a host leaves it that has run all of its tasks but the last one. */
static void run_host(shared *s) {
    const tf_stage_spec *spec = &s->campaign->stage[0];
    s->order.given = tf_now();
    batch_locate(&s->map, spec, false, 0, &s->columns);
    batch_prepare(&s->columns, TASKS, 1);
    batch_clear_columns(&s->columns, spec, 0, TASKS);
    size_t at = 0;
    for (int row = 0; row < TASKS - 1; row++) {
        batch_start_row(&s->columns, row, tf_wall());
        s->columns.status[row] = TF_STATUS_DONE;
        s->columns.duration[row] = 1e-3;
        tf_record_write(s->map.blobs + at, 0, FIRST + row, TF_RECORD_COLUMN + 1, 1, "text", 4);
        at += tf_record_size(4);
    }
    const double now = tf_now();
    *(batch_header *)(void *)s->map.fixed = (batch_header){.first = FIRST,
                                                           .count = TASKS,
                                                           .attempt = 1,
                                                           .ended = TASKS - 1,
                                                           .started = now,
                                                           .row_started = now,
                                                           .blobs_size = at};
}

/* The input is places and bytes for them: of the header, the rows and the texts. A text may be one with a right
 * checksum, and whatever else. */
static void damage(shared *s, const uint8_t *data, size_t size) {
    enum { PATCH = 4 };
    char *rows = s->map.fixed;
    for (; size >= PATCH + 8; data += PATCH + 8, size -= PATCH + 8) {
        const size_t at = (size_t)(data[1] | data[2] << 8 | data[3] << 16);
        int64_t word;
        memcpy(&word, data + PATCH, sizeof word);
        if (data[0] % 4 == 0)
            memcpy(rows + at % sizeof(batch_header), &word,
                   8 < sizeof(batch_header) - at % sizeof(batch_header) ? 8 : 1);
        else if (data[0] % 4 == 1)
            rows[at % s->map.fixed_size] = (char)word;
        else if (data[0] % 4 == 2)
            s->map.blobs[at % s->map.blobs_mapped] = (char)word;
        else
            tf_record_write(s->map.blobs + at % 64 * tf_record_size(4), (int8_t)data[1], FIRST + (int8_t)word,
                            (int8_t)(word >> 8), (int8_t)(word >> 16), data, 4);
    }
}

/* Whoever gets these rows uses them so, unasked. */
static void use(const shared *s, const tf_rows *rows) {
    const tf_stage_spec *spec = &s->campaign->stage[rows->stage];
    must(rows->first >= FIRST && rows->count >= 0 && rows->first + rows->count <= FIRST + TASKS);
    must(rows->seconds >= 0 && rows->seconds < 1e6);
    for (int64_t row = 0; row < rows->count; row++) {
        must(rows->status[row] != TF_STATUS_PENDING && rows->status[row] < TF_STATUSES && rows->attempts[row] <= 1);
        must(rows->duration[row] >= 0 && rows->worker == 3 && rows->slot == 1);
    }
    for (size_t at = 0; at < rows->blobs_size;) {
        const tf_record *record = tf_record_at((const char *)rows->blobs + at, rows->blobs_size - at);
        must(record && record->stage == 0 && record->kind >= 0 && record->kind < TF_RECORD_COLUMN + spec->columns);
        must(record->index >= rows->first && record->index < rows->first + rows->count);
        at += tf_record_size((size_t)record->length);
    }
}

/* As slots.c does: while the batch runs, and at its end. */
static bool take(shared *s, batch_part *passed, bool crashed) {
    batch_claim claim;
    tf_rows rows;
    if (rows_back_claim(&s->map, &s->order, passed, &claim))
        return false;
    batch_part part = {
        .row = passed->end, .end = claim.ended, .blobs = passed->blobs_end, .blobs_end = claim.blobs_size};
    if (rows_back_copy(&s->back, &s->map, s->campaign, &s->order, &part, &rows))
        return false;
    if (crashed && claim.ended < TASKS) {
        const tf_buf message = {.data = (char[]){"killed"}, .length = 6};
        rows_back_add_failed(&s->back, s->campaign, &s->order, TF_STATUS_FAILED, &message, 9, &part, &rows);
    }
    use(s, &rows);
    *passed = part;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static shared s;
    if (!s.campaign)
        open_shared(&s);
    run_host(&s);
    batch_part passed = {0};
    if (size == 0)
        must(take(&s, &passed, true) && passed.end == TASKS);
    damage(&s, data, size / 2);
    if (take(&s, &passed, false)) {
        damage(&s, data + size / 2, size - size / 2);
        take(&s, &passed, true);
    }
    memset(s.map.blobs, 0, s.map.blobs_mapped);
    return 0;
}
