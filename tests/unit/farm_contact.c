/* Whether a worker is in touch with the master. */
#include "farm/contact.h"
#include "fixture.h"

#include "farm/terms.h"

#define PATIENCE 10.0

/* Looks once a second until `end`. */
static void listen_until(contact *c, double from, double end) {
    for (double now = from; now <= end; now++)
        contact_look(c, now);
}

Test(farm_contact, writes_until_the_patience_has_passed_since_it_asked) {
    contact c = contact_begin(PATIENCE, 3, 0);
    contact_hear(&c, 5, 0);
    cr_assert(contact_may_write(&c, 14.9));
    cr_assert_not(contact_may_write(&c, 15));
    contact_hear(&c, 4, 0); /* an older question is answered later */
    cr_assert(contact_may_write(&c, 14.9));
}

Test(farm_contact, gives_the_master_up_after_the_patience) {
    contact c = contact_begin(PATIENCE, 3, 0);
    contact_hear(&c, 0, 0);
    listen_until(&c, 1, 10);
    cr_assert_not(contact_is_lost(&c));
    listen_until(&c, 11, 11);
    cr_assert(contact_is_lost(&c));
}

Test(farm_contact, waits_longer_for_the_first_answer_and_when_it_is_told_to) {
    contact new = contact_begin(PATIENCE, 3, 0), told = contact_begin(PATIENCE, 3, 0);
    listen_until(&new, 1, TOGETHER * PATIENCE);
    cr_assert_not(contact_is_lost(&new));
    contact_hear(&told, 0, 20);
    listen_until(&told, 1, 30);
    cr_assert_not(contact_is_lost(&told));
}

Test(farm_contact, a_time_in_which_it_did_not_listen_is_no_silence) {
    contact c = contact_begin(PATIENCE, 3, 0);
    contact_hear(&c, 0, 0);
    contact_look(&c, 1000);
    cr_assert_not(contact_is_lost(&c));
    cr_assert_not(contact_may_write(&c, 1000));
}

Test(farm_contact, one_rank_alone_is_always_in_touch) {
    contact c = contact_begin(PATIENCE, 1, 0);
    listen_until(&c, 1, 1000);
    contact_hear(&c, 900, 0);
    listen_until(&c, 1001, 2000);
    cr_assert(contact_may_write(&c, 2000));
    cr_assert_not(contact_is_lost(&c));
}
