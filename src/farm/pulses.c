/* Rank 0 tells all where it can be reached (MPI passes that on) and the key by which what is sent is sealed: a network
 * may be anybody's. Each worker asks at all of its addresses: by some there is no way, and what there is a way by now
 * may be gone when it is needed. A pulse that comes twice, or late, counts for nothing. */
#include "farm/pulses.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/base.h"
#include "farm/blocked.h"
#include "farm/contact.h"
#include "farm/silences.h"

/* How often a worker that was never answered asks without need. */
enum { FIRST_QUESTIONS = 20 };

typedef enum pulse_kind {
    PULSE_ASKS = 1, /* a worker's */
    PULSE_ANSWERS,  /* rank 0's */
    PULSE_ENDS      /* likewise: the run ends, and the worker with it */
} pulse_kind;

typedef struct pulse_message {
    int32_t kind;            /* pulse_kind */
    int32_t rank;            /* whose it is, or for whom */
    uint64_t number;         /* a question's, counted from 1 by who asks; an answer has that of the question */
    char host[64];           /* of who asks */
    char call[BLOCKED_TEXT]; /* in which the rank's own thread stands */
    uint64_t seal;           /* of all before it */
} pulse_message;

/* What rank 0 knows of a worker. */
typedef struct worker_pulse {
    uint64_t number; /* of its last question; 0: none has come */
    datagram_address address;
    char host[64];
    char call[BLOCKED_TEXT]; /* in which its own thread stands; "": it is in none on files */
} worker_pulse;

struct pulses {
    int rank, ranks;
    int own; /* the rank's own thread: gettid */
    pulses_invitation agreed;
    const pulses_ends *ends;
    datagrams datagrams;
    int wake; /* wakes the thread */
    bool runs;
    pthread_t thread;
    /* Of the thread alone. */
    silences silences;    /* on rank 0 of all, on a worker of rank 0 */
    worker_pulse *worker; /* on rank 0: of each rank */
    uint64_t asked;       /* on a worker: the number of its last question */
    uint64_t answered;    /* the last number that was answered; 0: none was */
    double asked_at;      /* when it asked last */
    unsigned seen;        /* `turns` at the last look */
    /* Atomic. */
    bool over;
    unsigned turns;   /* odd while ranks do something together */
    const char *what; /* that is */
    double met;       /* when rank 0 has answered by a message; tf_now() */
};

static double interval_of(const pulses *p) {
    return contact_interval(p->agreed.patience, p->ranks);
}

/* ---- Pulses ---- */

static uint64_t seal_pulse(const pulses *p, const pulse_message *one) {
    return seal_of(&p->agreed.key, one, offsetof(pulse_message, seal));
}

static void send_pulse(const pulses *p, const datagram_address *to, pulse_message one) {
    one.seal = seal_pulse(p, &one);
    datagrams_send(&p->datagrams, to, &one, sizeof one);
}

/* The next that is the run's. */
static bool receive_pulse(const pulses *p, datagram_address *from, pulse_message *one) {
    for (size_t size = sizeof *one; datagrams_receive(&p->datagrams, from, one, &size); size = sizeof *one)
        if (size > 0 && one->seal == seal_pulse(p, one) && one->rank >= 0 && one->rank < p->ranks)
            return true;
    return false;
}

/* Nothing comes after it. */
static void leave(pulses *p) {
    p->ends->leave(p->ends->context);
    __atomic_store_n(&p->over, true, __ATOMIC_RELEASE);
}

/* ---- A worker's side ---- */

static void ask(pulses *p, double now) {
    pulse_message question = {.kind = PULSE_ASKS, .rank = p->rank, .number = ++p->asked};
    gethostname(question.host, sizeof question.host - 1);
    blocked_find(p->own, question.call);
    for (int n = 0; n < p->agreed.addresses; n++)
        send_pulse(p, &p->agreed.address[n], question);
    p->asked_at = now;
}

/* It asks where messages do not tell any more that both live; and first of all, to see whether it is heard. */
static bool is_to_ask(const pulses *p, double now) {
    double met;
    __atomic_load(&p->met, &met, __ATOMIC_RELAXED);
    const bool is_first = p->answered == 0 && p->asked < FIRST_QUESTIONS;
    return (is_first || now - met > 2 * interval_of(p)) && now - p->asked_at >= interval_of(p);
}

/* Rank 0 leaves first: a launcher may end the others then, and its exit status is that of the first to leave. */
static void follow_master(pulses *p) {
    const int first = 1000; /* ms */
    poll(NULL, 0, first);
    leave(p);
}

static void hear_master(pulses *p, const pulse_message *answer) {
    if (answer->kind == PULSE_ENDS)
        follow_master(p);
    if (answer->kind != PULSE_ANSWERS || answer->number <= p->answered || answer->number > p->asked)
        return;
    p->answered = answer->number;
    silences_hear(&p->silences, 0);
}

static void lose_master(pulses *p) {
    const lost_rank lost = {.rank = 0, .silence = silences_of(&p->silences, 0)};
    p->ends->tell(p->ends->context, __atomic_load_n(&p->what, __ATOMIC_RELAXED), &lost, 1);
    leave(p);
}

/* ---- Rank 0's side ---- */

static void answer_worker(pulses *p, const datagram_address *from, const pulse_message *question) {
    worker_pulse *worker = &p->worker[question->rank];
    if (question->kind != PULSE_ASKS || question->number <= worker->number)
        return;
    *worker = (worker_pulse){.number = question->number, .address = *from};
    memcpy(worker->host, question->host, sizeof worker->host - 1);
    memcpy(worker->call, question->call, sizeof worker->call - 1);
    silences_hear(&p->silences, question->rank);
    send_pulse(p, from, (pulse_message){.kind = PULSE_ANSWERS, .rank = question->rank, .number = question->number});
}

/* Datagrams may be lost: it says so some times. */
static void end_workers(const pulses *p) {
    enum { TIMES = 3, PAUSE = 100 /* ms */ };
    for (int n = 0; n < TIMES; n++) {
        for (int rank = 1; rank < p->ranks; rank++)
            if (p->worker[rank].number > 0)
                send_pulse(p, &p->worker[rank].address, (pulse_message){.kind = PULSE_ENDS, .rank = rank});
        poll(NULL, 0, PAUSE);
    }
}

/* All that are lost with the first of them: those of one node fall silent together. */
static void lose_workers(pulses *p) {
    lost_rank *lost = tf_alloc_array((size_t)p->ranks, sizeof *lost);
    int count = 0;
    for (int rank = 1; rank < p->ranks; rank++) {
        if (!silences_is_losing(&p->silences, rank))
            continue;
        lost_rank *one = &lost[count++];
        *one = (lost_rank){.rank = rank, .silence = silences_of(&p->silences, rank)};
        memcpy(one->host, p->worker[rank].host, sizeof one->host);
    }
    p->ends->tell(p->ends->context, __atomic_load_n(&p->what, __ATOMIC_RELAXED), lost, count);
    end_workers(p);
    leave(p);
    free(lost);
}

/* ---- The thread ---- */

/* true: the ranks have been doing something together since the last look. */
static bool are_together(pulses *p) {
    const unsigned turns = __atomic_load_n(&p->turns, __ATOMIC_ACQUIRE);
    const bool is_new = turns != p->seen;
    p->seen = turns;
    if (is_new)
        silences_begin(&p->silences);
    return !is_new && turns % 2 == 1;
}

static void see_workers(const pulses *p, bool all) {
    char text[sizeof(pulse_message) + 40] = "";
    for (int rank = 1; rank < p->ranks && !*text; rank++)
        if (*p->worker[rank].call)
            snprintf(text, sizeof text, "rank %d on %s is in %s", rank, p->worker[rank].host, p->worker[rank].call);
    p->ends->see(p->ends->context, all, text);
}

static void look_at_workers(pulses *p) {
    bool any = false, all = true;
    for (int rank = 1; rank < p->ranks; rank++) {
        any = any || silences_has_lost(&p->silences, rank);
        all = all && p->worker[rank].number > 0 && !silences_is_losing(&p->silences, rank);
    }
    see_workers(p, all);
    if (any)
        lose_workers(p);
}

static void look_at_master(pulses *p) {
    if (silences_has_lost(&p->silences, 0))
        lose_master(p);
}

static void take_turn(pulses *p) {
    const double now = tf_now();
    datagram_address from;
    pulse_message one;
    silences_listen(&p->silences, now);
    while (receive_pulse(p, &from, &one)) {
        if (p->rank == 0)
            answer_worker(p, &from, &one);
        else if (one.rank == p->rank)
            hear_master(p, &one);
    }
    if (p->rank > 0 && is_to_ask(p, now))
        ask(p, now);
    if (!are_together(p))
        return;
    if (p->rank > 0)
        look_at_master(p);
    else
        look_at_workers(p);
}

static void *beat(void *context) {
    pulses *p = context;
    const double most = 1; /* s: longer is not counted as listening */
    const double tick = interval_of(p) < most ? interval_of(p) : most;
    while (!__atomic_load_n(&p->over, __ATOMIC_ACQUIRE)) {
        take_turn(p);
        struct pollfd heard[] = {{p->datagrams.fd, POLLIN, 0}, {p->wake, POLLIN, 0}};
        poll(heard, 2, (int)(1e3 * tick));
    }
    return NULL;
}

/* ---- The beginning and the end ---- */

pulses *pulses_new(int rank, int ranks, double patience, const pulses_ends *ends) {
    pulses *p = tf_alloc(sizeof *p);
    pulses_invitation *i = &p->agreed;
    enum { MOST = sizeof i->address / sizeof *i->address };
    *p = (pulses){
        .rank = rank, .ranks = ranks, .own = gettid(), .agreed.patience = patience, .ends = ends, .met = -INFINITY};
    p->datagrams = datagrams_open();
    p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (rank == 0 && getrandom(&i->key, sizeof i->key, 0) == (ssize_t)sizeof i->key)
        i->addresses = datagrams_find_addresses(&p->datagrams, i->address, MOST);
    return p;
}

pulses_invitation *pulses_invite(pulses *p) {
    return &p->agreed;
}

void pulses_start(pulses *p) {
    const bool is_first = p->rank == 0;
    p->silences = silences_new(is_first ? p->ranks : 1, p->agreed.patience, tf_now());
    p->worker = tf_alloc_array(is_first ? (size_t)p->ranks : 0, sizeof *p->worker);
    p->runs = p->agreed.addresses > 0 && p->datagrams.fd >= 0 && p->wake >= 0 &&
              pthread_create(&p->thread, NULL, beat, p) == 0;
}

static void wake(const pulses *p) {
    const uint64_t one = 1;
    while (write(p->wake, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

void pulses_end(pulses *p) {
    if (!p)
        return;
    __atomic_store_n(&p->over, true, __ATOMIC_RELEASE);
    wake(p);
    if (p->runs)
        pthread_join(p->thread, NULL);
    datagrams_close(&p->datagrams);
    if (p->wake >= 0)
        close(p->wake);
    silences_free(&p->silences);
    free(p->worker);
    free(p);
}

void pulses_together(pulses *p, const char *what) {
    if (!p)
        return;
    const bool is_on = __atomic_load_n(&p->turns, __ATOMIC_RELAXED) % 2 == 1;
    if (what)
        __atomic_store_n(&p->what, what, __ATOMIC_RELAXED);
    __atomic_add_fetch(&p->turns, is_on == (what != NULL) ? 2 : 1, __ATOMIC_RELEASE);
}

void pulses_meet(pulses *p) {
    if (!p)
        return;
    double now = tf_now();
    __atomic_store(&p->met, &now, __ATOMIC_RELAXED);
}
