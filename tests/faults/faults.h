/* A library to be preloaded into the program, that makes one system call fail, or a few: calls.c stands before the C
 * library's functions, plan.c knows which call is to fail, sites.c tells calls apart by where they come from.
 *
 * TASKFARM_FAIL=CALL[@SITE]:HOW:N[+[K]]
 *     The N-th CALL fails, counted over all calls of that name, or over those that come from SITE. With + all that
 * follow fail, too, with +K the next K. HOW is an errno (a number), or "short": half of the bytes are written or read;
 * or "hang": the call does not return for TASKFARM_FAIL_SECONDS, without that for ever. TASKFARM_FAIL_RANK=K Only in
 * rank K; else in each rank that has the library. TASKFARM_FAIL_IN=all In the processes too that a rank forks (spawner,
 * guard, hosts); else only in those that call MPI. Calls are counted together. Programs that these start, as tasks do,
 * do not have the library. TASKFARM_FAIL_PATHS=PART:PART Only calls on files in whose path one of these is found. Calls
 * that have no file (fork, mmap of memory, connect) must come from the program itself then, not from a library.
 * TASKFARM_FAIL_HELD=FILE
 *     Is made as soon as a call hangs.
 * TASKFARM_FAIL_RECORD=FILE
 *     Nothing fails; FILE.K is a table of the call sites of rank K: see sites.c.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a call is about. */
typedef struct call_place {
    int fd;           /* the file, or the folder that the path begins in; -1: neither */
    const char *path; /* NULL: the file is open as `fd` */
} call_place;

typedef enum fault_kind { FAULT_NONE, FAULT_ERROR, FAULT_SHORT } fault_kind;

typedef struct fault {
    fault_kind kind;
    int failure; /* errno */
} fault;

/* What is to become of this call? `caller` is an address in the function that makes it. A call that is to hang does so
 * in here. */
fault fault_at(const char *call, call_place place, const void *caller);

/* Where the calls of a process come from: 0, or a hash of the functions that are under way. `text` gets them, as
 * MODULE+OFFSET, separated by spaces. */
uint64_t site_find(char *text, size_t size);

/* Is the address in the program, and not in a library? */
bool site_is_in_program(const void *address);

/* Counts a call in the table of sites. */
void site_note(const char *call, const char *path);
void site_open_table(const char *path);

#endif
