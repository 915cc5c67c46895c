/* The statuses of tasks. */
#include "rows/rows.h"

const tf_status_spec tf_status_table[TF_STATUSES] = {
    [TF_STATUS_PENDING] = {.name = "pending", .ended = "stopped", .counts_as = TF_STATUS_PENDING},
    [TF_STATUS_DONE] = {.name = "done", .ended = "done", .is_good = true, .counts_as = TF_STATUS_DONE},
    [TF_STATUS_FAILED] = {.name = "failed", .ended = "failed", .counts_as = TF_STATUS_FAILED},
    [TF_STATUS_TIMEOUT] = {.name = "timeout", .ended = "timeout", .counts_as = TF_STATUS_FAILED},
    [TF_STATUS_SKIPPED] = {.name = "skipped", .ended = "skipped", .counts_as = TF_STATUS_SKIPPED},
    [TF_STATUS_EXCLUDED] = {.name = "excluded",
                            .ended = "left out by \"where\"",
                            .is_good = true,
                            .counts_as = TF_STATUS_EXCLUDED},
    [TF_STATUS_CANCELLED] = {.name = "cancelled",
                             .ended = "cancelled",
                             .is_good = true,
                             .counts_as = TF_STATUS_EXCLUDED},
};
