/* Which process runs the tasks of a stage (see python_pool.h). */
#include "host/python_pool.h"
#include "host/frame_run.h"
#include "host/packet.h"
#include "host/python_draws.h"
#include "host/python_stage.h"
#include "host/python_warm.h"
#include "host/unstarted.h"

#include <string.h>
#include <sys/wait.h>

#include <cjson/cJSON.h>

enum { PYTHON_SLOTS = 4 };

struct python_pool {
    python_slot slot[PYTHON_SLOTS];
    uint64_t turn;
};

/* ---- The module ---- */

/* Fails the task under way, since the process has ended, or was ended, as it imported the stage's module, or called
 * its "init". */
static void fail_import(host *h, python_slot *s, python_reply what) {
    const char *target = h->spec->run.python->target.text;
    const bool ended = what == PYTHON_ENDED;
    const int status = python_slot_kill(s);
    char text[64];
    capture_start(&h->err, BATCH_WHY);
    capture_add_file(&h->err, s->err, 0, frame_file_size(s->err));
    if (!ended)
        host_fail(h, "%s is not imported within %s", target, tf_format_duration(python_patience(), text));
    else if (WIFSIGNALED(status))
        host_fail(h, "%s can't be imported: killed by %s", target, tf_format_signal(WTERMSIG(status), text));
    else
        host_fail(h, "%s can't be imported: it ends its process with exit status %d", target, WEXITSTATUS(status));
    batch_add_limit(h->spec, &h->outcome.message);
}

static void notice_draw(void *context, const char *member, const char *text) {
    (void)member;
    host_notice(context, TF_NOTICE_UNSEEDED, text);
}

/* Reads {"stage": n, "seeds": bool, "unseeded": ..., "lasting": ...}, whose last two python_draws.h has, or {"stage":
 * n, "failed": "why"}. false after host_fail. */
static bool read_answer(host *h, python_slot *s) {
    cJSON *said = cJSON_ParseWithLength(tf_buf_text(&s->packet), s->packet.length);
    const cJSON *stage = cJSON_GetObjectItemCaseSensitive(said, "stage");
    const char *failed = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(said, "failed"));
    const bool ready = cJSON_IsNumber(stage) && !failed;
    s->wants_seeds = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(said, "seeds"));
    if (!ready) {
        capture_start(&h->err, h->spec->capture_stderr);
        host_fail(h, "%s", failed ? failed : "the Python process does not answer as one of taskfarm does");
    } else {
        python_draws_tell(said, notice_draw, h);
    }
    cJSON_Delete(said);
    return ready;
}

/* Has it import the stage's module. Returns 0, or after host_fail bits of BATCH_SERVICE_* for the rank. */
static uint32_t teach(host *h, python_slot *s) {
    tf_buf packet = {0};
    python_stage_add(h->campaign, h->spec, &packet);
    packet_send(s->socket, &packet, NULL, 0); /* if nobody is there to hear it, waiting for an answer tells why */
    tf_buf_free(&packet);
    s->stage = -1;
    const python_reply what = python_slot_wait(h, s, python_patience());
    if (what != PYTHON_SAID) {
        fail_import(h, s, what);
        return BATCH_SERVICE_FAILS |
               (what == PYTHON_ENDED ? 0 : BATCH_SERVICE_REFUSES); /* so long is not waited twice */
    }
    if (!read_answer(h, s))
        return BATCH_SERVICE_FAILS | BATCH_SERVICE_REFUSES;
    s->stage = h->spec->number;
    return 0;
}

/* A forked process may fail where one that was started would not: that is tried. Returns what teach does. */
static uint32_t teach_cold(host *h, python_slot *s) {
    tf_buf why = {0};
    const char *message = tf_buf_text(&h->outcome.message);
    tf_buf_addf(&why, "forks processes that fail: %.*s", (int)strcspn(message, "\n"), message);
    python_slot_kill(s);
    python_slot_free(s);
    python_warm_refuse(h, why.data);
    tf_buf_free(&why);
    tf_buf_clear(&h->outcome.message);
    return python_slot_start(h, s) ? teach(h, s) : BATCH_SERVICE_FAILS;
}

/* ---- The processes ---- */

/* A process that can run the stage's tasks; NULL: none. */
static python_slot *find(struct python_pool *pool, const host *h) {
    for (int i = 0; i < PYTHON_SLOTS; i++) {
        python_slot *s = &pool->slot[i];
        if (s->socket >= 0 && python_stage_is_alike(s->of, h->spec))
            return s;
    }
    return NULL;
}

/* A place for a new process: a free one, or that of the process that was used the longest time ago. */
static python_slot *make_room(struct python_pool *pool) {
    python_slot *oldest = &pool->slot[0];
    for (int i = 0; i < PYTHON_SLOTS; i++) {
        if (pool->slot[i].socket < 0)
            return &pool->slot[i];
        oldest = pool->slot[i].turn < oldest->turn ? &pool->slot[i] : oldest;
    }
    python_slot_close(oldest);
    return oldest;
}

static struct python_pool *pool_of(host *h) {
    if (h->python)
        return h->python;
    h->python = tf_alloc(sizeof *h->python);
    h->python->turn = 0;
    for (int i = 0; i < PYTHON_SLOTS; i++)
        h->python->slot[i] = (python_slot)PYTHON_SLOT_NONE;
    return h->python;
}

python_slot *python_pool_get(host *h) {
    struct python_pool *pool = pool_of(h);
    python_slot *s = find(pool, h);
    if (s && python_slot_has_ended(s)) { /* between two frames: nobody's fault */
        python_slot_kill(s);
        python_slot_free(s);
    }
    if (!s || s->socket < 0) {
        s = s ? s : make_room(pool);
        if (!python_slot_start(h, s)) {
            python_slot_free(s);
            unstarted_tell(h, BATCH_SERVICE_FAILS);
            return NULL;
        }
    }
    s->turn = ++pool->turn;
    const bool is_forked = s->p.is_adopted;
    uint32_t failed = s->stage == h->spec->number ? 0 : teach(h, s);
    if (failed && is_forked)
        failed = teach_cold(h, s);
    if (failed) {
        if (s->p.pid == 0)
            python_slot_free(s);
        unstarted_tell(h, failed);
        return NULL;
    }
    h->header->service |= BATCH_SERVICE_READS;
    return s;
}

void python_pool_close(host *h, int stage) {
    for (int i = 0; h->python && i < PYTHON_SLOTS; i++) {
        python_slot *s = &h->python->slot[i];
        if (s->socket >= 0 && s->of->number == stage)
            python_slot_close(s);
    }
}
