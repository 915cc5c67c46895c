/* Storage that fails for a while (see storage.h). */
#include "base/storage.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define FIRST_PAUSE   0.01 /* s */
#define LONGEST_PAUSE 2.0  /* s */

/* Disks that are full, quotas, disks and servers that fail or are away. */
static const int recovering[] = {EIO, ENOSPC, EDQUOT, ESTALE, ETIMEDOUT, ENOTCONN, ESHUTDOWN};
enum { RECOVERING = sizeof recovering / sizeof *recovering };

/* What else files may fail with. */
static const int others[] = {EFBIG, EROFS, EACCES, EPERM};
enum { OTHERS = sizeof others / sizeof *others };

bool tf_storage_may_recover(int failure) {
    for (int n = 0; n < RECOVERING; n++)
        if (failure == recovering[n])
            return true;
    return false;
}

tf_err tf_err_of_storage(int failure) {
    return tf_storage_may_recover(failure) ? TF_ERR_STOPPED : TF_ERR_RUN;
}

int tf_storage_failure_in(const char *text) {
    for (int n = 0; n < RECOVERING + OTHERS; n++) {
        const int failure = n < RECOVERING ? recovering[n] : others[n - RECOVERING];
        if (strcasestr(text, strerror(failure))) /* Open MPI has it in small letters */
            return failure;
    }
    return 0;
}

bool tf_patience_fails(tf_patience *p, double now) {
    if (p->limit <= 0)
        return false;
    if (!tf_patience_is_tried(p)) {
        p->since = now;
        p->pause = FIRST_PAUSE;
    } else {
        p->pause = 2 * p->pause < LONGEST_PAUSE ? 2 * p->pause : LONGEST_PAUSE;
    }
    const double end = p->since + p->limit;
    if (now >= end)
        return false;
    p->next = now + p->pause < end ? now + p->pause : end;
    return true;
}

bool tf_patience_works(tf_patience *p) {
    const bool had_failed = tf_patience_is_tried(p);
    p->since = 0;
    return had_failed;
}

void tf_patience_tell(const tf_patience *p, const char *why, tf_buf *text) {
    char limit[32];
    tf_buf_addf(text, "%s; trying again for up to %s", why, tf_format_duration(p->limit, limit));
}

void tf_patience_tell_end(const char *what, tf_buf *text) {
    tf_buf_addf(text, "%s: the storage works again", what);
}

static void sleep_until(double time) {
    for (double left; (left = time - tf_now()) > 0;)
        nanosleep(&(struct timespec){.tv_sec = (time_t)left, .tv_nsec = (long)(1e9 * (left - (double)(time_t)left))},
                  NULL);
}

bool tf_patience_wait(tf_patience *p, const tf_error *error) {
    const bool is_first = !tf_patience_is_tried(p);
    if (error->code != TF_ERR_STOPPED || !tf_patience_fails(p, tf_now()))
        return false;
    tf_buf text = {0};
    tf_patience_tell(p, error->text, &text);
    if (is_first)
        tf_say("%s", text.data);
    tf_buf_free(&text);
    sleep_until(p->next);
    return true;
}

void tf_patience_end(tf_patience *p, tf_err err, const char *what) {
    if (!tf_patience_works(p) || err != TF_OK)
        return;
    tf_buf text = {0};
    tf_patience_tell_end(what, &text);
    tf_say("%s", text.data);
    tf_buf_free(&text);
}
