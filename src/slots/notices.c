/* What is noticed of a stage: hosts put it into a batch's buffer, or it follows from what they do. It is kept here
 * until rows come back next, and goes with them. */
#include "host/run.h"
#include "slots/inner.h"

#include <stdio.h>
#include <string.h>

static tf_notice *find(tf_slots *slots, int stage, tf_notice_kind kind) {
    for (int n = 0; n < slots->notices; n++)
        if (slots->notice[n].stage == stage && slots->notice[n].kind == (int32_t)kind)
            return &slots->notice[n];
    return NULL;
}

/* Of what is noticed twice before it is passed on, the first text is kept. */
static void add(tf_slots *slots, int stage, tf_notice_kind kind, uint32_t parts, int64_t count, const char *text) {
    tf_notice *notice = find(slots, stage, kind);
    if (!notice && slots->notices == TF_NOTICES)
        return;
    if (!notice) {
        notice = &slots->notice[slots->notices++];
        *notice = (tf_notice){.stage = stage, .kind = (int32_t)kind};
        snprintf(notice->text, sizeof notice->text, "%s", text);
    }
    notice->parts |= parts;
    notice->count += count;
}

/* Only a process that works says something of its stage: one that does not start is starts.c's. */
static uint32_t told_by(const batch_claim *claim) {
    return claim->service & BATCH_SERVICE_READS ? claim->noticed : 0;
}

static void add_change(tf_slots *slots, int stage, uint32_t changed) {
    tf_buf text = {0};
    tf_buf_addf(&text, "%s changes ", slots->campaign->stage[stage].run.symbol);
    tf_host_name_changes(changed, &text);
    add(slots, stage, TF_NOTICE_CHANGES, changed, 0, text.data);
    tf_buf_free(&text);
}

void notices_take(tf_slots *slots, int slot_id, int b, const batch_claim *claim) {
    slot *s = &slots->slot[slot_id];
    const uint32_t fresh = told_by(claim) & ~s->noticed[b];
    char text[TF_NOTICE_TEXT];
    for (int kind = 0; kind < TF_NOTICES; kind++) {
        if (!(fresh & 1u << kind) || tf_notice_table[kind].is_counted)
            continue;
        rows_back_notice(&s->map[b], (tf_notice_kind)kind, text);
        add(slots, s->order[b].stage, (tf_notice_kind)kind, 1, 0, text);
    }
    s->noticed[b] |= fresh;
    if (claim->changed)
        add_change(slots, s->order[b].stage, claim->changed);
}

void notices_take_vain(tf_slots *slots, int slot_id, int b, int64_t row, int64_t end, const char *why) {
    const batch_order *order = &slots->slot[slot_id].order[b];
    const int64_t call = tf_stage_batch(&slots->campaign->stage[order->stage]);
    char text[TF_NOTICE_TEXT];
    if (call <= 1) /* how many tasks are one call is the host's affair */
        return;
    if (!why) {
        rows_back_notice(&slots->slot[slot_id].map[b], TF_NOTICE_BATCHES, text);
        why = *text ? text : "why is not known";
    }
    add(slots, order->stage, TF_NOTICE_BATCHES, 1, notices_count_calls(order->first + row, order->first + end, call),
        why);
}

int64_t notices_count_calls(int64_t first, int64_t end, int64_t call) {
    return end > first ? (end + call - 1) / call - first / call : 0;
}
