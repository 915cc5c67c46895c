/* A farm in one process: ranks that turn one after the other, messages that take their time, slots and an output that
 * are tables, and a clock that goes on when nobody has anything to do. All from a seed, and looked at all the time:
 * what must never happen ends the test, with the seed and how to repeat it. */
#ifndef TF_TESTS_FARM_MEMORY_H
#define TF_TESTS_FARM_MEMORY_H

#include <criterion/criterion.h>

#include "farm/rank.h"

enum { FARM_RANKS = 4 /* as a rule */, FARM_MOST_RANKS = 10, FARM_STAGES = 4, FARM_TASKS = 60, FARM_SLOTS = 3 };

/* ---- What a farm is made of ---- */

typedef struct farm_stage {
    double fails, excludes, skips; /* shares of attempts that fail, and of tasks that turn out to be none or skipped */
    double seconds;                /* a task takes up to twice as long */
    double enough;                 /* share of looks after which "until" is true */
    int reads[FARM_TASKS][2];      /* tasks whose files a task reads: FARM_TASKS * stage + index + 1; 0: none */
} farm_stage;

typedef struct farm_setting {
    uint64_t seed;
    const tf_campaign *campaign;
    tf_graph *graph;
    farm_stage stage[FARM_STAGES];
    int ranks;
    int slots[FARM_MOST_RANKS];                /* of each rank */
    bool unable[FARM_MOST_RANKS][FARM_STAGES]; /* the rank can't run the stage, as it notices when it tries */
    double slow[FARM_MOST_RANKS];              /* how many times as long tasks take on the rank; 0: once */
    const tf_notice *notice[FARM_STAGES];      /* what comes with its rows; NULL: nothing */
    bool unlocked;                             /* nobody's lock tells that it lives */
    bool blind;                                /* nor is any seen by rank 0 */
    double latency;                            /* s that a message takes, on the average */
    terms terms;                               /* zeros: a minute, and ranks live on */
    double walltime, grace;
    double breaks; /* share of writes that fail */
    double sync;
    double away; /* until then, by the clock that begins at 1000 s, rows can't be written */
    bool trace;  /* messages are printed */
} farm_setting;

/* ---- The parts of a rank ---- */

/* A message under way. */
typedef struct letter {
    struct letter *next;
    double arrives;
    int tag;
    size_t size;
    _Alignas(16) char payload[];
} letter;

/* Messages from one rank to another. */
typedef struct route {
    letter *first, **last;
    double arrives; /* the last one */
} route;

typedef struct farm_batch {
    bool used;
    int stage, attempt;
    int64_t first, count, passed, done; /* tasks; those passed on, those that have ended */
    double ended;                       /* when the last task did that has ended */
    int64_t leaving;                    /* task + 1 that is to be left; 0: none is */
} farm_batch;

/* A slot runs one batch, and may have another in hand. */
typedef struct farm_slot {
    farm_batch running, in_hand;
    int owner; /* slot whose task has this one: itself, as a rule; -1: it is idle */
} farm_slot;

typedef struct farm farm;

typedef struct farm_node {
    farm *farm;
    int number;
    bool dead;
    transport transport;
    executor executor;
    output output;
    rank rank;
    tf_error error;
    letter *taken; /* the last message received */
    farm_slot slot[FARM_SLOTS];
    bool refuses[FARM_STAGES]; /* it has noticed */
    int64_t offered;           /* tasks that were submitted last, together */
    int collectives;           /* it has taken part in */
    bool laid_out[FARM_STAGES], finished[FARM_STAGES];
    bool holds;                   /* steps of one message are under way */
    bool closed, drains, drained; /* DRAIN has come; DRAINED was sent */
    /* As rank 0 sees it. */
    bool greeted;      /* its HELLO has come */
    double idle_since; /* for tests that look whether there is work for it */
    bool known_end;    /* its lock has told that it has ended */
    bool farewell;     /* it has been told to leave */
    bool is_given_up;  /* it was silent for too long */
    /* What befalls it. */
    bool is_cut, is_frozen;
    double unheard_since; /* when that began */
} farm_node;

/* Of one kind, and for one stage. */
typedef struct farm_collective {
    collect_what what;
    int stage;
} farm_collective;

struct farm {
    farm_setting setting;
    tf_farm_options options;
    tf_rng rng;
    tf_clock clock;
    double now;
    farm_node node[FARM_MOST_RANKS];
    route route[FARM_MOST_RANKS][FARM_MOST_RANKS]; /* from, to */
    /* The output. */
    uint8_t status[FARM_STAGES][FARM_TASKS];
    uint8_t attempts[FARM_STAGES][FARM_TASKS];
    bool finished[FARM_STAGES];            /* in this run or before */
    int64_t enough[FARM_STAGES];           /* with so many tasks; 0: with all */
    int64_t may_grant[FARM_STAGES];        /* of a stage with "until", tasks below this one */
    bool granted[FARM_STAGES][FARM_TASKS]; /* ever */
    bool drains;                           /* rank 0 has said so */
    int runs_on[FARM_STAGES][FARM_TASKS];  /* rank + 1; 0: nowhere */
    bool doubled[FARM_STAGES][FARM_TASKS]; /* two ranks may run it */
    int doubles;                           /* how many tasks of these there are */
    bool removed[FARM_STAGES][FARM_TASKS]; /* its temporary files */
    farm_collective collective[64];
    int collectives;                         /* that somebody has taken part in */
    int collectives_asked;                   /* by rank 0 */
    bool layout_asked[FARM_STAGES];          /* likewise */
    int settles[FARM_STAGES][FARM_TASKS];    /* rank + 1 that is to write that it is not run; 0: none is */
    int judges[FARM_STAGES][FARM_TASKS];     /* rank + 1 that is to write that it has failed; 0: none is */
    bool unsettled[FARM_STAGES][FARM_TASKS]; /* it is not run, and the rank is dead that was to write so */
    bool unwritten[FARM_STAGES][FARM_TASKS]; /* it has failed, and the rank is dead that was to write so */
    int deaths, broken;
    bool hangs; /* all wait for one that was cut off when it had just said that it is there: the store's vigil ends them
                 */
    int incidents;             /* in the history of the run */
    char incident[300];        /* the last one that was written there */
    bool stopped[FARM_STAGES]; /* the stage, since nobody can run it */
    int noticed;               /* what was noticed, as the output has it: how much, and the last */
    tf_noticed last_noticed;
    char state[16]; /* with which the output was closed */
};

/* Rows that earlier runs left are in the table: set them before the ranks start. */
void farm_open(farm *f, const farm_setting *setting);
void farm_start(farm *f);
void farm_start_master(farm *f);
void farm_start_worker(farm *f, int number);
void farm_close(farm *f);

/* All turn once, in some order. false if nobody had anything to do. */
bool farm_turn(farm *f);

/* To the next event that is known of, but no more than `most` seconds. */
void farm_wait(farm *f, double most);

/* The rank dies: of its last messages some are lost. */
void farm_kill(farm *f, int number);

/* No message reaches the rank, or comes from it, until it is back; the rank does nothing until it goes on. */
void farm_cut(farm *f, int number, bool is_cut);
void farm_freeze(farm *f, int number, bool is_frozen);

/* May a rank die now, without a call that all ranks make together waiting for it for ever? */
bool farm_may_kill(const farm *f, int number);

/* Does the rank live, and has what tasks of the stage need? */
bool farm_can_run(const farm *f, int number, int stage);

/* Has the rank died, or been given up? */
bool farm_is_lost(const farm *f, int number);

/* Slots of the rank that run nothing. */
int farm_idle(const farm *f, int number);

/* Has every rank that lives left? */
bool farm_is_over(const farm *f);

/* What becomes of a task in the end, if it is run as often as it may be. */
tf_status farm_expected(const farm *f, int stage, int64_t task);

int farm_below(farm *f, int count);
bool farm_chance(farm *f, double share);

/* Ends the test, if `right` is false, with the text, the seed and how to repeat it. */
void farm_require(const farm *f, bool right, const char *format, ...) TF_PRINTF(3, 4);

#endif
