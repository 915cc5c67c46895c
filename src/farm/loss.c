/* "rank 3 on node2 has not been heard for 1m02s, and holds fit[120] and 3 other tasks; this run ends, ..." */
#include "farm/loss.h"

/* "fit[120] and 3 other tasks"; "": it holds none. */
static void name_held(const tf_campaign *campaign, const tf_sched *sched, int rank, tf_buf *out) {
    int64_t held = 0;
    for (int s = 0; s < campaign->stages; s++) {
        const tf_intervals *tasks = tf_sched_holds(sched, rank, s);
        if (tasks->total > 0 && held == 0)
            tf_buf_addf(out, "%s[%lld]", campaign->stage[s].name, (long long)tasks->items[0].first);
        held += tasks->total;
    }
    if (held > 1)
        tf_buf_addf(out, " and %lld other task%s", (long long)held - 1, held == 2 ? "" : "s");
}

static void describe_silence(const peers *p, const tf_campaign *campaign, const tf_sched *sched, const terms *agreed,
                             int rank, tf_buf *out) {
    char duration[32];
    tf_buf held = {0};
    name_held(campaign, sched, rank, &held);
    tf_buf_addf(out, "has not been heard for %s", tf_format_duration(peers_silence(p, rank), duration));
    if (held.length)
        tf_buf_addf(out, ", and holds %s", held.data);
    tf_buf_adds(out, agreed->recovers ? "; the others go on with its tasks"
                                      : "; this run ends, and the same command line goes on");
    tf_buf_free(&held);
}

static void name_rank(const peers *p, int rank, tf_buf *out) {
    const char *host = p->peer[rank].host;
    tf_buf_addf(out, "rank %d%s%s ", rank, *host ? " on " : "", host);
}

void loss_describe_quiet(const peers *p, int rank, tf_buf *out) {
    char duration[32];
    tf_buf_adds(out, ", and ");
    name_rank(p, rank, out);
    tf_buf_addf(out, "has not been heard for %s", tf_format_duration(peers_silence(p, rank), duration));
}

void loss_describe_late(const peers *p, int rank, double seconds, tf_buf *out) {
    char duration[32];
    name_rank(p, rank, out);
    tf_buf_addf(out, "was told to end, and has not within %s; it is not waited for any longer",
                tf_format_duration(seconds, duration));
}

void loss_describe(const peers *p, const tf_campaign *campaign, const tf_sched *sched, const terms *agreed, int rank,
                   peer_state why, tf_buf *out) {
    name_rank(p, rank, out);
    if (why == PEER_DIED)
        tf_buf_adds(out, agreed->recovers ? "has died; the others go on with its tasks"
                                          : "has died; unless the launcher ends them the others go on with its tasks");
    else
        describe_silence(p, campaign, sched, agreed, rank, out);
}
