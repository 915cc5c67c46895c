/* What a worker tells the master of rows that have come back. */
#ifndef TF_FARM_REPORTS_H
#define TF_FARM_REPORTS_H

#include "farm/protocol.h"
#include "farm/transport.h"
#include "manifest/manifest.h"
#include "rows/rows.h"

/* Runs of tasks that have ended, or are to be tried again, and that the master has not been told of. All zeros but for
 * the campaign, which is the caller's, is empty. */
typedef struct reports {
    const tf_campaign *campaign;
    report_message *item;
    size_t count, capacity;
    int64_t tasks; /* in all of them */
} reports;

void reports_free(reports *r);

/* What rows that are pending are. */
typedef enum pending_rows {
    PENDING_RETRY, /* their tasks are to have another attempt */
    PENDING_KEPT   /* they have failed, and are kept until the master knows what is to become of them */
} pending_rows;

/* Adds rows as they were written. */
void reports_add(reports *r, const tf_rows *rows, pending_rows pending);

/* Sends them, and is empty then. */
void reports_send(reports *r, const transport *t, int to);

/* Sends why tasks failed for good, with how many have failed so. Which ones did is in their rows. */
void reports_send_failures(const tf_rows *rows, const transport *t, int to);

#endif
