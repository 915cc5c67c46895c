/* Copying and checking what hosts leave in shared memory (see rows_back.h). */
#include "slots/rows_back.h"
#include "host/surroundings.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MOST_SECONDS 1e10 /* longest time that a host may record: three hundred years */

void rows_back_free(rows_back *back) {
    batch_columns_free(&back->columns);
    tf_buf_free(&back->status);
    tf_buf_free(&back->attempts);
    tf_buf_free(&back->exit_code);
    tf_buf_free(&back->signal);
    tf_buf_free(&back->blobs);
}

/* ---- The batch as a whole ---- */

/* The number of ended rows comes first: what is said of the row under way may then be of a later one, but never what is
 * said of an earlier one. */
static batch_claim read_header(const batch_header *head) {
    batch_claim c;
    c.sound = __atomic_load_n(&head->sound, __ATOMIC_ACQUIRE);
    c.ended = __atomic_load_n(&head->ended, __ATOMIC_ACQUIRE);
    __atomic_load(&head->row_started, &c.row_started, __ATOMIC_RELAXED);
    __atomic_load(&head->started, &c.started, __ATOMIC_RELAXED);
    __atomic_load(&head->seconds, &c.seconds, __ATOMIC_RELAXED);
    c.blobs_size = __atomic_load_n(&head->blobs_size, __ATOMIC_RELAXED);
    c.calling_end = __atomic_load_n(&head->calling_end, __ATOMIC_RELAXED);
    c.changed = __atomic_load_n(&head->changed, __ATOMIC_RELAXED);
    c.refused = __atomic_load_n(&head->refused, __ATOMIC_RELAXED) != 0;
    c.unread = __atomic_load_n(&head->unread, __ATOMIC_RELAXED) != 0;
    c.service = __atomic_load_n(&head->service, __ATOMIC_RELAXED) &
                (BATCH_SERVICE_READS | BATCH_SERVICE_FAILS | BATCH_SERVICE_REFUSES | BATCH_UNSTARTED);
    c.noticed = __atomic_load_n(&head->noticed, __ATOMIC_ACQUIRE) & ((1u << TF_NOTICES) - 1);
    return c;
}

/* What the rank has put there is compared for one reason: user code may have written over it. */
static bool is_as_asked(const batch_header *head, const batch_order *order) {
    return head->stage == order->stage && head->attempt == order->attempt && head->first == order->first &&
           head->count == order->count && head->reads_blocks == order->reads_blocks;
}

static bool is_between(double x, double low, double high) {
    return x >= low && x <= high; /* NaN is not */
}

const char *rows_back_claim(const batch_map *map, const batch_order *order, const batch_part *passed,
                            batch_claim *claim) {
    const batch_header *head = (const batch_header *)(const void *)map->fixed;
    const batch_claim c = *claim = read_header(head);
    const double now = tf_now();
    if (!is_as_asked(head, order))
        return "its orders";
    if (c.ended < passed->end || c.ended > order->count || c.sound < 0 || c.sound > c.ended || c.calling_end < 0 ||
        c.calling_end > order->count)
        return "its count of finished tasks";
    if (c.changed & ~(uint32_t)SURROUNDINGS_ALL)
        return "its surroundings";
    if (c.blobs_size < passed->blobs_end || c.blobs_size % sizeof(int64_t) != 0)
        return "its amount of text";
    if ((c.started != 0 && !is_between(c.started, order->given, now)) ||
        (c.row_started != 0 && !is_between(c.row_started, order->given, now)) ||
        !is_between(c.seconds, 0, now - order->given))
        return "its times";
    return c.ended > 0 && c.started == 0 ? "its start" : NULL;
}

/* Bytes that are no UTF-8 become '?'. */
static void make_valid(char *text, size_t length) {
    for (int64_t bad; (bad = tf_utf8_invalid(text, length)) >= 0;)
        text[bad] = '?';
}

void rows_back_why(const batch_map *map, tf_buf *out) {
    const batch_header *head = (const batch_header *)(const void *)map->fixed;
    const size_t before = out->length;
    tf_buf_add(out, head->why, strnlen(head->why, sizeof head->why - 1));
    if (out->length > before)
        make_valid(out->data + before, out->length - before);
}

void rows_back_notice(const batch_map *map, tf_notice_kind kind, char text[TF_NOTICE_TEXT]) {
    const batch_header *head = (const batch_header *)(const void *)map->fixed;
    memcpy(text, head->notice[kind], TF_NOTICE_TEXT);
    text[TF_NOTICE_TEXT - 1] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    make_valid(text, strlen(text));
}

/* ---- Rows ---- */

/* Room for so many bytes, which become the buffer's. */
static char *resize(tf_buf *buf, size_t size) {
    tf_buf_clear(buf);
    tf_buf_reserve(buf, size + 1);
    buf->length = size;
    return buf->data;
}

static bool are_all(const char *bytes, size_t count, int value) {
    return count == 0 || (bytes[0] == value && memcmp(bytes, bytes + 1, count - 1) == 0);
}

/* Nothing of them is pending, and only a stage that can leave rows out has such rows. */
static bool are_statuses_right(const tf_stage_spec *spec, tf_rows *rows) {
    const bool sets_apart = spec->wheres > 0 || tf_stage_takes_rows(spec);
    const int64_t done = batch_count_rows(rows), apart = rows->skipped + rows->excluded;
    return done + rows->failed + apart == rows->count && (sets_apart || apart == 0);
}

/* A task that was not run has had no attempt. */
static bool copy_statuses(rows_back *back, const tf_stage_spec *spec, const batch_order *order, tf_rows *rows) {
    const size_t count = (size_t)rows->count;
    memcpy(resize(&back->status, count), back->columns.status, count);
    memset(resize(&back->attempts, count), order->attempt, count);
    rows->status = (const uint8_t *)back->status.data;
    rows->attempts = (const uint8_t *)back->attempts.data;
    if (are_all(back->status.data, count, TF_STATUS_DONE))
        return true;
    if (!are_statuses_right(spec, rows))
        return false;
    for (int64_t row = 0; rows->skipped + rows->excluded > 0 && row < rows->count; row++)
        if (rows->status[row] == TF_STATUS_SKIPPED || rows->status[row] == TF_STATUS_EXCLUDED)
            back->attempts.data[row] = 0;
    return true;
}

/* Readers of the file count on these. Without branches: they are checked for millions of rows a second. */
static bool are_records_right(const batch_columns *c, int64_t count) {
    bool right = true;
    for (int64_t row = 0; row < count; row++)
        right &= (fabs(c->start[row]) <= MOST_SECONDS) & (c->duration[row] >= 0) & (c->duration[row] <= MOST_SECONDS);
    for (int64_t row = 0; c->cpu && row < count; row++)
        right &= (c->cpu[row] >= 0) & (c->cpu[row] <= MOST_SECONDS) & (c->max_rss[row] >= 0);
    return right;
}

/* ---- Blobs ---- */

/* Only what the host has written is mapped: a size that is made up must not make the rank fill memory by reading. */
static bool has_written(const batch_map *map, uint64_t blobs) {
    struct stat info;
    if (blobs <= map->blobs_mapped)
        return true;
    return fstat(map->fd, &info) == 0 && blobs <= (uint64_t)info.st_size - map->fixed_size &&
           blobs <= (uint64_t)info.st_blocks * 512;
}

static bool is_text_of(const tf_record *record, const tf_stage_spec *spec, const batch_order *order,
                       const batch_part *part) {
    const int64_t column = (int64_t)record->kind - TF_RECORD_COLUMN;
    return record->stage == order->stage && record->attempt == order->attempt &&
           record->index >= order->first + part->row && record->index < order->first + part->end && record->kind >= 0 &&
           column < spec->columns && (column < 0 || tf_column_bytes(&spec->column[column]) == 0);
}

/* The blobs of a part. A host that is at a later row may have added some of that already. */
static const char *copy_texts(rows_back *back, batch_map *map, const tf_stage_spec *spec, const batch_order *order,
                              batch_part *part) {
    static const char wrong[] = "a text";
    const size_t size = (size_t)(part->blobs_end - part->blobs);
    if (size == 0) {
        tf_buf_clear(&back->blobs);
        return NULL;
    }
    if (!has_written(map, part->blobs_end) || !batch_map_blobs(map, (size_t)part->blobs_end, false))
        return "its amount of text";
    memcpy(resize(&back->blobs, size), map->blobs + part->blobs, size);
    size_t at = 0;
    while (at < size) {
        const tf_record *record = tf_record_at(back->blobs.data + at, size - at);
        if (!record)
            return wrong;
        if (record->index >= order->first + part->end && record->index < order->first + order->count)
            break;
        if (!is_text_of(record, spec, order, part))
            return wrong;
        at += tf_record_size((size_t)record->length);
    }
    back->blobs.length = at;
    part->blobs_end = part->blobs + at;
    return NULL;
}

/* ---- Parts ---- */

/* What `rows` points to may have moved. */
static void point_at_copies(const rows_back *back, tf_rows *rows) {
    rows->status = (const uint8_t *)back->status.data;
    rows->attempts = (const uint8_t *)back->attempts.data;
    rows->blobs = back->blobs.data;
    rows->blobs_size = back->blobs.length;
}

const char *rows_back_copy(rows_back *back, batch_map *map, const tf_campaign *campaign, const batch_order *order,
                           batch_part *part, tf_rows *rows) {
    const tf_stage_spec *spec = &campaign->stage[order->stage];
    const char *wrong = copy_texts(back, map, spec, order, part);
    if (wrong)
        return wrong;
    batch_locate(map, spec, order->reads_blocks, part->row, &back->columns);
    batch_point_rows(spec, &back->columns, part, rows);
    rows->attempt = order->attempt;
    rows->worker = order->rank;
    rows->slot = order->slot;
    rows->first = order->first + part->row;
    if (!copy_statuses(back, spec, order, rows))
        return "a status";
    if (spec->record_full && !are_records_right(&back->columns, rows->count))
        return "a time";
    point_at_copies(back, rows);
    return NULL;
}

/* Zeros for the rows before the last, and the value for that. */
static const int32_t *add_last(tf_buf *column, int64_t rows, int32_t value) {
    memset(resize(column, (size_t)rows * sizeof value), 0, (size_t)rows * sizeof value);
    int32_t *cells = (void *)column->data;
    cells[rows - 1] = value;
    return cells;
}

/* The host says when the row began. What it says counts if it is later than the row before; else the row begins now. */
static void record_end(rows_back *back, const batch_order *order, const batch_part *part, int end, tf_rows *rows) {
    const batch_columns *c = &back->columns;
    const int64_t row = rows->count - 1;
    const int32_t exit_code = WIFEXITED(end) ? WEXITSTATUS(end) : -1, signal = WIFSIGNALED(end) ? WTERMSIG(end) : 0;
    const double now = tf_wall(), a_step = 60; /* s that the clock may have been set by meanwhile */
    double earliest = order->given_wall - a_step;
    if (part->row + row > 0 && c->start[row - 1] > earliest)
        earliest = c->start[row - 1];
    if (!is_between(c->start[row], earliest, now))
        c->start[row] = now;
    c->duration[row] = now - c->start[row];
    if (!c->exit_code) {
        rows->exit_code = add_last(&back->exit_code, rows->count, exit_code);
        rows->signal = add_last(&back->signal, rows->count, signal);
        return;
    }
    c->exit_code[row] = exit_code;
    c->signal[row] = signal;
    if (c->cpu) {
        c->cpu[row] = 0;
        c->max_rss[row] = 0;
    }
}

void rows_back_add_failed(rows_back *back, const tf_campaign *campaign, const batch_order *order, tf_status status,
                          const tf_buf *message, int end, batch_part *part, tf_rows *rows) {
    const tf_stage_spec *spec = &campaign->stage[order->stage];
    const int64_t row = rows->count++;
    const size_t size = tf_record_size(message->length);
    part->end++;
    rows->failed++;
    if (spec->record_full)
        record_end(back, order, part, end, rows);
    batch_clear_columns(&back->columns, spec, row, 1);
    tf_buf_addc(&back->status, (char)status);
    tf_buf_addc(&back->attempts, (char)order->attempt);
    tf_buf_reserve(&back->blobs, back->blobs.length + size);
    tf_record_write(back->blobs.data + back->blobs.length, order->stage, rows->first + row, TF_RECORD_MESSAGE,
                    order->attempt, tf_buf_text(message), message->length);
    back->blobs.length += size;
    point_at_copies(back, rows);
}
