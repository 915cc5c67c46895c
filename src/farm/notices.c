/* Of what is counted there is one entry a stage, of other things one for each that was news. Very many stages may
 * notice the same: all is said, and the first MOST entries are kept. */
#include "farm/notices.h"

#include "store/notices.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 50 };

struct notices {
    const tf_campaign *campaign;
    const output *output;
    uint32_t (*told)[TF_NOTICES]; /* per stage: parts of notices that have been said */
    int64_t *calls;               /* per stage: calls of several tasks each that have not come to nothing */
    tf_noticed list[MOST];
    int count;
    bool is_noted; /* the output has the list */
};

notices *notices_new(const tf_campaign *campaign, const output *o) {
    notices *n = tf_alloc(sizeof *n);
    *n = (notices){.campaign = campaign, .output = o, .is_noted = true};
    n->told = tf_alloc_array((size_t)campaign->stages, sizeof *n->told);
    n->calls = tf_alloc_array((size_t)campaign->stages, sizeof *n->calls);
    return n;
}

void notices_free(notices *n) {
    if (!n)
        return;
    free(n->told);
    free(n->calls);
    free(n);
}

static tf_noticed *find(notices *n, int stage, tf_notice_kind kind) {
    for (int i = 0; i < n->count; i++)
        if (n->list[i].stage == stage && n->list[i].kind == kind)
            return &n->list[i];
    return NULL;
}

static void append(notices *n, const tf_noticed *noticed) {
    if (n->count < MOST)
        n->list[n->count++] = *noticed;
}

void notices_hear(notices *n, const tf_notice *notice, tf_buf *warning) {
    const tf_notice_kind kind = (tf_notice_kind)notice->kind;
    const bool is_counted = tf_notice_table[kind].is_counted;
    uint32_t *told = &n->told[notice->stage][kind];
    const bool is_news = notice->parts & ~*told;
    tf_noticed *before = is_counted ? find(n, notice->stage, kind) : NULL;
    *told |= notice->parts;
    if (before) {
        before->count += notice->count;
        before->of += notice->count;
    }
    n->is_noted = n->is_noted && !before && !is_news;
    if (!is_news)
        return;
    tf_noticed noticed = {.stage = notice->stage, .kind = kind};
    if (is_counted) {
        noticed.count = notice->count;
        noticed.of = notice->count + (kind == TF_NOTICE_BATCHES ? n->calls[notice->stage] : 0);
    }
    memcpy(noticed.text, notice->text, sizeof noticed.text);
    append(n, &noticed);
    tf_buf_addf(warning, "stage \"%s\": ", n->campaign->stage[notice->stage].name);
    tf_notice_add(&noticed, false, warning);
}

void notices_add(notices *n, int stage, tf_notice_kind kind, int64_t count, int64_t of) {
    tf_noticed *noticed = find(n, stage, kind);
    if (!noticed)
        return;
    noticed->count += count;
    noticed->of += of;
    n->is_noted = false;
}

void notices_count(notices *n, int stage, int64_t calls) {
    tf_noticed *of = calls > 0 ? find(n, stage, TF_NOTICE_BATCHES) : NULL;
    n->calls[stage] += calls;
    if (!of)
        return;
    of->of += calls;
    n->is_noted = false;
}

void notices_note(notices *n) {
    if (!n->is_noted)
        n->output->note_notices(n->output->context, n->list, n->count);
    n->is_noted = true;
}

const tf_noticed *notices_list(const notices *n, int *count) {
    *count = n->count;
    return n->list;
}
