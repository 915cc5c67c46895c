/* What the master knows of the other ranks: which have come, and which live. */
#ifndef TF_FARM_PEERS_H
#define TF_FARM_PEERS_H

#include "farm/output.h"
#include "farm/protocol.h"

typedef struct peer {
    bool is_up;     /* its HELLO has come */
    bool is_lost;   /* it was found dead, or given up */
    bool is_silent; /* it was given up: it may be heard again */
    bool is_locked; /* its lock on the output tells whether it lives */
    double heard;   /* when its last message came: peers.listened */
    double allowed; /* s for which it has said that it may be silent, beyond the patience */
    int64_t here;   /* the last summons that it has answered */
    bool waits;     /* for storage that fails */
    int slots;
    char host[64];
} peer;

typedef enum peer_state {
    PEER_LIVES, /* as far as is known; or it was lost before */
    PEER_DIED,
    PEER_SILENT /* it has not been heard for so long that it has ended what it did */
} peer_state;

/* Workers of one node. */
typedef struct crowd {
    const char *host;
    int ranks, slots;
} crowd;

typedef struct peers {
    const output *output;
    int ranks;       /* rank 0 and its workers */
    int lost;        /* how many are */
    double patience; /* s for which a worker may be silent */
    double listened; /* s for which the master has listened: the clock by which silence is counted */
    double looked;   /* when it last did */
    int64_t summons; /* how many there were */
    peer *peer;
} peers;

/* The output is the caller's. Frees: peers_free. `now`: tf_clock_now, s. */
peers peers_new(const output *output, int ranks, double patience, double now);
void peers_free(peers *p);

void peers_greet(peers *p, int rank, const hello_message *hello);

/* Storage fails the rank, or works again. true: it is the first that waits for it, or was the last. */
bool peers_note_storage(peers *p, int rank, bool fails);

/* To be called all the time, as long as messages are received. */
void peers_listen(peers *p, double now);

/* A message of the rank has come. */
void peers_hear(peers *p, int rank);

/* The rank has said that it may be silent for so long, beyond the patience. */
void peers_allow(peers *p, int rank, double silence);

/* What has become of the rank? Whether it has died is asked for once it has been silent for `silence` seconds. */
peer_state peers_judge(const peers *p, int rank, double silence);

/* s for which nothing has been heard of the rank. */
double peers_silence(const peers *p, int rank);

/* Of those that have come and are not lost the one that has been silent for longest. NOBODY: there is none. */
int peers_find_quietest(const peers *p);

void peers_mark_lost(peers *p, int rank, peer_state why);

/* All workers are asked whether they are there. Returns the summons' number. */
int64_t peers_summon(peers *p);

/* The rank has answered that summons. */
void peers_answer(peers *p, int rank, int64_t number);

/* Has each worker that is not lost answered the last summons? */
bool peers_are_here(const peers *p);

/* Has each worker come, or been lost? */
bool peers_are_known(const peers *p);

/* The workers of the node that has the most. */
crowd peers_find_crowd(const peers *p);

/* How many workers have come and are not lost. */
int peers_count_living(const peers *p);

/* The rank itself unless it is lost, else another one that is not. NOBODY: all are. */
int peers_find_living(const peers *p, int rank);

/* The nodes of workers that are lost, but for this one: "node2 and 3 others"; "": there are none. */
void peers_name_away(const peers *p, const char *here, tf_buf *out);

/* The first worker from this one on that is not lost and has not left, of those whose end can be seen. NOBODY: there is
 * none. */
int peers_find_late(const peers *p, int rank);

#endif
