/* Asking for a forked process (see python_warm.h). The warm parent may die at any time, by itself or killed: what was
 * asked of it is asked again, of the next one. */
#include "host/python_warm.h"
#include "host/packet.h"
#include "host/python_stage.h"
#include "host/python_words.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <cjson/cJSON.h>

enum { TRIES = 3 };

/* ---- The request ---- */

/* As a JSON string. A byte that is no UTF-8 becomes what Python makes of it. */
static void add_string(const char *text, size_t length, tf_buf *out) {
    tf_buf_addc(out, '"');
    while (length > 0) {
        const int64_t bad = tf_utf8_invalid(text, length);
        const size_t sound = bad < 0 ? length : (size_t)bad;
        tf_buf quoted = {0};
        tf_buf_add_json(&quoted, text, sound);
        tf_buf_add(out, quoted.data + 1, quoted.length - 2);
        tf_buf_free(&quoted);
        if (bad >= 0)
            tf_buf_addf(out, "\\udc%02x", (unsigned char)text[sound]);
        text += sound + (bad >= 0);
        length -= sound + (bad >= 0);
    }
    tf_buf_addc(out, '"');
}

static void add_environment(char *const *environment, tf_buf *out) {
    const char *between = "";
    tf_buf_adds(out, "\"env\": {");
    for (; *environment; environment++) {
        const size_t name = strcspn(*environment, "=");
        tf_buf_adds(out, between);
        add_string(*environment, name, out);
        tf_buf_adds(out, ": ");
        add_string(*environment + name + 1, strlen(*environment + name + 1), out);
        between = ", ";
    }
    tf_buf_addc(out, '}');
}

static void add_cores(const cpu_set_t *cores, tf_buf *out) {
    const char *between = "";
    packet_add_key(out, "cores");
    tf_buf_addc(out, '[');
    for (size_t core = 0; core < CPU_SETSIZE; core++) {
        if (!CPU_ISSET(core, cores))
            continue;
        tf_buf_addf(out, "%s%zu", between, core);
        between = ", ";
    }
    tf_buf_addc(out, ']');
}

/* {"fork": {...}, "stage": {...}} */
static void add_request(host *h, tf_buf *out) {
    process p = PROCESS_NONE;
    tf_buf stage = {0};
    python_words_set(h, &p, "slot");
    tf_buf_adds(out, "{\"fork\": {");
    add_environment(p.envp, out);
    add_cores(&h->cores, out);
    packet_add_number(out, "memory", h->spec->need.memory);
    packet_add_flag(out, "force", h->spec->run.python->warm == TF_WARM_YES);
    tf_buf_adds(out, "}, ");
    python_stage_add(h->campaign, h->spec, &stage);
    tf_buf_adds(out, tf_buf_text(&stage) + 1); /* without its brace */
    tf_buf_free(&stage);
    process_free(&p);
}

/* ---- The answer ---- */

typedef enum answer {
    FORKED,
    COLD,   /* it says why it can't fork one */
    ENDED,  /* the parent has died */
    NOBODY, /* no parent is started any more */
    SILENT
} answer;

/* Reads {"forked": pid} or {"cold": "why"}. */
static answer read_answer(python_slot *s, pid_t *pid, tf_buf *why) {
    cJSON *said = cJSON_ParseWithLength(tf_buf_text(&s->packet), s->packet.length);
    const cJSON *forked = cJSON_GetObjectItemCaseSensitive(said, "forked");
    const char *cold = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(said, "cold"));
    *pid = cJSON_IsNumber(forked) && forked->valueint > 1 ? forked->valueint : 0;
    tf_buf_adds(why, cold ? cold : "gives no answer that can be understood");
    cJSON_Delete(said);
    return *pid > 0 ? FORKED : COLD;
}

/* Waits for the answer, as long as an import may take. */
static answer wait_for_answer(host *h, python_slot *s, double deadline, pid_t *pid, tf_buf *why) {
    while (!host_is_to_stop(h) && tf_now() < deadline) {
        struct pollfd fd = {s->socket, POLLIN, 0};
        if (poll(&fd, 1, 100) <= 0)
            continue;
        const packet_state state = packet_receive(s->socket, &s->packet);
        if (state == PACKET_GOT)
            return read_answer(s, pid, why);
        if (state == PACKET_END)
            return ENDED;
    }
    return SILENT;
}

/* Asks once. */
static answer ask(host *h, python_slot *s, double deadline, pid_t *pid, tf_buf *why) {
    int pair[2];
    tf_buf request = {0};
    if (!packet_pair(pair))
        return NOBODY;
    add_request(h, &request);
    const bool sent = packet_send(h->warm[h->spec->number], &request, &pair[1], 1);
    tf_buf_free(&request);
    close(pair[1]);
    s->socket = pair[0];
    return sent ? wait_for_answer(h, s, deadline, pid, why) : NOBODY;
}

void python_warm_refuse(host *h, const char *why) {
    h->warm[h->spec->number] = -1;
    host_notice(h, TF_NOTICE_COLD, why);
}

bool python_warm_start(host *h, python_slot *s, double patience) {
    const double deadline = tf_now() + patience;
    answer what = ENDED;
    pid_t pid = 0;
    tf_buf why = {0};
    if (h->warm[h->spec->number] < 0)
        return false;
    for (int tries = 0; tries < TRIES && what == ENDED; tries++) {
        what = ask(h, s, deadline, &pid, &why);
        if (what == FORKED && process_adopt(h, &s->p, pid))
            break;
        if (what == FORKED) /* it has ended already */
            what = ENDED;
        process_close_fd(&s->socket);
    }
    if (what == COLD)
        python_warm_refuse(h, why.data);
    else if (what == SILENT && !host_is_to_stop(h))
        python_warm_refuse(h, "does not answer");
    else if (what == ENDED || what == NOBODY)
        python_warm_refuse(h, "ends before it has forked any");
    tf_buf_free(&why);
    return what == FORKED;
}
