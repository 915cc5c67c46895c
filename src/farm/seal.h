/* A short proof that bytes come from somebody who has the run's key, and are as they were sent. */
#ifndef TF_FARM_SEAL_H
#define TF_FARM_SEAL_H

#include <stddef.h>
#include <stdint.h>

typedef struct seal_key {
    uint64_t word[2];
} seal_key;

/* SipHash-2-4 (Aumasson and Bernstein, 2012), which nobody can make up who has not got the key. */
uint64_t seal_of(const seal_key *key, const void *bytes, size_t size);

#endif
