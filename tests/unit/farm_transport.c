/* Messages of a rank to itself, and the sizes of what travels. (Between ranks: tests/run.) */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "farm/protocol.h"
#include "farm/transports.h"

static void delivers_in_order_what_a_rank_sends_to_itself(const transport *t) {
    parcel next;
    cr_expect(t->rank == 0 && t->ranks == 1);
    cr_expect(!t->receive(t->context, &next));
    for (int64_t i = 0; i < 1000; i++) {
        if (i % 2)
            transport_send(t, 0, (int)i, &i, sizeof i);
        else
            transport_send_all(t, (int)i, &i, sizeof i);
    }
    for (int64_t i = 0; i < 1000; i++) {
        cr_assert(t->receive(t->context, &next));
        cr_assert(next.from == 0 && next.tag == i && next.size == sizeof i && memcmp(next.payload, &i, sizeof i) == 0);
    }
    cr_expect(!t->receive(t->context, &next));
    transport_send(t, 0, 1, "left behind", 12);
    t->close(t->context);
}

Test(transport, delivers_in_order_what_a_rank_sends_to_itself) {
    delivers_in_order_what_a_rank_sends_to_itself(transport_alone_open());
    MPI_Init(NULL, NULL);
    delivers_in_order_what_a_rank_sends_to_itself(transport_mpi_open(MPI_COMM_WORLD));
    MPI_Finalize();
}

/* A message has the same bytes whoever compiled it: no padding that could differ, no member that could grow unseen. */
Test(protocol, has_fixed_sizes) {
    cr_expect_eq(sizeof(hello_message), 88);
    cr_expect_eq(sizeof(grant_message), 24);
    cr_expect_eq(sizeof(report_message), 72);
    cr_expect_eq(sizeof(verdict_message), 24);
    cr_expect_eq(sizeof(tf_notice), 504);
    cr_expect_eq(sizeof(collect_message), 32);
    cr_expect_eq(sizeof(failure_message), 448);
    cr_expect_eq(sizeof(signal_message), 8);
    cr_expect_eq(sizeof(drain_message), 4);
}
