/* What is noticed of a stage while it runs, and people should know: where tasks run it is put into shared memory, ranks
 * pass it on, and the first rank says it. The table of notices.c has the kinds. */
#ifndef TF_NOTICES_H
#define TF_NOTICES_H

#include <stdbool.h>
#include <stdint.h>

typedef enum tf_notice_kind {
    TF_NOTICE_COLD,     /* each process of a Python stage imports by itself, although one was to import for all */
    TF_NOTICE_CHANGES,  /* a function changes the process that it runs in */
    TF_NOTICE_UNSEEDED, /* a function draws random numbers that are not its task's own */
    TF_NOTICE_BATCHES,  /* calls of several tasks have come to nothing, and their tasks were called one by one */
    TF_NOTICE_SECOND,   /* tasks that took too long were started a second time */
    TF_NOTICES
} tf_notice_kind;

typedef struct tf_notice_spec {
    const char *name;       /* in JSON */
    const char *before;     /* stands before its text */
    const char *after;      /* stands behind its text */
    bool is_counted;        /* it is told again at the end, with how often it was so */
    const char *one, *many; /* then these stand in place of `before`, behind "1 of 40" or "12 of 40" */
} tf_notice_spec;

extern const tf_notice_spec tf_notice_table[TF_NOTICES];

enum { TF_NOTICE_TEXT = 480 };

/* As ranks get it from their hosts, and send it to the first one. */
typedef struct tf_notice {
    int32_t stage;
    int32_t kind;              /* tf_notice_kind */
    uint32_t parts;            /* bits of what it is about: it is news if one of them has not been told of yet */
    uint32_t reserved;         /* 0 */
    int64_t count;             /* of a kind that is counted: how often it was so */
    char text[TF_NOTICE_TEXT]; /* for people, a line; NUL-terminated */
} tf_notice;

/* What the first rank knows of it. */
typedef struct tf_noticed {
    int stage;
    tf_notice_kind kind;
    int64_t count, of; /* of a kind that is counted: how often it was so, of how many; else 0 */
    char text[TF_NOTICE_TEXT];
} tf_noticed;

#endif
