/* What the master knows of the other ranks: which have come, and which live. */
#ifndef TF_FARM_PEERS_H
#define TF_FARM_PEERS_H

#include "farm/output.h"
#include "farm/protocol.h"

typedef struct peer {
    bool is_up;     /* its HELLO has come */
    bool is_dead;   /* it was found dead */
    bool is_locked; /* its lock on the output tells whether it lives */
    double heard;   /* when its last message came */
    int slots;
    char host[64];
} peer;

/* Workers of one node. */
typedef struct crowd {
    const char *host;
    int ranks, slots;
} crowd;

typedef struct peers {
    const output *output;
    int ranks; /* rank 0 and its workers */
    int dead;  /* how many were found dead */
    peer *peer;
} peers;

/* The output is the caller's. Frees: peers_free. */
peers peers_new(const output *output, int ranks);
void peers_free(peers *p);

void peers_greet(peers *p, int rank, const hello_message *hello);

/* Has the rank died? false unless it has been silent for `silence` seconds; without a lock, for a minute. */
bool peers_has_died(const peers *p, int rank, double silence, double now);

void peers_mark_dead(peers *p, int rank);

/* Has each worker come, or died? */
bool peers_are_known(const peers *p);

/* The workers of the node that has the most. */
crowd peers_find_crowd(const peers *p);

/* How many workers have come and still live. */
int peers_count_living(const peers *p);

/* The rank itself if it lives, else another one that does. NOBODY: none does. */
int peers_find_living(const peers *p, int rank);

/* Has every worker left whose end can be seen? */
bool peers_have_left(const peers *p);

#endif
