/* What ranks do together can neither be ended nor undone without the one that is lost: MPI and HDF5 wait for it. So the
 * run ends there, with all in the output as after kill -9, and the next run goes on. The finisher is not asked to do
 * that now: this rank's own thread may yet be writing. Nobody knows where it stands, so all that is done here is done
 * without it, and within LAST_WORDS. */
#include "farm/lost_together.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "farm/farm.h"
#include "farm/incidents.h"
#include "farm/loss.h"

#define LAST_WORDS 3.0 /* s */

enum { NAMED = 8 /* ranks, each in a line of its own */ };

static void note(const lost_together *l, const lost_rank *one, const char *text) {
    const char *path = __atomic_load_n(&l->output, __ATOMIC_ACQUIRE);
    const incident what = {
        .kind = INCIDENT_SILENT, .rank = one->rank, .host = one->host, .since = tf_wall() - one->silence, .text = text};
    tf_buf json = {0};
    incident_write(&what, 0, &json);
    if (path)
        tf_store_note_last_incident(path, json.data);
    tf_buf_free(&json);
}

static void tell_one(const lost_together *l, const char *what, const lost_rank *one) {
    char duration[32];
    tf_buf text = {0};
    tf_buf_addf(&text,
                "rank %d on %s has not been heard for %s during %s; this run ends, and the same command line goes on",
                one->rank, one->host, tf_format_duration(one->silence, duration), what);
    tf_say("%s", text.data);
    note(l, one, text.data);
    tf_buf_free(&text);
}

/* Ranks of a node follow each other. */
static void name_nodes(const lost_rank *lost, int count, tf_buf *out) {
    char last[sizeof lost->host] = "";
    int nodes = 0;
    gethostname(last, sizeof last - 1);
    for (const lost_rank *one = lost; one < lost + count; one++) {
        if (strcmp(one->host, last) == 0)
            continue;
        if (nodes++ == 0)
            tf_buf_adds(out, one->host);
        memcpy(last, one->host, sizeof last);
    }
    if (nodes > 1)
        tf_buf_addf(out, " and %d other%s", nodes - 1, nodes == 2 ? "" : "s");
}

void tf_farm_tell_nodes(const char *nodes) {
    tf_say("this run is over; if mpirun does not return, it waits for %s, and can be killed", nodes);
}

static void tell_workers(const lost_together *l, const char *what, const lost_rank *lost, int count) {
    tf_buf nodes = {0};
    for (int n = 0; n < count && n < NAMED; n++)
        tell_one(l, what, &lost[n]);
    if (count > NAMED)
        tf_say("%d other rank%s not been heard either", count - NAMED, count - NAMED == 1 ? " has" : "s have");
    name_nodes(lost, count, &nodes);
    if (nodes.length > 0 && l->tells_node)
        tf_farm_tell_nodes(nodes.data);
    tf_buf_free(&nodes);
}

static void tell(void *context, const char *what, const lost_rank *lost, int count) {
    const lost_together *l = context;
    watchman_leave_within(l->watchman, LAST_WORDS);
    if (l->rank > 0)
        tf_say(LOSS_OF_MASTER, l->rank, l->patience);
    else
        tell_workers(l, what, lost, count);
}

static void see(void *context, bool all, const char *blocked) {
    const lost_together *l = context;
    char text[300];
    snprintf(text, sizeof text, ", though all ranks answer%s%s", *blocked ? ": " : "", blocked);
    watchman_know(l->watchman, all ? text : "");
}

static void leave(void *context) {
    const lost_together *l = context;
    watchman_leave(l->watchman);
}

pulses_ends lost_together_ends(lost_together *l) {
    return (pulses_ends){.tell = tell, .see = see, .leave = leave, .context = l};
}

void lost_together_note_in(lost_together *l, const char *path) {
    __atomic_store_n(&l->output, path, __ATOMIC_RELEASE);
}
