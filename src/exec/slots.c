/* The rank's side of its slots: batches go out, rows come back, and a host that dies takes one task with it. */
#include "exec/host.h"
#include "exec/places.h"
#include "exec/spawner.h"

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
    batch_map map[HOST_BUFFERS];
    bool given[HOST_BUFFERS];        /* the buffer is the host's */
    batch_part passed[HOST_BUFFERS]; /* the part passed on last; its seconds are the batch's so far */
    int next;                        /* the buffer to fill next */
    int life;                        /* of its hosts, by number */
    char gpus[GPU_LIST];             /* that its host has had; "": none */
    bool keeps_gpus;                 /* and may hold on to, in a function or service */
    int stillborn;                   /* hosts in a row that ended before they ran anything */
    int64_t overdue;                 /* the task whose time ran out, for which the host was killed; -1: none */
} slot;

struct tf_exec {
    tf_spawner *spawner;
    const tf_campaign *campaign;
    int rank, slots;
    slot *slot;
    places *places;
    struct pollfd *polled; /* the slots' sockets, then the spawner's, then the caller's */
    batch_columns columns;
    tf_files *files; /* NULL until somebody asks */
    tf_exec_source source;
    double looked;            /* for finished rows of slow batches: tf_now() */
    tf_intervals *one_by_one; /* per stage: a batch function crashed with these rows, so they run alone */
};

static batch_header *header_of(const batch_map *map) {
    return (batch_header *)(void *)map->fixed;
}

static tf_err start(tf_exec *exec, int n, tf_error *error) {
    slot *s = &exec->slot[n];
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return tf_error_set(error, TF_ERR_RUN, "can't make a socket: %s", strerror(errno));
    if (s->socket >= 0)
        close(s->socket);
    s->socket = pair[0];
    s->next = 0;
    s->overdue = -1;
    s->life++;
    s->gpus[0] = '\0';
    s->keeps_gpus = false;
    exec->polled[n] = (struct pollfd){.fd = s->socket, .events = POLLIN};
    int fds[SPAWNER_FDS] = {pair[1]};
    for (int b = 0; b < HOST_BUFFERS; b++)
        fds[1 + b] = s->map[b].fd;
    tf_err err = spawner_start_host(exec->spawner, exec->rank, n, s->life, fds, error);
    close(pair[1]);
    return err;
}

tf_exec *tf_exec_new(tf_spawner *spawner, const tf_campaign *campaign, const tf_buf *bundle, int rank,
                     const tf_machine *mine, int slots, tf_error *error) {
    tf_exec *exec = tf_alloc(sizeof *exec);
    *exec = (tf_exec){.spawner = spawner, .campaign = campaign, .rank = rank, .slots = slots};
    exec->slot = tf_alloc_array((size_t)slots, sizeof *exec->slot);
    exec->places = places_new(mine, slots);
    exec->polled = tf_alloc_array((size_t)slots + 2, sizeof *exec->polled);
    exec->polled[slots] = (struct pollfd){.fd = spawner_socket(spawner), .events = POLLIN};
    tf_exec_wake_by(exec, -1);
    exec->one_by_one = tf_alloc_array((size_t)campaign->stages, sizeof *exec->one_by_one);
    batch_columns_alloc(&exec->columns, campaign);
    for (int n = 0; n < slots; n++)
        exec->slot[n].socket = -1;
    size_t fixed = batch_fixed_size(campaign);
    tf_err err = spawner_send_campaign(spawner, bundle, error);
    for (int n = 0; n < slots && err == TF_OK; n++) {
        for (int b = 0; b < HOST_BUFFERS && err == TF_OK; b++)
            if (!batch_map_new(&exec->slot[n].map[b], fixed))
                err = tf_error_set(error, TF_ERR_RUN, "no shared memory for slot %d: %s", n, strerror(errno));
        if (err == TF_OK)
            err = start(exec, n, error);
    }
    if (err == TF_OK)
        return exec;
    tf_exec_free(exec);
    return NULL;
}

void tf_exec_free(tf_exec *exec) {
    if (!exec)
        return;
    for (int n = 0; n < exec->slots; n++) {
        if (exec->slot[n].socket >= 0)
            close(exec->slot[n].socket);
        for (int b = 0; b < HOST_BUFFERS; b++)
            batch_map_close(&exec->slot[n].map[b]);
    }
    for (int s = 0; s < exec->campaign->stages; s++)
        tf_intervals_free(&exec->one_by_one[s]);
    free(exec->one_by_one);
    tf_files_free(exec->files);
    batch_columns_free(&exec->columns);
    places_free(exec->places);
    free(exec->polled);
    free(exec->slot);
    free(exec);
}

tf_files *exec_files(tf_exec *exec) {
    if (!exec->files)
        exec->files = tf_files_new(exec->campaign);
    return exec->files;
}

int tf_exec_room(const tf_exec *exec, int n) {
    int room = 0;
    for (int b = 0; b < HOST_BUFFERS; b++)
        room += !exec->slot[n].given[b];
    return room;
}

/* ---- Places ---- */

static const tf_resources *need_of(const tf_exec *exec, int stage) {
    return &exec->campaign->stage[stage].need;
}

tf_resources tf_exec_has(const tf_exec *exec) {
    return places_all(exec->places);
}

int64_t tf_exec_lanes(const tf_exec *exec, int stage) {
    tf_resources all = places_all(exec->places);
    return tf_resources_fit(&all, need_of(exec, stage));
}

int tf_exec_idle(const tf_exec *exec) {
    return places_idle(exec->places);
}

int tf_exec_place(const tf_exec *exec, int stage) {
    return places_find(exec->places, need_of(exec, stage));
}

int tf_exec_place_in_hand(const tf_exec *exec, int stage) {
    for (int n = 0; n < exec->slots; n++) {
        if (tf_exec_room(exec, n) != 1)
            continue;
        const batch_map *busy = &exec->slot[n].map[exec->slot[n].given[1]];
        if (tf_resources_equal(need_of(exec, header_of(busy)->stage), need_of(exec, stage)))
            return n;
    }
    return -1;
}

/* A process that holds on to GPUs which are another's now has to go. */
static tf_err change_gpus(tf_exec *exec, int n, const char *gpus, const tf_stage_spec *stage, tf_error *error) {
    slot *s = &exec->slot[n];
    bool other = strcmp(s->gpus, gpus) != 0;
    tf_err err = other && s->keeps_gpus ? start(exec, n, error) : TF_OK;
    if (other)
        snprintf(s->gpus, sizeof s->gpus, "%s", gpus);
    s->keeps_gpus = s->keeps_gpus || !tf_run_is_command(&stage->run);
    return err;
}

/* The slot takes what a task of the stage needs, if it is idle, and tells its host. */
static tf_err take_place(tf_exec *exec, int n, int stage, batch_header *head, tf_error *error) {
    const tf_stage_spec *spec = &exec->campaign->stage[stage];
    if (!tf_exec_is_busy(exec, n))
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
    s->given[b] = true;
    host_message message = {.buffer = b};
    while (send(s->socket, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ;
}

void tf_exec_take_from(tf_exec *exec, tf_exec_source source) {
    exec->source = source;
}

int64_t tf_exec_submit(tf_exec *exec, int n, int stage, int attempt, int64_t first, int64_t count, tf_error *error) {
    slot *s = &exec->slot[n];
    batch_header head = {.stage = stage, .attempt = attempt, .first = first};
    if (tf_exec_room(exec, n) == 0 || count < 1) {
        tf_error_set(error, TF_ERR_RUN, "slot %d has no room", n);
        return 0;
    }
    if (take_place(exec, n, stage, &head, error) != TF_OK)
        return 0;
    int b = s->given[s->next] ? (s->next + 1) % HOST_BUFFERS : s->next;
    int64_t capacity = batch_capacity(&exec->campaign->stage[stage]);
    if (count > capacity)
        count = capacity;
    tf_intervals *alone = &exec->one_by_one[stage];
    if (alone->total > 0) {
        if (tf_intervals_contain(alone, first, first + 1)) {
            tf_intervals_remove(alone, first, first + 1);
            count = 1;
        } else {
            for (size_t i = 0; i < alone->count; i++) /* up to where the next such row begins */
                if (alone->items[i].first > first && alone->items[i].first < first + count)
                    count = alone->items[i].first - first;
        }
    }
    head.count = count;
    *header_of(&s->map[b]) = head;
    s->passed[b] = (batch_part){0};
    if (batch_give(&s->map[b], &exec->campaign->stage[stage], &exec->columns, &exec->source, first, count, error) !=
        TF_OK)
        return 0;
    give(s, b);
    return count;
}

/* ---- Rows that come back ---- */

typedef struct delivery {
    tf_exec_on_rows *on_rows;
    void *context;
    int *events;
    tf_error *error;
} delivery;

/* Passes on the rows that have ended since the last time; `seconds` is what the batch has taken so far. */
static tf_err pass_on(tf_exec *exec, int n, int b, int64_t ended, double seconds, tf_interval left, const delivery *d) {
    slot *s = &exec->slot[n];
    batch_map *map = &s->map[b];
    const batch_header *head = header_of(map);
    const tf_stage_spec *stage = &exec->campaign->stage[head->stage];
    batch_part *last = &s->passed[b];
    batch_part part = {.row = last->end, .end = ended, .texts = last->texts_end, .texts_end = head->texts_size};
    part.seconds = seconds > last->seconds ? seconds - last->seconds : 0;
    if (!batch_map_texts(map, part.texts_end, false))
        return tf_error_set(d->error, TF_ERR_RUN, "can't map %llu bytes of text: %s",
                            (unsigned long long)part.texts_end, strerror(errno));
    batch_locate(map, stage, part.row, &exec->columns);
    tf_rows rows;
    batch_rows(map, stage, &exec->columns, &part, &rows);
    *last = part;
    last->seconds = seconds;
    (*d->events)++;
    return d->on_rows(d->context, n, &rows, left, d->error);
}

/* A host is done with a buffer: what is left of its rows is passed on, and it is ours again. */
static tf_err deliver(tf_exec *exec, int n, int b, const delivery *d) {
    const batch_header *head = header_of(&exec->slot[n].map[b]);
    exec->slot[n].given[b] = false;
    if (!tf_exec_is_busy(exec, n))
        places_give_back(exec->places, n);
    return pass_on(exec, n, b, head->ended, head->seconds,
                   (tf_interval){head->first + head->ended, head->first + head->count}, d);
}

/* A batch that has taken longer than `slow` seconds must not keep its finished rows from the file. */
static tf_err pass_on_finished(tf_exec *exec, int n, int b, double slow, const delivery *d) {
    const slot *s = &exec->slot[n];
    const batch_header *head = header_of(&s->map[b]);
    int64_t ended = __atomic_load_n(&head->ended, __ATOMIC_ACQUIRE);
    double taken = tf_now() - head->started;
    if (ended <= s->passed[b].end || taken < slow)
        return TF_OK;
    return pass_on(exec, n, b, ended, taken, (tf_interval){0, 0}, d);
}

/* Kills the host whose task has taken longer than it may; the row is blamed when the host's end is known. A batch
 * function may take as long as its tasks one by one. */
static tf_err end_overdue(tf_exec *exec, int n, const batch_header *head, tf_error *error) {
    const tf_stage_spec *stage = &exec->campaign->stage[head->stage];
    slot *s = &exec->slot[n];
    if (stage->timeout <= 0 || s->overdue >= 0)
        return TF_OK;
    int64_t ended = __atomic_load_n(&head->ended, __ATOMIC_ACQUIRE); /* first: the time may be the next row's then, */
    double started = head->row_started;                              /* but never this row's for the next */
    double most = stage->timeout * (head->calling_batch ? (double)head->count : 1);
    if (started <= 0 || tf_now() - started <= most)
        return TF_OK;
    s->overdue = head->first + ended;
    return spawner_kill_host(exec->spawner, n, error);
}

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

/* The row that a host was at when it ended has failed. */
static tf_err fail_row(tf_exec *exec, batch_map *map, int64_t row, int status, bool overdue, tf_error *error) {
    batch_header *head = header_of(map);
    const tf_stage_spec *stage = &exec->campaign->stage[head->stage];
    const batch_columns *c = &exec->columns;
    tf_buf message = {0};
    describe_end(stage, status, overdue, &message);
    size_t size = tf_record_size(message.length);
    bool room = batch_map_texts(map, head->texts_size + size, true);
    if (room)
        tf_record_put(map->texts + head->texts_size, head->stage, head->first + row, TF_RECORD_MESSAGE, head->attempt,
                      tf_buf_text(&message), message.length);
    tf_buf_free(&message);
    if (!room)
        return tf_error_set(error, TF_ERR_RUN, "no shared memory: %s", strerror(errno));
    head->texts_size += size;
    batch_locate(map, stage, 0, &exec->columns);
    if (c->status[row] == TF_STATUS_PENDING) /* setup, which runs before the first row, has ended the host */
        batch_start_row(c, row, tf_wall());
    batch_clear_columns(c, stage, row, 1);
    if (stage->outputs)
        files_discard(exec->campaign, exec_files(exec), head->stage, head->first + row);
    c->status[row] = overdue ? TF_STATUS_TIMEOUT : TF_STATUS_FAILED;
    if (stage->record_full) {
        c->exit_code[row] = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        c->signal[row] = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        c->duration[row] = tf_wall() - c->start[row];
    }
    head->ended++;
    return TF_OK;
}

/* A host ended while it had the buffer: the row under way has failed, those after it were not started. A batch function
 * has all rows under way; they are to run one by one, to find out which it is. */
static tf_err blame(tf_exec *exec, int n, int b, int status, int64_t overdue, const delivery *d) {
    batch_map *map = &exec->slot[n].map[b];
    batch_header *head = header_of(map);
    bool begun = head->started > 0;
    if (head->calling_batch) {
        head->ended = 0;
        head->texts_size = 0;
    }
    if (head->calling_batch && head->count > 1) {
        tf_intervals_add(&exec->one_by_one[head->stage], head->first, head->first + head->count);
        begun = false;
    }
    head->seconds = begun ? tf_now() - head->started : 0;
    bool late = overdue >= 0 && overdue == head->first + head->ended;
    bool innocent = overdue >= 0 && !late; /* the task that was overdue has ended after all, before the signal came */
    if (begun && !innocent && head->ended < head->count) {
        tf_err err = fail_row(exec, map, head->ended, status, late, d->error);
        if (err != TF_OK)
            return err;
    }
    return deliver(exec, n, b, d);
}

/* Batches that the host had finished before it ended count as finished. */
static tf_err receive_rows(tf_exec *exec, int n, const delivery *d) {
    slot *s = &exec->slot[n];
    for (;;) {
        host_message message;
        ssize_t got = recv(s->socket, &message, sizeof message, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != (ssize_t)sizeof message) {
            if (got == 0) /* ended: the spawner says how */
                exec->polled[n].fd = -1;
            return TF_OK;
        }
        s->next = (message.buffer + 1) % HOST_BUFFERS;
        tf_err err = deliver(exec, n, message.buffer, d);
        if (err != TF_OK)
            return err;
    }
}

static tf_err replace_host(tf_exec *exec, int n, int status, const delivery *d) {
    enum { MOST_STILLBORN = 3 };
    slot *s = &exec->slot[n];
    tf_err err = receive_rows(exec, n, d);
    bool had[HOST_BUFFERS], began = false;
    int64_t overdue = s->overdue;
    for (int b = 0; b < HOST_BUFFERS; b++) {
        had[b] = s->given[b];
        began = began || (had[b] && header_of(&s->map[b])->started > 0);
    }
    s->stillborn = began ? 0 : s->stillborn + 1;
    if (s->stillborn >= MOST_STILLBORN)
        return tf_error_set(d->error, TF_ERR_RUN, "the host process of slot %d does not start", n);
    if (err == TF_OK) /* first the new host: the callback may want to submit to it */
        err = start(exec, n, d->error);
    for (int b = 0; b < HOST_BUFFERS && err == TF_OK; b++)
        if (had[b])
            err = blame(exec, n, b, status, overdue, d);
    return err;
}

/* Now and then: how are the batches under way? */
static tf_err look(tf_exec *exec, const delivery *d) {
    const double interval = 0.05, slow = 0.5, now = tf_now();
    tf_err err = TF_OK;
    if (now - exec->looked < interval)
        return TF_OK;
    exec->looked = now;
    for (int n = 0; n < exec->slots; n++) {
        for (int b = 0; b < HOST_BUFFERS && err == TF_OK; b++) {
            if (!exec->slot[n].given[b])
                continue;
            err = end_overdue(exec, n, header_of(&exec->slot[n].map[b]), d->error);
            if (err == TF_OK)
                err = pass_on_finished(exec, n, b, slow, d);
        }
    }
    return err;
}

bool tf_exec_is_busy(const tf_exec *exec, int n) {
    return tf_exec_room(exec, n) < HOST_BUFFERS;
}

static int busy_slots(const tf_exec *exec) {
    int busy = 0;
    for (int n = 0; n < exec->slots; n++)
        busy += tf_exec_is_busy(exec, n);
    return busy;
}

/* Takes batches that come back, for as long as `seconds` or until all have. */
static tf_err await_hosts(tf_exec *exec, double seconds, const delivery *d) {
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
tf_err tf_exec_give_up(tf_exec *exec, tf_exec_on_rows *on_rows, void *context, tf_error *error) {
    const double patience = 0.5; /* s */
    int events = 0;
    spawner_message ended;
    delivery d = {.on_rows = on_rows, .context = context, .events = &events, .error = error};
    for (int n = 0; n < exec->slots; n++)
        for (int b = 0; b < HOST_BUFFERS; b++)
            __atomic_store_n(&header_of(&exec->slot[n].map[b])->stop, 1, __ATOMIC_RELAXED);
    tf_err err = await_hosts(exec, patience, &d);
    int killed = 0;
    for (int n = 0; n < exec->slots && err == TF_OK; n++)
        if (tf_exec_is_busy(exec, n)) {
            err = spawner_kill_host(exec->spawner, n, error);
            killed++;
        }
    for (double deadline = tf_now() + 10 * patience; killed > 0 && err == TF_OK && tf_now() < deadline;) {
        int got = spawner_next_ended(exec->spawner, &ended);
        killed -= got > 0;
        if (got < 0)
            poll(&exec->polled[exec->slots], 1, 10);
    }
    for (int n = 0; n < exec->slots; n++) {
        for (int b = 0; b < HOST_BUFFERS && err == TF_OK; b++) {
            if (!exec->slot[n].given[b])
                continue;
            if (header_of(&exec->slot[n].map[b])->started > 0)
                err = pass_on_finished(exec, n, b, 0, &d);
            exec->slot[n].given[b] = false;
        }
    }
    return err;
}

void tf_exec_wake_by(tf_exec *exec, int fd) {
    exec->polled[exec->slots + 1] = (struct pollfd){.fd = fd, .events = POLLIN};
}

tf_err tf_exec_poll(tf_exec *exec, double timeout, tf_exec_on_rows *on_rows, void *context, int *events,
                    tf_error *error) {
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
        int got = spawner_next_ended(exec->spawner, &ended);
        if (got == 0)
            return tf_error_set(error, TF_ERR_RUN, "the spawner process is gone: was it killed?");
        if (got < 0)
            return TF_OK;
        if (ended.life != exec->slot[ended.slot].life) /* it had to go */
            continue;
        tf_err err = replace_host(exec, ended.slot, ended.status, &d);
        if (err != TF_OK)
            return err;
    }
}
