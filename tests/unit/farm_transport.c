/* Messages of a rank to itself, and the sizes of what travels. (Between ranks: tests/run.) */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "farm/protocol.h"
#include "farm/transport_mpi.h"

Test(wire, delivers_in_order_what_a_rank_sends_to_itself) {
    MPI_Init(NULL, NULL);
    tf_wire *wire = wire_new(MPI_COMM_WORLD);
    int from, tag;
    const void *payload;
    size_t size;
    cr_expect(!wire_receive(wire, &from, &tag, &payload, &size));
    for (int64_t i = 0; i < 1000; i++) {
        int64_t copy = i;
        if (i % 2)
            wire_send(wire, 0, (int)i, &copy, sizeof copy);
        else
            wire_send_all(wire, (int)i, &copy, sizeof copy);
    }
    for (int64_t i = 0; i < 1000; i++) {
        cr_assert(wire_receive(wire, &from, &tag, &payload, &size));
        cr_assert(from == 0 && tag == i && size == sizeof i && memcmp(payload, &i, size) == 0);
    }
    cr_expect(!wire_receive(wire, &from, &tag, &payload, &size));
    wire_send(wire, 0, 1, "left behind", 12);
    wire_free(wire);
    MPI_Finalize();
}

/* A message has the same bytes whoever compiled it: no padding that could differ, no member that could grow unseen. */
Test(protocol, has_fixed_sizes) {
    cr_expect_eq(sizeof(hello_message), 88);
    cr_expect_eq(sizeof(grant_message), 24);
    cr_expect_eq(sizeof(report_message), 56);
    cr_expect_eq(sizeof(collect_message), 32);
    cr_expect_eq(sizeof(failure_message), 448);
    cr_expect_eq(sizeof(signal_message), 8);
    cr_expect_eq(sizeof(drain_message), 4);
}
