/* What ranks say to each other. The tag is the kind; the payload is one struct, or as many as fit the message. Messages
 * between two ranks arrive in the order in which they were sent. No parameter and no result ever travels here.
 *
 *     worker                      master
 *       HELLO  ------------------->          I am here, with so many slots
 *       ALIVE  ------------------->          I still am: do you hear me?
 *              <-------------------  HEARD   I do
 *              <-------------------  GRANT   these tasks are yours
 *       REPORT ------------------->          these have ended, or are to be tried again
 *              <-------------------  VERDICT the tasks whose rows you keep have failed, or are another's: write, or
 * drop
 *       SETTLED ------------------>          that is done
 *              <-------------------  DOUBLE  another may begin this task, too: ask before you write its row
 *       DOUBLED ------------------>          I do; or I had not begun it; or it has ended
 *       CLAIM  ------------------->          I have the outcome of such a task: may I write it?
 *              <-------------------  RULE    you may; or leave the task, it is another's
 *              <-------------------  SETTLE  these are not run: write their rows
 *              <-------------------  REMOVE  nobody needs the temporary outputs of this one any more
 *       UNABLE ------------------->          I can't run tasks of this stage: these are not begun
 *       IDLE --------------------->          some slots are idle, though others are not
 *       FAILURE ------------------>          why tasks failed: messages, counted
 *       NOTICE ------------------->          something that people should know of a stage: tf_notice (rows/notices.h)
 *       STORAGE ------------------>          I can't write, and try again; or can again
 *       SIGNAL ------------------->          I was told to stop
 *              <-------------------  DRAIN   begin nothing more
 *       DRAINED ------------------>          nothing is under way here any more; or ever will be, and why
 *              <-------------------  SUMMON  all ranks are to do something together
 *       HERE   ------------------->          this one can
 *              <-------------------  COLLECT all ranks: lay out, finish, close
 *              <-------------------  PART    leave without a word to the others: one of them is lost
 *       BROKEN ------------------->          I can't go on
 *              <-------------------  LEAVE   all ranks: the run has broken, and why
 */
#ifndef TF_FARM_PROTOCOL_H
#define TF_FARM_PROTOCOL_H

#include <stdint.h>

#include "rows/notices.h"

typedef enum message_tag {
    TAG_HELLO = 1,
    TAG_ALIVE,
    TAG_HEARD,
    TAG_GRANT,
    TAG_REPORT,
    TAG_VERDICT,
    TAG_SETTLED,
    TAG_DOUBLE,
    TAG_DOUBLED,
    TAG_CLAIM,
    TAG_RULE,
    TAG_SETTLE,
    TAG_REMOVE,
    TAG_UNABLE,
    TAG_IDLE,
    TAG_FAILURE,
    TAG_NOTICE,
    TAG_STORAGE,
    TAG_SIGNAL,
    TAG_DRAIN,
    TAG_DRAINED,
    TAG_SUMMON,
    TAG_HERE,
    TAG_COLLECT,
    TAG_PART,
    TAG_BROKEN,
    TAG_LEAVE
} message_tag;

typedef struct hello_message {
    int32_t slots;
    int32_t gpus;
    int64_t memory;   /* bytes */
    int32_t locked;   /* its lock on the output tells whether it lives */
    int32_t reserved; /* 0 */
    char host[64];    /* NUL-terminated, cut if longer */
} hello_message;

/* ALIVE and HEARD. */
typedef struct alive_message {
    double asked;   /* by the worker's clock; comes back as it is */
    double silence; /* s for which the sender may be silent now, beyond the patience */
} alive_message;

/* SUMMON and HERE. */
typedef struct summon_message {
    int64_t number; /* from 1; comes back as it is */
} summon_message;

/* Grants that come together have parts of one batch. */
typedef struct grant_message {
    int32_t stage;
    int32_t attempt; /* from 1 */
    int64_t first;   /* task */
    int64_t count;
} grant_message;

typedef struct report_message {
    int32_t stage;
    int32_t retry; /* number of the attempt that has failed, after which there is another; 0: the tasks have ended */
    int64_t first; /* task */
    int64_t count;
    int64_t failed;   /* how many of them failed for good; all or none where other tasks may wait for them */
    int64_t excluded; /* how many the worker left out, by "where" */
    int64_t skipped;  /* how many the worker skipped, since what they take has failed */
    int64_t calls;    /* calls of several tasks each that these come of */
    double seconds;   /* that one slot spent on them */
    int32_t attempt;  /* of tasks whose rows are kept: the one that has failed */
    int32_t is_kept;  /* all have failed for good; their rows are not written, but kept until VERDICT */
} report_message;

typedef struct verdict_message {
    int32_t stage;
    int32_t is_failure; /* the rows are to be written; else they are another worker's */
    int64_t first;      /* task */
    int64_t count;
} verdict_message;

typedef struct double_message {
    int32_t stage;
    int32_t is_second; /* another has the task already, a grant of it follows, and no answer is asked for */
    int64_t task;
    int64_t number; /* comes back with the answer */
} double_message;

typedef struct doubled_message {
    int32_t stage;
    int32_t answer; /* tf_doubled */
    int64_t task;
    double seconds;   /* for which it has been under way */
    int64_t number;   /* of the question */
    int32_t attempt;  /* that it has, or is to have */
    int32_t reserved; /* 0 */
} doubled_message;

typedef struct claim_message {
    int32_t stage;
    int32_t has_failed; /* the attempt has */
    int64_t task;
} claim_message;

typedef struct rule_message {
    int32_t stage;
    int32_t may_write; /* else the task is to be left, whether it runs, waits or has ended */
    int64_t task;
} rule_message;

typedef struct settle_message {
    int32_t stage;
    int32_t status; /* tf_status */
    int64_t first;  /* task */
    int64_t count;
    char message[200]; /* why; NUL-terminated, cut if longer */
} settle_message;

typedef struct remove_message {
    int32_t stage;
    int32_t reserved; /* 0 */
    int64_t index;    /* task */
} remove_message;

/* DRAINED of a worker that was not told to drain. */
typedef struct drained_message {
    char why[1000]; /* it can't run anything: NUL-terminated, cut if longer */
} drained_message;

/* A worker that can't run a stage gives back what it has not begun of it. */
typedef struct unable_message {
    int32_t stage;
    int32_t attempt;  /* the one that these tasks are still to have */
    int64_t first;    /* task */
    int64_t count;    /* 0: there is none to give back */
    int32_t is_sick;  /* with `why`: the machine lacks what it takes to start anything */
    int32_t reserved; /* 0 */
    char why[1000];   /* in the first message of the stage, else empty: a line, and lines behind it; NUL-terminated */
} unable_message;

/* Slots are idle although the worker holds tasks: these wait behind one that takes longer than was foreseen. */
typedef struct idle_message {
    int32_t idle; /* slots */
} idle_message;

enum { FAILURE_TASKS = 3 };

/* Tasks of a batch that failed with much the same message. */
typedef struct failure_message {
    int32_t stage;
    int32_t numbers;              /* how many elements of `index` are set */
    int64_t index[FAILURE_TASKS]; /* the first of these tasks */
    int64_t count;                /* how many tasks failed so */
    char message[408];            /* NUL-terminated, cut if longer */
} failure_message;

typedef struct signal_message {
    int32_t signal;
    int32_t count; /* how many this rank has got: the second one ends running tasks */
} signal_message;

/* How a worker is to end. */
typedef enum drain_how {
    DRAIN_WAIT = 1, /* let what runs come to its end */
    DRAIN_SICK,     /* as at once, but what fails is for others */
    DRAIN_AT_ONCE   /* keep what has ended, leave the rest */
} drain_how;

typedef struct drain_message {
    int32_t how; /* drain_how */
} drain_message;

typedef enum collect_what { COLLECT_LAYOUT, COLLECT_FINISH, COLLECT_CLOSE } collect_what;

/* Collective work on the file: every rank does it when the message arrives, in the order of arrival. Several in one
 * message are brought to disk together. */
typedef struct collect_message {
    int32_t what;    /* collect_what */
    int32_t stage;   /* for layout and finish */
    int32_t outcome; /* for close: tf_err: TF_OK, TF_ERR_TASKS or TF_ERR_STOPPED */
    int32_t partial; /* for close: some tasks were not to be run this time, or a stage was stopped */
    double elapsed;  /* for close: s */
    int64_t enough;  /* for finish: tasks of which the stage's "until" was true; 0: it was not */
} collect_message;

typedef struct storage_message {
    int32_t fails;    /* 0: it works again */
    int32_t reserved; /* 0 */
    char text[400];   /* what is to be said of it, cut if longer */
} storage_message;

/* BROKEN and LEAVE. */
typedef struct broken_message {
    int32_t code;    /* tf_err */
    int32_t id;      /* tf_diag_id */
    int32_t apart;   /* of LEAVE: a rank is lost, and each of the others leaves alone */
    char text[1000]; /* for people, NUL-terminated */
} broken_message;

#endif
