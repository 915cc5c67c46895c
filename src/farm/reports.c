/* Runs of rows that follow each other are one report, so that a message has few however many batches have come back. Of
 * tasks that have failed, and of such that others may wait for, a report tells of good ones or of others, never of
 * both. */
#include "farm/reports.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void reports_free(reports *r) {
    free(r->item);
}

static bool is_waited_for(const reports *r, int stage) {
    return tf_stage_has_files(&r->campaign->stage[stage]);
}

/* Does the report go on where the one before it ends? */
static bool continues(const report_message *before, const report_message *report) {
    return before->stage == report->stage && before->retry == report->retry && before->attempt == report->attempt &&
           before->is_kept == report->is_kept && before->first + before->count == report->first &&
           (before->failed > 0) == (report->failed > 0) && (before->skipped > 0) == (report->skipped > 0);
}

static void add(reports *r, report_message report) {
    report_message *last = r->count ? &r->item[r->count - 1] : NULL;
    if (last && continues(last, &report)) {
        last->count += report.count;
        last->failed += report.failed;
        last->excluded += report.excluded;
        last->skipped += report.skipped;
        last->calls += report.calls;
        last->seconds += report.seconds;
        return;
    }
    if (r->count == r->capacity) {
        r->capacity = r->capacity ? 2 * r->capacity : 16;
        r->item = tf_realloc_array(r->item, r->capacity, sizeof *r->item);
    }
    assert(r->item);
    r->item[r->count++] = report;
}

/* Do both rows go into one report? What is not good has failed or was skipped. */
static bool are_alike(const tf_rows *rows, int64_t row, int64_t other) {
    const uint8_t a = rows->status[row], b = rows->status[other];
    return tf_status_is_good(a) == tf_status_is_good(b) && tf_status_has_failed(a) == tf_status_has_failed(b);
}

/* Where the run of rows that begins at `row` ends: all are pending or none is, and all are good or none is. */
static int64_t find_end(const tf_rows *rows, int64_t row) {
    const int64_t end = tf_rows_run(rows, row);
    int64_t same = row;
    if (rows->failed == 0 && rows->skipped == 0)
        return end;
    while (same < end && are_alike(rows, row, same))
        same++;
    return same;
}

static int64_t count_status(const tf_rows *rows, int64_t row, int64_t end, tf_status status) {
    int64_t count = 0;
    for (; row < end; row++)
        count += rows->status[row] == status;
    return count;
}

static int64_t count_failed(const reports *r, const tf_rows *rows, int64_t row, int64_t end) {
    const uint8_t status = rows->status[row];
    if (status == TF_STATUS_PENDING)
        return 0;
    return (is_waited_for(r, rows->stage) ? !tf_status_is_good(status) : tf_status_has_failed(status)) ? end - row : 0;
}

void reports_add(reports *r, const tf_rows *rows, pending_rows pending) {
    const double seconds = rows->seconds / (double)rows->count;
    r->tasks += rows->count;
    for (int64_t row = 0, end; row < rows->count; row = end) {
        end = find_end(rows, row);
        const bool is_pending = rows->status[row] == TF_STATUS_PENDING;
        const bool is_kept = is_pending && pending == PENDING_KEPT;
        add(r, (report_message){.stage = rows->stage,
                                .retry = is_pending && !is_kept ? rows->attempt : 0,
                                .first = rows->first + row,
                                .count = end - row,
                                .failed = is_kept ? end - row : count_failed(r, rows, row, end),
                                .excluded = rows->excluded ? count_status(rows, row, end, TF_STATUS_EXCLUDED) : 0,
                                .skipped = rows->skipped ? count_status(rows, row, end, TF_STATUS_SKIPPED) : 0,
                                .calls = row == 0 ? rows->calls : 0,
                                .seconds = seconds * (double)(end - row),
                                .attempt = is_kept ? rows->attempt : 0,
                                .is_kept = is_kept});
    }
}

void reports_send(reports *r, const transport *t, int to) {
    transport_send(t, to, TAG_REPORT, r->item, r->count * sizeof *r->item);
    r->count = 0;
    r->tasks = 0;
}

/* ---- Failures ---- */

static void send_failure(const tf_rows *rows, const tf_tally_entry *entry, const transport *t, int to) {
    failure_message failure = {.stage = rows->stage, .numbers = entry->numbers, .count = entry->count};
    _Static_assert(sizeof failure.index == sizeof entry->number, "as many tasks as a tally has");
    memcpy(failure.index, entry->number, sizeof failure.index);
    snprintf(failure.message, sizeof failure.message, "%s", entry->text);
    transport_send(t, to, TAG_FAILURE, &failure, sizeof failure);
}

void reports_send_failures(const tf_rows *rows, const transport *t, int to) {
    tf_tally tally = {0};
    const char *bytes = rows->blobs;
    for (size_t at = 0; at < rows->blobs_size;) {
        const tf_record *record = (const tf_record *)(const void *)(bytes + at);
        if (record->kind == TF_RECORD_MESSAGE && tf_status_has_failed(rows->status[record->index - rows->first]))
            tf_tally_add_one(&tally, rows->stage, (const char *)(record + 1), (size_t)record->length, record->index);
        at += tf_record_size((size_t)record->length);
    }
    for (int i = 0; i < tally.count; i++)
        send_failure(rows, &tally.entry[i], t, to);
    tf_tally_free(&tally);
}
