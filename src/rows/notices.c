/* The kinds of notices. */
#include "rows/notices.h"

const tf_notice_spec tf_notice_table[TF_NOTICES] = {
    [TF_NOTICE_COLD] = {.name = "cold",
                        .before = "each slot imports by itself, since the interpreter that imports for all ",
                        .after = "; with \"warm\": false that is not tried"},
    [TF_NOTICE_CHANGES] = {.name = "changes-process",
                           .before = "",
                           .after = " of its process; its tasks run one by one, in processes of their own: let it put "
                                    "back what it changes"},
    [TF_NOTICE_UNSEEDED] = {.name = "unseeded", .before = "", .after = ""},
    [TF_NOTICE_BATCHES] = {.name = "batches-failed",
                           .before = "a batch failed and is run task by task: ",
                           .after = "",
                           .is_counted = true,
                           .one = " batches failed and was run task by task: ",
                           .many = " batches failed and were run task by task: "},
    [TF_NOTICE_SECOND] = {.name = "second-starts",
                          .before = "a task takes longer than it would elsewhere and is started a second time: ",
                          .after = "",
                          .is_counted = true,
                          .one = " tasks that were started a second time was done by the second start; the first: ",
                          .many = " tasks that were started a second time were done by the second start; the first: "},
};
