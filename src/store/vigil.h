/* A watch over what ranks do together in the file: in HDF5 they wait for each other. */
#ifndef TF_STORE_VIGIL_H
#define TF_STORE_VIGIL_H

#include "store/store.h"

/* What is done after how many seconds without a sign of life. */
typedef struct vigil_terms {
    double word; /* people are told after so many; and again each time that this time has doubled */
    double full; /* the process ends after so many, if the disk was full all the while */
    double tick; /* seconds between two looks */
} vigil_terms;

/* What is seen at one look. */
typedef struct vigil_sight {
    double now;     /* tf_now() */
    uint64_t signs; /* of life: another number whenever this process has read or written, or the file has changed */
    bool is_full;   /* the disk has no room for metadata */
} vigil_sight;

typedef enum vigil_verdict { VIGIL_WAIT, VIGIL_TELL, VIGIL_END } vigil_verdict;

/* What is remembered from one look to the next. */
typedef struct vigil_memory {
    double alive;   /* tf_now() at the last sign of life */
    double roomy;   /* tf_now() when the disk had room last */
    double looked;  /* tf_now() at the last look */
    double word;    /* seconds without a sign of life after which people are told next */
    uint64_t signs; /* the sight's, at the last look */
} vigil_memory;

vigil_memory vigil_begin(const vigil_terms *terms, double now);
vigil_verdict vigil_judge(vigil_memory *memory, const vigil_terms *terms, const vigil_sight *sight);

/* Watches from a thread of its own until it is ended. `fd`: the file; -1: it is not open yet. `tells`: this process is
 * the one that tells people. `life` is told of each sign of life, NULL: nobody is. */
typedef struct vigil vigil;
vigil *vigil_start(const char *path, int fd, bool tells, const vigil_terms *terms, const tf_store_life *life);
void vigil_end(vigil *vigil);

#endif
