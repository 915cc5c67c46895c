/* Failures by message (see failures.h): "37 x timeout after 30s: survey[3], [17], [80], ...". */
#include "report/failures.h"

#include <stdlib.h>
#include <string.h>

/* The tasks' messages are read where one of them has failed. */
static tf_err take_piece(tf_reader *reader, int stage, int owner, int message, int64_t first, int64_t count,
                         const uint8_t *status, tf_blobs *texts, tf_tally *failures, tf_error *error) {
    static const char silent[] = "no message";
    int64_t from = 0, end = count;
    while (from < end && !tf_status_has_failed(status[from]))
        from++;
    while (end > from && !tf_status_has_failed(status[end - 1]))
        end--;
    if (from == end)
        return TF_OK;
    tf_err err = message >= 0 ? tf_reader_blobs(reader, stage, message, first + from, end - from, texts, error) : TF_OK;
    for (int64_t i = from; i < end && err == TF_OK; i++) {
        size_t length = 0;
        const char *text = message >= 0 ? tf_blobs_at(texts, i - from, &length) : "";
        if (tf_status_has_failed(status[i]))
            tf_tally_add_one(failures, owner, length ? text : silent, length ? length : sizeof silent - 1, first + i);
    }
    return err;
}

tf_err failures_find(tf_reader *reader, int stage, int owner, tf_tally *failures, tf_error *error) {
    enum { PIECE = 1 << 14 };
    const int64_t tasks = tf_reader_tasks(reader, stage);
    const int status = tf_reader_record(reader, stage, "status");
    const int message = tf_reader_record(reader, stage, "message");
    uint8_t *its = tf_alloc(PIECE);
    tf_blobs texts = {0};
    tf_err err = TF_OK;
    for (int64_t first = 0; first < tasks && err == TF_OK; first += PIECE) {
        const int64_t count = tasks - first < PIECE ? tasks - first : PIECE;
        err = tf_reader_numbers(reader, stage, status, first, count, its, error);
        if (err == TF_OK)
            err = take_piece(reader, stage, owner, message, first, count, its, &texts, failures, error);
    }
    tf_blobs_free(&texts);
    free(its);
    return err;
}

void failures_add_json(cJSON *json, const tf_tally *failures, int most, const char *const *name) {
    cJSON *list = cJSON_AddArrayToObject(json, "failures");
    for (int i = 0; i < failures->count && i < most; i++) {
        const tf_tally_entry *entry = &failures->entry[i];
        cJSON *item = cJSON_CreateObject(), *tasks;
        cJSON_AddItemToArray(list, item);
        if (name)
            cJSON_AddStringToObject(item, "stage", name[entry->owner]);
        else
            cJSON_AddNumberToObject(item, "stage", entry->owner);
        cJSON_AddNumberToObject(item, "count", (double)entry->count);
        tasks = cJSON_AddArrayToObject(item, "tasks");
        for (int n = 0; n < entry->numbers; n++)
            cJSON_AddItemToArray(tasks, cJSON_CreateNumber((double)entry->number[n]));
        cJSON_AddStringToObject(item, "message", entry->text);
    }
}

static void print_entry(FILE *out, const tf_tally_entry *e, const char *stage) {
    char count[32];
    const int length = (int)strcspn(e->text, "\n");
    if (e->count == 1) {
        tf_print(out, "  failed %s[%lld]: %.*s\n", stage, (long long)e->number[0], length, e->text);
        return;
    }
    tf_print(out, "  %s tasks failed: %.*s: %s[%lld]", tf_format_count(e->count, count), length, e->text, stage,
             (long long)e->number[0]);
    for (int n = 1; n < e->numbers; n++)
        tf_print(out, ", [%lld]", (long long)e->number[n]);
    tf_print(out, "%s\n", e->count > e->numbers ? ", ..." : "");
}

void failures_add_hint(const char *verb, const char *file, const char *stage, int64_t index, tf_buf *out) {
    tf_buf path = {0};
    tf_buf_addf(&path, "%s%s", *file == '-' ? "./" : "", file);
    tf_buf_addf(out, "taskfarm %s ", verb);
    tf_buf_add_copyable(out, tf_buf_text(&path), true);
    tf_buf_addc(out, ' ');
    tf_buf_add_copyable(out, stage, true);
    if (index >= 0)
        tf_buf_addf(out, " %lld", (long long)index);
    tf_buf_free(&path);
}

void failures_print(FILE *out, const tf_tally *failures, const char *output, const char *const *name) {
    enum { MOST = 5 };
    char count[32];
    int64_t left = failures->total;
    for (int i = 0; i < failures->count && i < MOST; i++) {
        print_entry(out, &failures->entry[i], name[failures->entry[i].owner]);
        left -= failures->entry[i].count;
    }
    if (left > 0)
        tf_print(out, "  and %s more\n", tf_format_count(left, count));
    if (failures->count == 0)
        return;
    tf_buf hint = {0};
    failures_add_hint("show", output, name[failures->entry[0].owner], failures->entry[0].number[0], &hint);
    tf_print(out, "  see: %s\n", tf_buf_text(&hint));
    tf_buf_free(&hint);
}
