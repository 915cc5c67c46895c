/* Pulses: who is taken for lost, what is sealed, and that threads hear each other over the loopback. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "farm/lost_together.h"
#include "farm/silences.h"

/* ---- The judgement ---- */

/* What happens at a time: rank `heard` is heard (0: none is), or ranks begin to do something together, or this process
 * has been stopped since the last time. Then these ranks are lost. */
typedef struct moment {
    double now;
    int heard;
    bool begins, was_stopped;
    const char *lost;
} moment;

/* In steps, as a thread looks. */
static void listen_until(silences *s, double now) {
    const double step = 0.5;
    while (s->looked + step < now)
        silences_listen(s, s->looked + step);
    silences_listen(s, now);
}

static void expect_lost(const char *what, const moment *moments, size_t count) {
    enum { RANKS = 4 };
    const double patience = 10;
    silences s = silences_new(RANKS, patience, 0);
    for (const moment *m = moments; m < moments + count; m++) {
        char lost[RANKS + 1] = "";
        if (m->was_stopped)
            silences_listen(&s, m->now);
        else
            listen_until(&s, m->now);
        if (m->heard)
            silences_hear(&s, m->heard);
        if (m->begins)
            silences_begin(&s);
        for (int rank = 1; rank < RANKS; rank++)
            if (silences_has_lost(&s, rank))
                strcat(lost, (char[]){(char)('0' + rank), '\0'});
        cr_expect_str_eq(lost, m->lost, "%s: at %g s \"%s\" are lost", what, m->now, lost);
    }
    silences_free(&s);
}
#define EXPECT_LOST(what, ...)                                                                                         \
    expect_lost(what, (const moment[])__VA_ARGS__, sizeof(const moment[]) __VA_ARGS__ / sizeof(moment))

Test(silences, are_counted_since_a_rank_was_heard_last) {
    EXPECT_LOST("two of three", {{1, 1, .lost = ""},
                                 {2, 2, .lost = ""},
                                 {3, 3, .lost = ""},
                                 {12, 2, .lost = ""},
                                 {13.5, 0, .lost = "1"},
                                 {15.5, 0, .lost = "13"},
                                 {24.5, 3, .lost = "12"}});
}

Test(silences, do_not_count_of_ranks_that_were_never_heard) {
    EXPECT_LOST("one of three", {{1, 2, .lost = ""}, {14, 0, .lost = "2"}, {1000, 0, .lost = "2"}});
}

Test(silences, do_not_count_before_all_do_something_together) {
    EXPECT_LOST("a quiet hour",
                {{1, 1, .lost = ""}, {3600, 0, true, .lost = ""}, {3611, 0, .lost = ""}, {3612.5, 0, .lost = "1"}});
}

Test(silences, do_not_count_while_this_process_is_stopped) {
    EXPECT_LOST("a suspended job", {{1, 1, .lost = ""},
                                    {5, 0, true, .lost = ""},
                                    {3600, 0, .was_stopped = true, .lost = ""},
                                    {3610.5, 0, .lost = ""},
                                    {3612, 0, .lost = "1"}});
}

Test(silences, are_about_to_be_too_long_after_the_patience) {
    silences s = silences_new(2, 10, 0);
    silences_hear(&s, 1);
    listen_until(&s, 10.5);
    cr_expect(silences_is_losing(&s, 1) && !silences_has_lost(&s, 1));
    silences_free(&s);
}

/* ---- The seal ---- */

/* From the paper (appendix A), and from the table that its authors have published. */
Test(seal, is_that_of_its_authors) {
    const seal_key key = {{0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    static const struct {
        size_t size;
        uint64_t seal;
    } cases[] = {{0, 0x726fdb47dd0e0e31}, {1, 0x74f839c593dc67fd}, {8, 0x93f5f5799a932462}, {15, 0xa129ca6149be45e5}};
    uint8_t bytes[16];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(seal_of(&key, bytes, cases[i].size), cases[i].seal, "%zu bytes", cases[i].size);
}

/* ---- The threads ---- */

enum { RANKS = 3 };

/* What a rank was told. */
typedef struct rank_told {
    atomic_int lost, left, all;
    atomic_bool has_host;
} rank_told;

static void tell(void *context, const char *what, const lost_rank *lost, int count) {
    rank_told *told = context;
    cr_expect_str_eq(what, "a test");
    told->has_host = lost->host[0] != '\0';
    for (int n = 0; n < count; n++)
        told->lost |= 1 << lost[n].rank;
}

static void see(void *context, bool all, const char *blocked) {
    cr_expect_str_eq(blocked, "");
    ((rank_told *)context)->all |= 1 << all;
}

static void leave(void *context) {
    ((rank_told *)context)->left = true;
}

typedef struct group {
    pulses *rank[RANKS];
    pulses_ends ends[RANKS];
    rank_told told[RANKS];
} group;

/* `mute`: no datagrams pass. */
static void start(group *g, double patience, bool mute) {
    for (int rank = 0; rank < RANKS; rank++) {
        g->ends[rank] = (pulses_ends){.tell = tell, .see = see, .leave = leave, .context = &g->told[rank]};
        g->rank[rank] = pulses_new(rank, RANKS, patience, &g->ends[rank]);
        *pulses_invite(g->rank[rank]) = *pulses_invite(g->rank[0]);
        for (int n = 0; mute && rank > 0 && n < pulses_invite(g->rank[rank])->addresses; n++)
            pulses_invite(g->rank[rank])->address[n].port = 0;
    }
    for (int rank = 0; rank < RANKS; rank++)
        pulses_start(g->rank[rank]);
}

static void end(group *g, int rank) {
    pulses_end(g->rank[rank]);
    g->rank[rank] = NULL;
}

static void all_together(group *g, const char *what) {
    for (int rank = 0; rank < RANKS; rank++)
        pulses_together(g->rank[rank], what);
}

static void wait_for(const atomic_int *value, int expected) {
    enum { LIMIT = 20000 /* ms */, STEP = 10 };
    for (int waited = 0; *value != expected && waited < LIMIT; waited += STEP)
        poll(NULL, 0, STEP);
    cr_expect_eq(*value, expected, "%d, not %d", *value, expected);
}

/* What is heard of a rank, if it is: until it is seen that all are. */
static void wait_until_all_are_heard(group *g) {
    all_together(g, "a test");
    for (g->told[0].all = 0; !(g->told[0].all & 2);)
        poll(NULL, 0, 10);
}

Test(pulses, tell_rank_0_who_is_lost_and_the_others_that_it_ends, .timeout = 60) {
    group g = {0};
    start(&g, 0.5, false);
    wait_until_all_are_heard(&g);
    end(&g, 2); /* it stands still */
    wait_for(&g.told[0].left, true);
    cr_expect_eq(g.told[0].lost, 1 << 2);
    cr_expect(g.told[0].has_host);
    wait_for(&g.told[1].left, true);
    cr_expect_eq(g.told[1].lost, 0, "rank 0 has said why");
    end(&g, 0);
    end(&g, 1);
}

Test(pulses, let_workers_end_when_rank_0_is_lost, .timeout = 60) {
    group g = {0};
    start(&g, 0.5, false);
    wait_until_all_are_heard(&g);
    end(&g, 0);
    wait_for(&g.told[1].left, true);
    wait_for(&g.told[2].left, true);
    cr_expect(g.told[1].lost == 1 << 0 && g.told[2].lost == 1 << 0);
    end(&g, 1);
    end(&g, 2);
}

/* Nobody is heard then by this way; there are other limits. */
Test(pulses, take_nobody_for_lost_where_no_datagrams_pass, .timeout = 60) {
    group g = {0};
    start(&g, 0.1, true);
    all_together(&g, "a test");
    end(&g, 2);
    while (!(g.told[0].all & 1))
        poll(NULL, 0, 10);
    poll(NULL, 0, 3000); /* longer than anybody waits */
    cr_expect(!g.told[0].left && !g.told[1].left);
    end(&g, 0);
    end(&g, 1);
}

Test(pulses, have_no_effect_without_ranks_or_an_invitation) {
    pulses_together(NULL, "a test");
    pulses_meet(NULL);
    pulses_end(NULL);
    const pulses_ends ends = {0};
    pulses *uninvited = pulses_new(1, 2, 1, &ends);
    pulses_start(uninvited);
    pulses_together(uninvited, "a test");
    pulses_end(uninvited);
}

/* ---- Last words ---- */

/* Has a process say what there is to say of so many ranks of other nodes; its exit status, and what it said. */
static int lose(int ranks, bool tells_node, char *said, size_t size) {
    int ends[2], status;
    size_t got = 0;
    cr_assert_eq(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        lost_rank lost[20] = {0};
        dup2(ends[1], STDERR_FILENO);
        for (int n = 0; n < ranks; n++) {
            lost[n] = (lost_rank){.rank = n + 3, .silence = 62};
            snprintf(lost[n].host, sizeof lost[n].host, "away%d", n / 4);
        }
        lost_together l = {
            .watchman = watchman_begin(0, 0, NULL, NULL, NULL), .patience = 60, .tells_node = tells_node};
        const pulses_ends what = lost_together_ends(&l);
        what.tell(what.context, "a test", lost, ranks);
        what.leave(what.context);
    }
    close(ends[1]);
    for (ssize_t more; (more = read(ends[0], said + got, size - 1 - got)) > 0;)
        got += (size_t)more;
    said[got] = '\0';
    close(ends[0]);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(lost_together, names_some_ranks_and_counts_the_others) {
    char said[4000];
    cr_expect_eq(lose(10, true, said, sizeof said), TF_ERR_STOPPED);
    cr_expect_str_eq(strstr(said, "taskfarm: rank 10 on "),
                     "taskfarm: rank 10 on away1 has not been heard for 1m02s during a test; this run ends, and the "
                     "same command line goes on\n"
                     "taskfarm: 2 other ranks have not been heard either\n"
                     "taskfarm: this run is over; if mpirun does not return, it waits for away0 and 2 others, and can "
                     "be killed\n",
                     "%s", said);
    cr_expect_eq(lose(1, false, said, sizeof said), TF_ERR_STOPPED);
    cr_expect_str_eq(said, "taskfarm: rank 3 on away0 has not been heard for 1m02s during a test; this run ends, and "
                           "the same command line goes on\n");
}
