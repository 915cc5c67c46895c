/* Watch over what ranks do together in the file: they wait for each other, in HDF5 as well. */
#ifndef TF_STORE_VIGIL_H
#define TF_STORE_VIGIL_H

#include "base/base.h"

/* After how many seconds without a sign of life something is done. */
typedef struct vigil_terms {
    double word; /* people are told; after twice that again, and so on */
    double full; /* with a disk that has been full for as long the process ends */
    double tick; /* between two looks */
} vigil_terms;

/* What is seen at one look. */
typedef struct vigil_sight {
    double now;     /* tf_now() */
    uint64_t signs; /* of life: another number whenever this process has read or written, or the file has changed */
    bool is_full;   /* the disk has no room for metadata */
} vigil_sight;

typedef enum vigil_verdict { VIGIL_WAIT, VIGIL_TELL, VIGIL_END } vigil_verdict;

/* What is remembered from one look to the next: tf_now() ... */
typedef struct vigil_memory {
    double alive;  /* at the last sign of life, */
    double roomy;  /* when the disk had room last, */
    double looked; /* and at the last look */
    double word;   /* seconds after which people are told next */
    uint64_t signs;
} vigil_memory;

vigil_memory vigil_begin(const vigil_terms *terms, double now);
vigil_verdict vigil_judge(vigil_memory *memory, const vigil_terms *terms, const vigil_sight *sight);

/* Watches from a thread of its own until it is ended. `fd`: the file; -1: it is not open yet. `tells`: this process is
 * the one that tells people. NULL: there can't be a thread. */
typedef struct vigil vigil;
vigil *vigil_start(const char *path, int fd, bool tells, const vigil_terms *terms);
void vigil_end(vigil *vigil);

#endif
