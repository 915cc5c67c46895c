/* The rank's side of its slots: batches go out, rows come back, and a host that dies takes one task with it. */
#include "host/host.h"
#include "slots/inner.h"
#include "slots/places.h"
#include "slots/rows_back.h"
#include "spawner/hosts.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct slot {
    int socket;
    batch_map map[BATCH_BUFFERS];
    bool given[BATCH_BUFFERS];           /* the buffer is the host's */
    batch_order order[BATCH_BUFFERS];    /* what is to be done with it */
    const char *nonsense[BATCH_BUFFERS]; /* what in it can't be so, for which its host is killed; NULL: all is well */
    bool apart[BATCH_BUFFERS];           /* its one task has the host to itself */
    batch_part passed[BATCH_BUFFERS];    /* the part passed on last; its seconds are the batch's so far */
    int next;                            /* the buffer to fill next */
    int life;                            /* of its hosts, by number */
    char gpus[GPU_LIST];                 /* that its host has had; "": none */
    bool keeps_gpus;                     /* and may hold on to, in a function or service */
    bool used;                           /* its host has had a batch, */
    bool worn;                           /* and is to have no other */
    int stillborn;                       /* hosts in a row that ended before they ran anything */
    int64_t overdue;                     /* the task whose time ran out, for which the host was killed; -1: none */
} slot;

struct tf_slots {
    tf_spawner *spawner;
    const tf_campaign *campaign;
    int rank, slots;
    slot *slot;
    places *places;
    struct pollfd *polled; /* the slots' sockets, then the spawner's, then the caller's */
    rows_back back;
    tf_files *files; /* NULL until somebody asks */
    tf_task_source source;
    double looked;            /* for finished rows of slow batches: tf_now() */
    tf_intervals *one_by_one; /* per stage: a batch function crashed with these rows, so they run alone; */
    tf_intervals *apart;      /* one of these has spoilt its batch or its host, so each runs in a host of its own */
};

/* To be written to. What a rank reads of it, rows_back_claim gives. */
static batch_header *header_of(const batch_map *map) {
    return (batch_header *)(void *)map->fixed;
}

static tf_err start(tf_slots *exec, int n, tf_error *error) {
    slot *s = &exec->slot[n];
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return tf_error_set(error, TF_ERR_RUN, "can't make a socket: %s", strerror(errno));
    if (s->socket >= 0)
        close(s->socket);
    s->socket = pair[0];
    s->next = 0;
    s->overdue = -1;
    for (int b = 0; b < BATCH_BUFFERS; b++)
        s->nonsense[b] = NULL;
    s->life++;
    s->gpus[0] = '\0';
    s->keeps_gpus = s->used = s->worn = false;
    exec->polled[n] = (struct pollfd){.fd = s->socket, .events = POLLIN};
    int fds[SPAWNER_FDS] = {pair[1]};
    for (int b = 0; b < BATCH_BUFFERS; b++)
        fds[1 + b] = s->map[b].fd;
    tf_err err = tf_spawner_start_host(exec->spawner, exec->rank, n, s->life, fds, error);
    close(pair[1]);
    return err;
}

static tf_err make_buffers(slot *s, int n, size_t size, tf_error *error) {
    for (int b = 0; b < BATCH_BUFFERS; b++)
        if (!batch_map_new(&s->map[b], size))
            return tf_error_set(error, TF_ERR_RUN, "no shared memory for slot %d: %s", n, strerror(errno));
    return TF_OK;
}

/* A new host in place of one that is idle. That one lives on for its teardown, and so may what it has started: it keeps
 * its buffers to itself. */
static tf_err start_anew(tf_slots *exec, int n, tf_error *error) {
    slot *s = &exec->slot[n];
    const size_t size = s->map[0].fixed_size;
    for (int b = 0; b < BATCH_BUFFERS; b++)
        batch_map_close(&s->map[b]);
    tf_err err = make_buffers(s, n, size, error);
    return err == TF_OK ? start(exec, n, error) : err;
}

tf_slots *tf_slots_new(tf_spawner *spawner, const tf_campaign *campaign, const tf_buf *bundle, int lock, int rank,
                       const tf_machine *mine, int slots, tf_error *error) {
    tf_slots *exec = tf_alloc(sizeof *exec);
    *exec = (tf_slots){.spawner = spawner, .campaign = campaign, .rank = rank, .slots = slots};
    exec->slot = tf_alloc_array((size_t)slots, sizeof *exec->slot);
    exec->places = places_new(mine, slots);
    exec->polled = tf_alloc_array((size_t)slots + 2, sizeof *exec->polled);
    exec->polled[slots] = (struct pollfd){.fd = tf_spawner_socket(spawner), .events = POLLIN};
    tf_slots_wake_by(exec, -1);
    exec->one_by_one = tf_alloc_array((size_t)campaign->stages, sizeof *exec->one_by_one);
    exec->apart = tf_alloc_array((size_t)campaign->stages, sizeof *exec->apart);
    batch_columns_alloc(&exec->back.columns, campaign);
    for (int n = 0; n < slots; n++) {
        exec->slot[n].socket = -1;
        for (int b = 0; b < BATCH_BUFFERS; b++)
            exec->slot[n].map[b].fd = -1;
    }
    size_t fixed = batch_fixed_size(campaign);
    tf_err err = tf_spawner_send_campaign(spawner, bundle, error);
    if (lock >= 0 && err == TF_OK)
        err = tf_spawner_send_lock(spawner, lock, error);
    for (int n = 0; n < slots && err == TF_OK; n++) {
        err = make_buffers(&exec->slot[n], n, fixed, error);
        if (err == TF_OK)
            err = start(exec, n, error);
    }
    if (err == TF_OK)
        return exec;
    tf_slots_free(exec);
    return NULL;
}

void tf_slots_free(tf_slots *exec) {
    tf_error ignored;
    if (!exec)
        return;
    tf_spawner_end_run(exec->spawner, &ignored); /* one that is gone has taken its hosts with it */
    for (int n = 0; n < exec->slots; n++) {
        if (exec->slot[n].socket >= 0)
            close(exec->slot[n].socket);
        for (int b = 0; b < BATCH_BUFFERS; b++)
            batch_map_close(&exec->slot[n].map[b]);
    }
    for (int s = 0; s < exec->campaign->stages; s++) {
        tf_intervals_free(&exec->one_by_one[s]);
        tf_intervals_free(&exec->apart[s]);
    }
    free(exec->one_by_one);
    free(exec->apart);
    tf_files_free(exec->files);
    rows_back_free(&exec->back);
    places_free(exec->places);
    free(exec->polled);
    free(exec->slot);
    free(exec);
}

tf_files *slots_files(tf_slots *exec) {
    if (!exec->files)
        exec->files = tf_files_new(exec->campaign);
    return exec->files;
}

void tf_slots_remove_temp(tf_slots *exec, int stage, int64_t index) {
    files_remove_temp(exec->campaign, slots_files(exec), stage, index);
}

int tf_slots_room(const tf_slots *exec, int n) {
    int room = 0;
    for (int b = 0; b < BATCH_BUFFERS; b++)
        room += !exec->slot[n].given[b];
    return room;
}

/* ---- Places ---- */

static const tf_resources *need_of(const tf_slots *exec, int stage) {
    return &exec->campaign->stage[stage].need;
}

tf_resources tf_slots_has(const tf_slots *exec) {
    return places_all(exec->places);
}

int64_t tf_slots_lanes(const tf_slots *exec, int stage) {
    tf_resources all = places_all(exec->places);
    return tf_resources_fit(&all, need_of(exec, stage));
}

int tf_slots_idle(const tf_slots *exec) {
    return places_idle(exec->places);
}

int tf_slots_place(const tf_slots *exec, int stage) {
    return places_find(exec->places, need_of(exec, stage));
}

int tf_slots_place_in_hand(const tf_slots *exec, int stage) {
    for (int n = 0; n < exec->slots && exec->apart[stage].total == 0; n++) {
        if (tf_slots_room(exec, n) != 1 || exec->slot[n].worn)
            continue;
        const batch_order *busy = &exec->slot[n].order[exec->slot[n].given[1]];
        if (tf_resources_equal(need_of(exec, busy->stage), need_of(exec, stage)))
            return n;
    }
    return -1;
}

/* A process that holds on to GPUs which are another's now has to go. */
static tf_err change_gpus(tf_slots *exec, int n, const char *gpus, const tf_stage_spec *stage, tf_error *error) {
    slot *s = &exec->slot[n];
    bool other = strcmp(s->gpus, gpus) != 0;
    tf_err err = other && s->keeps_gpus ? start_anew(exec, n, error) : TF_OK;
    if (other)
        snprintf(s->gpus, sizeof s->gpus, "%s", gpus);
    s->keeps_gpus = s->keeps_gpus || !tf_run_is_command(&stage->run);
    return err;
}

/* The slot takes what a task of the stage needs, if it is idle, and tells its host. */
static tf_err take_place(tf_slots *exec, int n, int stage, batch_header *head, tf_error *error) {
    const tf_stage_spec *spec = &exec->campaign->stage[stage];
    if (!tf_slots_is_busy(exec, n))
        places_take(exec->places, n, &spec->need);
    head->cores = places_cores(exec->places, n);
    snprintf(head->gpu_variable, sizeof head->gpu_variable, "%s", places_gpu_variable(exec->places));
    if (spec->need.gpus == 0)
        return TF_OK;
    tf_buf gpus = {0};
    places_add_gpus(exec->places, n, &gpus);
    tf_err err = TF_OK;
    if (gpus.length >= sizeof head->gpus)
        err = tf_error_set(error, TF_ERR_RUN, "the names of a task's GPUs are too long: %s", gpus.data);
    snprintf(head->gpus, sizeof head->gpus, "%s", tf_buf_text(&gpus));
    tf_buf_free(&gpus);
    return err == TF_OK ? change_gpus(exec, n, head->gpus, spec, error) : err;
}

/* ---- Batches out ---- */

/* Tells the host that the buffer is its own. A host that is gone is noticed through the spawner. */
static void give(slot *s, int b) {
    s->given[b] = s->used = true;
    s->order[b].given = tf_now();
    s->order[b].given_wall = tf_wall();
    host_message message = {.buffer = b};
    while (send(s->socket, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

void tf_slots_take_from(tf_slots *exec, tf_task_source source) {
    exec->source = source;
}

/* How many of the tasks go with the first one: it alone, if it is one of `alone`, or those before the next of these. */
static int64_t count_together(const tf_intervals *alone, int64_t first, int64_t count) {
    if (tf_intervals_contain(alone, first, first + 1))
        return 1;
    for (size_t i = 0; i < alone->count; i++)
        if (alone->items[i].first > first && alone->items[i].first < first + count)
            count = alone->items[i].first - first;
    return count;
}

/* A slot in which the task may run: a new host, if it is to have one of its own, or the old one is not to be used. */
static tf_err take_host(tf_slots *exec, int n, bool apart, tf_error *error) {
    slot *s = &exec->slot[n];
    if (tf_slots_room(exec, n) == 0 || ((s->worn || apart) && tf_slots_is_busy(exec, n)))
        return tf_error_set(error, TF_ERR_RUN, "slot %d has no room", n);
    return s->worn || (apart && s->used) ? start_anew(exec, n, error) : TF_OK;
}

int64_t tf_slots_submit(tf_slots *exec, int n, int stage, int attempt, int64_t first, int64_t count, tf_error *error) {
    slot *s = &exec->slot[n];
    batch_header head = {.stage = stage, .attempt = attempt, .first = first};
    const bool apart = tf_intervals_contain(&exec->apart[stage], first, first + 1);
    if (take_host(exec, n, apart, error) != TF_OK || take_place(exec, n, stage, &head, error) != TF_OK)
        return 0;
    int b = s->given[s->next] ? (s->next + 1) % BATCH_BUFFERS : s->next;
    int64_t capacity = batch_capacity(&exec->campaign->stage[stage]);
    count = count_together(&exec->one_by_one[stage], first, count < capacity ? count : capacity);
    count = count_together(&exec->apart[stage], first, count);
    tf_intervals_remove(&exec->one_by_one[stage], first, first + 1);
    tf_intervals_remove(&exec->apart[stage], first, first + 1);
    head.count = count;
    *header_of(&s->map[b]) = head;
    s->passed[b] = (batch_part){0};
    s->order[b] = (batch_order){
        .stage = stage, .attempt = attempt, .rank = exec->rank, .slot = n, .first = first, .count = count};
    if (batch_give(&s->map[b], &exec->campaign->stage[stage], &exec->back.columns, &exec->source, first, count,
                   error) != TF_OK)
        return 0;
    s->worn = s->apart[b] = apart;
    give(s, b);
    return count;
}

/* ---- Rows that come back ---- */

typedef struct delivery {
    tf_on_rows *on_rows;
    void *context;
    int *events;
    tf_error *error;
} delivery;

/* Takes the rows that have ended since the last time. NULL, or what in the buffer can't be so: then it has taken none.
 */
static const char *take_part(tf_slots *exec, int n, int b, const batch_claim *claim, int64_t ended, batch_part *part,
                             tf_rows *rows) {
    slot *s = &exec->slot[n];
    const batch_part *last = &s->passed[b];
    *part = (batch_part){.row = last->end, .end = ended, .texts = last->texts_end, .texts_end = claim->texts_size};
    part->seconds = claim->seconds > last->seconds ? claim->seconds - last->seconds : 0;
    return rows_back_take(&exec->back, &s->map[b], exec->campaign, &s->order[b], part, rows);
}

static tf_err pass_on(slot *s, int n, int b, const batch_part *part, const tf_rows *rows, tf_interval left,
                      const delivery *d) {
    double before = s->passed[b].seconds;
    s->passed[b] = *part;
    s->passed[b].seconds += before;
    (*d->events)++;
    return d->on_rows(d->context, n, rows, left, d->error);
}

/* Nothing more is taken from the host: its end is waited for. */
static tf_err distrust(tf_slots *exec, int n, int b, const char *nonsense, tf_error *error) {
    exec->slot[n].nonsense[b] = nonsense;
    exec->polled[n].fd = -1;
    return tf_spawner_kill_host(exec->spawner, n, error);
}

static bool is_distrusted(const slot *s) {
    bool is = false;
    for (int b = 0; b < BATCH_BUFFERS; b++)
        is = is || s->nonsense[b];
    return is;
}

/* The buffer is the rank's again. */
static void take_back(tf_slots *exec, int n, int b) {
    exec->slot[n].given[b] = false;
    if (!tf_slots_is_busy(exec, n))
        places_give_back(exec->places, n);
}

static tf_interval rest_of(const batch_order *order, int64_t row) {
    return (tf_interval){order->first + row, order->first + order->count};
}

/* The process of these rows has been changed by one of them, so they count for nothing: each is to have one of its own.
 */
static void put_apart(tf_slots *exec, int n, int b, batch_claim *claim) {
    const batch_order *order = &exec->slot[n].order[b];
    const batch_part *passed = &exec->slot[n].passed[b];
    tf_intervals_add(&exec->apart[order->stage], order->first + passed->end, order->first + claim->ended);
    claim->ended = passed->end;
    claim->texts_size = passed->texts_end;
}

/* A host is done with a buffer: what is left of its rows is passed on, and it is ours again. */
static tf_err deliver(tf_slots *exec, int n, int b, const delivery *d) {
    slot *s = &exec->slot[n];
    batch_claim claim;
    batch_part part;
    tf_rows rows;
    const char *nonsense = rows_back_claim(&s->map[b], &s->order[b], &s->passed[b], &claim);
    if (!nonsense && claim.changed && !s->apart[b])
        put_apart(exec, n, b, &claim);
    if (!nonsense)
        nonsense = take_part(exec, n, b, &claim, claim.ended, &part, &rows);
    if (nonsense)
        return distrust(exec, n, b, nonsense, d->error);
    take_back(exec, n, b);
    s->worn = s->worn || claim.changed || claim.refused;
    rows.changed = claim.changed;
    return pass_on(s, n, b, &part, &rows, rest_of(&s->order[b], claim.ended), d);
}

/* Rows of a batch under way that have ended. What of them can't be so is told by `nonsense`. */
static tf_err pass_on_finished(tf_slots *exec, int n, int b, batch_claim *claim, const char **nonsense,
                               const delivery *d) {
    batch_part part;
    tf_rows rows;
    const slot *s = &exec->slot[n];
    const bool is_function = exec->campaign->stage[s->order[b].stage].run.kind == TF_RUN_FUNCTION;
    const int64_t ended = is_function ? claim->sound : claim->ended;
    claim->seconds = tf_now() - claim->started;
    if (ended <= s->passed[b].end)
        return TF_OK;
    *nonsense = take_part(exec, n, b, claim, ended, &part, &rows);
    return *nonsense ? TF_OK : pass_on(&exec->slot[n], n, b, &part, &rows, (tf_interval){0, 0}, d);
}

/* Kills the host whose task has taken longer than it may; the row is blamed when the host's end is known. A batch
 * function may take as long as its tasks one by one. */
static tf_err end_overdue(tf_slots *exec, int n, int b, const batch_claim *claim, tf_error *error) {
    slot *s = &exec->slot[n];
    const batch_order *order = &s->order[b];
    const tf_stage_spec *stage = &exec->campaign->stage[order->stage];
    double most = stage->timeout * (claim->calling_batch ? (double)order->count : 1);
    if (stage->timeout <= 0 || s->overdue >= 0 || claim->row_started <= 0 || tf_now() - claim->row_started <= most)
        return TF_OK;
    s->overdue = order->first + claim->ended;
    return tf_spawner_kill_host(exec->spawner, n, error);
}

/* A batch that has taken longer than `slow` seconds must not keep its finished rows from the file. */
static tf_err look_at(tf_slots *exec, int n, int b, double slow, const delivery *d) {
    slot *s = &exec->slot[n];
    batch_claim claim;
    const char *nonsense = rows_back_claim(&s->map[b], &s->order[b], &s->passed[b], &claim);
    tf_err err = nonsense ? TF_OK : end_overdue(exec, n, b, &claim, d->error);
    if (!nonsense && err == TF_OK && claim.ended > 0 && tf_now() - claim.started >= slow)
        err = pass_on_finished(exec, n, b, &claim, &nonsense, d);
    return nonsense ? distrust(exec, n, b, nonsense, d->error) : err;
}

/* ---- Hosts that end ---- */

/* How, and whether it was killed because it could not be trusted, or for a task that was overdue (-1: it was not). */
typedef struct host_end {
    int status; /* as waitpid says it */
    bool distrusted;
    const char *nonsense[BATCH_BUFFERS];
    int64_t overdue;
} host_end;

/* Why a host ended, for the message of the task that it was at. */
static void describe_end(const tf_stage_spec *stage, int status, bool overdue, tf_buf *message) {
    char text[64];
    if (overdue) {
        tf_buf_addf(message, "timeout after %s", tf_format_duration(stage->timeout, text));
        return;
    }
    if (WIFSIGNALED(status))
        tf_buf_addf(message, "killed by %s", tf_format_signal(WTERMSIG(status), text));
    else
        tf_buf_addf(message, "the function ended its process with exit status %d", WEXITSTATUS(status));
    batch_add_limit(stage, message);
}

/* Of a host that has ended: takes what it had finished, and the row behind it, if that has failed for the host's end
 * (message; NULL: it has not). What is left goes with them. */
static const char *take_last(tf_slots *exec, int n, int b, const batch_claim *claim, const tf_buf *message,
                             tf_status failed, int end, batch_part *part, tf_rows *rows) {
    const batch_order *order = &exec->slot[n].order[b];
    const char *nonsense = take_part(exec, n, b, claim, claim->ended, part, rows);
    if (nonsense || !message)
        return nonsense;
    if (exec->campaign->stage[order->stage].outputs)
        files_discard(exec->campaign, slots_files(exec), order->stage, order->first + claim->ended);
    rows_back_add_failed(&exec->back, exec->campaign, order, failed, message, end, part, rows);
    return NULL;
}

/* A host left nonsense in the buffer: which of the rows that are not passed on yet did it, or those of a batch before?
 * They are to run one by one; one that was alone has failed. */
static tf_err disown(tf_slots *exec, int n, int b, const char *nonsense, int status, const delivery *d) {
    slot *s = &exec->slot[n];
    const batch_order *order = &s->order[b];
    const batch_part *last = &s->passed[b];
    const batch_claim claim = {.ended = last->end, .texts_size = last->texts_end, .seconds = tf_now() - order->given};
    const bool alone = s->apart[b];
    const tf_interval left = rest_of(order, last->end + alone);
    batch_part part;
    tf_rows rows;
    tf_buf message = {0};
    tf_buf_addf(&message,
                "memory that taskfarm shares with the task's process was written over (%s): does the function write "
                "beyond the end of its arrays?",
                nonsense);
    take_last(exec, n, b, &claim, alone ? &message : NULL, TF_STATUS_FAILED, status, &part, &rows);
    tf_buf_free(&message);
    tf_intervals_add(&exec->apart[order->stage], left.first, left.end);
    take_back(exec, n, b);
    return pass_on(s, n, b, &part, &rows, left, d);
}

/* A host ended while it had the buffer: the row under way has failed, those after it were not started. A batch function
 * has all rows under way; they are to run one by one, to find out which it is. */
static tf_err blame(tf_slots *exec, int n, int b, const host_end *end, const delivery *d) {
    slot *s = &exec->slot[n];
    const batch_order *order = &s->order[b];
    batch_claim claim;
    batch_part part;
    tf_rows rows;
    const char *nonsense = end->nonsense[b];
    if (!nonsense)
        nonsense = rows_back_claim(&s->map[b], order, &s->passed[b], &claim);
    if (nonsense)
        return disown(exec, n, b, nonsense, end->status, d);
    bool begun = claim.started > 0;
    if (claim.calling_batch) {
        claim.ended = s->passed[b].end;
        claim.texts_size = s->passed[b].texts_end;
    }
    if (claim.calling_batch && order->count > 1) {
        tf_intervals_add(&exec->one_by_one[order->stage], order->first, order->first + order->count);
        begun = false;
    }
    claim.seconds = begun ? tf_now() - claim.started : 0;
    bool late = end->overdue >= 0 && end->overdue == order->first + claim.ended;
    bool innocent = (end->overdue >= 0 && !late) || end->distrusted; /* it was killed for another task */
    bool guilty = begun && !innocent && claim.ended < order->count;
    tf_buf message = {0};
    describe_end(&exec->campaign->stage[order->stage], end->status, late, &message);
    nonsense = take_last(exec, n, b, &claim, guilty ? &message : NULL, late ? TF_STATUS_TIMEOUT : TF_STATUS_FAILED,
                         end->status, &part, &rows);
    tf_buf_free(&message);
    if (nonsense)
        return disown(exec, n, b, nonsense, end->status, d);
    take_back(exec, n, b);
    return pass_on(s, n, b, &part, &rows, rest_of(order, claim.ended + guilty), d);
}

/* Batches that the host had finished before it ended count as finished. */
static tf_err receive_rows(tf_slots *exec, int n, const delivery *d) {
    slot *s = &exec->slot[n];
    while (!is_distrusted(s)) {
        host_message message;
        ssize_t got = recv(s->socket, &message, sizeof message, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != (ssize_t)sizeof message) {
            if (got == 0) /* ended: the spawner says how */
                exec->polled[n].fd = -1;
            return TF_OK;
        }
        const int b = message.buffer;
        if (b < 0 || b >= BATCH_BUFFERS || !s->given[b])
            return distrust(exec, n, 0, "the number of its buffer", d->error);
        s->next = (b + 1) % BATCH_BUFFERS;
        tf_err err = deliver(exec, n, b, d);
        if (err != TF_OK)
            return err;
    }
    return TF_OK;
}

/* Has a host that ended begun anything that it had? What it says of that may be nonsense: it has, then. */
static bool has_begun(const slot *s, int b) {
    batch_claim claim;
    return s->given[b] &&
           (s->nonsense[b] || rows_back_claim(&s->map[b], &s->order[b], &s->passed[b], &claim) || claim.started > 0);
}

static tf_err replace_host(tf_slots *exec, int n, int status, const delivery *d) {
    enum { MOST_STILLBORN = 3 };
    slot *s = &exec->slot[n];
    tf_err err = receive_rows(exec, n, d);
    host_end end = {.status = status, .distrusted = is_distrusted(s), .overdue = s->overdue};
    bool had[BATCH_BUFFERS], began = end.distrusted;
    for (int b = 0; b < BATCH_BUFFERS; b++) {
        had[b] = s->given[b];
        end.nonsense[b] = s->nonsense[b];
        began = began || has_begun(s, b);
    }
    s->stillborn = began ? 0 : s->stillborn + 1;
    if (s->stillborn >= MOST_STILLBORN)
        return tf_error_set(d->error, TF_ERR_RUN, "the host process of slot %d does not start", n);
    if (err == TF_OK) /* first the new host: the callback may want to submit to it */
        err = start(exec, n, d->error);
    s->used = true; /* what the old one has started may still have the buffers */
    for (int b = 0; b < BATCH_BUFFERS && err == TF_OK; b++)
        if (had[b])
            err = blame(exec, n, b, &end, d);
    return err;
}

/* Now and then: how are the batches under way? */
static tf_err look(tf_slots *exec, const delivery *d) {
    const double interval = 0.05, slow = 0.5, now = tf_now();
    tf_err err = TF_OK;
    if (now - exec->looked < interval)
        return TF_OK;
    exec->looked = now;
    for (int n = 0; n < exec->slots; n++)
        for (int b = 0; b < BATCH_BUFFERS && err == TF_OK; b++)
            if (exec->slot[n].given[b] && !is_distrusted(&exec->slot[n]))
                err = look_at(exec, n, b, slow, d);
    return err;
}

bool tf_slots_is_busy(const tf_slots *exec, int n) {
    return tf_slots_room(exec, n) < BATCH_BUFFERS;
}

static int busy_slots(const tf_slots *exec) {
    int busy = 0;
    for (int n = 0; n < exec->slots; n++)
        busy += tf_slots_is_busy(exec, n);
    return busy;
}

/* Takes batches that come back, for as long as `seconds` or until all have. */
static tf_err await_hosts(tf_slots *exec, double seconds, const delivery *d) {
    const double deadline = tf_now() + seconds;
    tf_err err = TF_OK;
    while (err == TF_OK && busy_slots(exec) > 0 && tf_now() < deadline) {
        poll(exec->polled, (nfds_t)exec->slots, 10);
        for (int n = 0; n < exec->slots && err == TF_OK; n++)
            err = receive_rows(exec, n, d);
    }
    return err;
}

/* Hosts stop between two tasks, and leave a command; a function that takes long has to be killed with its host. Only
 * then is it known what has ended. */
tf_err tf_slots_give_up(tf_slots *exec, tf_on_rows *on_rows, void *context, tf_error *error) {
    const double patience = 0.3; /* s */
    int events = 0;
    spawner_message ended;
    delivery d = {.on_rows = on_rows, .context = context, .events = &events, .error = error};
    for (int n = 0; n < exec->slots; n++)
        for (int b = 0; b < BATCH_BUFFERS; b++)
            __atomic_store_n(&header_of(&exec->slot[n].map[b])->stop, 1, __ATOMIC_RELAXED);
    tf_err err = await_hosts(exec, patience, &d);
    int killed = 0;
    for (int n = 0; n < exec->slots && err == TF_OK; n++)
        if (tf_slots_is_busy(exec, n)) {
            err = tf_spawner_kill_host(exec->spawner, n, error);
            killed++;
        }
    for (double deadline = tf_now() + 10 * patience; killed > 0 && err == TF_OK && tf_now() < deadline;) {
        int got = tf_spawner_next_ended(exec->spawner, &ended);
        killed -= got > 0;
        if (got == 0) /* the spawner is gone, and its hosts with it */
            break;
        if (got < 0)
            poll(&exec->polled[exec->slots], 1, 10);
    }
    for (int n = 0; n < exec->slots; n++) {
        if (tf_slots_is_busy(exec, n)) /* to nobody's use any more: but who asks for idle slots is to find them all */
            places_give_back(exec->places, n);
        for (int b = 0; b < BATCH_BUFFERS && err == TF_OK; b++) {
            if (!exec->slot[n].given[b])
                continue;
            slot *s = &exec->slot[n];
            batch_claim claim;
            const char *nonsense = rows_back_claim(&s->map[b], &s->order[b], &s->passed[b], &claim);
            if (!nonsense && claim.started > 0)
                err = pass_on_finished(exec, n, b, &claim, &nonsense, &d);
            s->given[b] = false;
        }
    }
    return err;
}

void tf_slots_wake_by(tf_slots *exec, int fd) {
    exec->polled[exec->slots + 1] = (struct pollfd){.fd = fd, .events = POLLIN};
}

tf_err tf_slots_poll(tf_slots *exec, double timeout, tf_on_rows *on_rows, void *context, int *events, tf_error *error) {
    *events = 0;
    delivery d = {.on_rows = on_rows, .context = context, .events = events, .error = error};
    struct timespec wait = {.tv_sec = (time_t)timeout, .tv_nsec = (long)((timeout - (double)(time_t)timeout) * 1e9)};
    int ready = ppoll(exec->polled, (nfds_t)exec->slots + 2, &wait, NULL);
    tf_err looked = look(exec, &d);
    if (looked != TF_OK || ready <= 0)
        return looked;
    for (int n = 0; n < exec->slots; n++) {
        if (!exec->polled[n].revents)
            continue;
        tf_err err = receive_rows(exec, n, &d);
        if (err != TF_OK)
            return err;
    }
    if (!exec->polled[exec->slots].revents)
        return TF_OK;
    for (;;) {
        spawner_message ended;
        int got = tf_spawner_next_ended(exec->spawner, &ended);
        if (got == 0)
            return tf_error_set(error, TF_ERR_RUN, "the spawner process is gone: was it killed?");
        if (got < 0)
            return TF_OK;
        if (ended.slot < 0 || ended.slot >= exec->slots || ended.life != exec->slot[ended.slot].life) /* it had to go */
            continue;
        tf_err err = replace_host(exec, ended.slot, ended.status, &d);
        if (err != TF_OK)
            return err;
    }
}
