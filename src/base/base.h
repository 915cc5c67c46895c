/* The ground that every other folder stands on: errors, memory, text, intervals, hashes, clocks, random streams and
 * the framed records of side files. Knows nothing of tasks, MPI or HDF5.
 *
 * Process: all of them. Without memory a process ends, with a word to its user. */
#ifndef TF_BASE_H
#define TF_BASE_H

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#include "base/diagnostic_ids.h"
#include "base/files.h"
#include "base/say.h"
#include "base/text.h"
#include "taskfarm/plugin.h"

/* ---- Errors ---- */

/* 0 is success; the others are the program's exit statuses, so that main need not translate. */
typedef enum tf_err {
    TF_OK = 0,
    TF_ERR_TASKS = 1,    /* ran to the end, some tasks failed */
    TF_ERR_USAGE = 2,    /* wrong command line or manifest */
    TF_ERR_RUN = 3,      /* the run itself broke: disk full, output not writable */
    TF_ERR_STOPPED = 75, /* stopped early, run again to go on */
} tf_err;

/* What went wrong. The text is built once, where the cause is known; callers own the struct and may add context. */
typedef struct tf_error {
    tf_err code;
    tf_diag_id id;   /* for programs; a number, since errors are sent from process to process */
    char text[1000]; /* for people */
} tf_error;

/* Sets code, text and id, which is that of the code or one that says more. Returns the code. */
tf_err tf_error_set(tf_error *error, tf_err code, const char *format, ...) TF_PRINTF(3, 4);
tf_err tf_error_set_as(tf_error *error, tf_err code, tf_diag_id id, const char *format, ...) TF_PRINTF(4, 5);

/* The id as a string, which never changes, whatever the text says: "disk-full". "" without an error. */
const char *tf_error_id(const tf_error *error);

/* Puts "context: " before the text. Returns the error's code. */
tf_err tf_error_context(tf_error *error, const char *format, ...) TF_PRINTF(2, 3);

/* The commit of the sources, with "-changed" behind it if they differed from it; "unknown" without a repository. */
const char *tf_commit(void);

/* ---- Memory ---- */

/* These never return NULL: without memory they say so on stderr and end the process with TF_ERR_RUN. That is safe at
 * any instant, because a campaign's state is in its file and survives kill -9. Memory is zeroed. */
void *tf_alloc(size_t size);
void *tf_alloc_array(size_t count, size_t size);
void *tf_realloc_array(void *old, size_t count, size_t size);

/* Memory for what lives as long as its owner: it is freed all at once. */
typedef struct tf_arena tf_arena;
tf_arena *tf_arena_new(void);
void tf_arena_free(tf_arena *arena);
void *tf_arena_alloc(tf_arena *arena, size_t size); /* zeroed, 16-aligned */
void *tf_arena_array(tf_arena *arena, size_t count, size_t size);
char *tf_arena_strndup(tf_arena *arena, const char *text, size_t length);
char *tf_arena_strdup(tf_arena *arena, const char *text);
char *tf_arena_printf(tf_arena *arena, const char *format, ...) TF_PRINTF(2, 3);

/* ---- A heap ---- */

/* A priority queue of items of `size` bytes: the one at `items` comes before all others. Set `size` and `before`, a
 * strict order; all else is 0 at first. */
typedef struct tf_heap {
    size_t size;
    bool (*before)(const void *a, const void *b);
    char *items;
    size_t count, capacity;
} tf_heap;

void tf_heap_add(tf_heap *heap, const void *item); /* copies the item */
void tf_heap_pop(tf_heap *heap, void *item);       /* removes the first item, which must exist, and copies it */
void tf_heap_free(tf_heap *heap);

/* ---- Numbers by name ---- */

/* A table of numbers by texts. A text is known by 96 bits of its hash alone: of 10^9 texts no two are confused. All
 * zeros is empty. */
typedef struct tf_table {
    struct tf_table_slot *slots;
    size_t count, capacity;
} tf_table;

#define TF_TABLE_NONE UINT32_MAX

/* The number of a text; TF_TABLE_NONE: it is not in the table. */
uint32_t tf_table_get(const tf_table *table, const char *text, size_t length);

/* Adds a text with the number `value`, unless the table has it. Returns the number that it has then. */
uint32_t tf_table_add(tf_table *table, const char *text, size_t length, uint32_t value);
void tf_table_free(tf_table *table);

/* ---- Folders ---- */

struct stat;

/* Gets an entry of a folder. false of one that is a folder itself: what is in it is left out. */
typedef bool tf_on_entry(void *context, const char *path, const struct stat *info);

/* Calls `visit` for a folder and all that is in it, at any depth, in byte order. A link to a file counts as the file;
 * any other is not followed, and `info` is of the link. If the path is no folder nothing is called. */
void tf_each_entry(const char *folder, tf_on_entry *visit, void *context);

/* ---- Counts of texts ---- */

enum { TF_TALLY_NUMBERS = 3 };

/* Texts of one owner that differ only in numbers; an exit status is no number here. */
typedef struct tf_tally_entry {
    int owner;
    int numbers;
    int64_t number[TF_TALLY_NUMBERS]; /* the lowest numbers that they came with */
    int64_t count;                    /* how many texts there are */
    char *text;                       /* the text that came with the lowest number; cut off if it is long */
} tf_tally_entry;

/* All zeros is empty. */
typedef struct tf_tally {
    int count;
    tf_tally_entry *entry;
    int64_t total;  /* how many texts were added */
    int64_t others; /* how many of them found too many entries, and are in none */
    tf_table keys;
} tf_tally;

/* Adds a text `count` times. `number`: the lowest few of the numbers that it comes with, in order. */
void tf_tally_add(tf_tally *tally, int owner, const char *text, size_t length, int64_t count, const int64_t *number,
                  int numbers);
void tf_tally_add_one(tf_tally *tally, int owner, const char *text, size_t length, int64_t number);

/* Sorts the entries, the most frequent first. Nothing may be added afterwards, nor to a copy. */
void tf_tally_sort(tf_tally *tally);
void tf_tally_copy(tf_tally *to, const tf_tally *from);
void tf_tally_free(tf_tally *tally);

/* ---- Types ---- */

const char *tf_type_name(tf_type type);
bool tf_type_parse(const char *name, tf_type *type);

/* The same of what people write: "int" and "float" are int64 and float64, too. */
bool tf_type_read(const char *word, tf_type *type);

/* The name of the type that is probably meant; NULL: nothing is like it. */
const char *tf_type_suggest(const char *word);
size_t tf_type_size(tf_type type); /* bytes of one element; 0 for strings and bytes */
bool tf_type_is_float(tf_type type);
bool tf_type_is_integer(tf_type type); /* not bool */

/* Stores a value as one element of a numeric type at `out`. false, and nothing is stored, if it does not fit: it is out
 * of range, or a fraction and the type is of integers. */
bool tf_store_int(tf_type type, int64_t value, void *out);
bool tf_store_uint(tf_type type, uint64_t value, void *out);
bool tf_store_double(tf_type type, double value, void *out);

/* Adds a number or a boolean as people write it: the shortest text that reads back as the same. */
void tf_buf_add_number(tf_buf *buf, tf_type type, const void *value);

/* Stores values until one does not fit. Returns how many were stored. */
int64_t tf_store_doubles(tf_type type, const double *values, int64_t count, void *out);

/* Reads elements from .. from + count - 1 of `cells`, which are numbers of the type, as doubles. */
void tf_load_doubles(tf_type type, const void *cells, int64_t from, int64_t count, double *out);

/* Fills `count` elements with what an absent value is: NaN for floats, 0 for the others. */
void tf_store_absent(tf_type type, int64_t count, void *out);

/* ---- Resources ---- */

/* What a task needs while it runs, or what there is for tasks. */
typedef struct tf_resources {
    int64_t slots;  /* of a task: 0 stands for 1 */
    int64_t memory; /* bytes */
    int64_t gpus;
} tf_resources;

static inline int64_t tf_resources_slots(const tf_resources *need) {
    return need->slots > 1 ? need->slots : 1;
}

/* How many tasks with this need can run at once. */
int64_t tf_resources_fit(const tf_resources *have, const tf_resources *need);

/* Subtracts `count` times the need; what is left is negative if that does not fit. */
void tf_resources_subtract(tf_resources *have, const tf_resources *need, int64_t count);

bool tf_resources_equal(const tf_resources *a, const tf_resources *b);

/* ---- Exact sums ---- */

__extension__ typedef unsigned __int128 tf_uint128;

/* A sum of doubles, or of their squares, in which nothing is rounded: the same for any order of its terms. All zeros is
 * an empty sum. Its size depends on the terms' exponents: 24 bytes, and 8 for each 32 bits. */
typedef struct tf_sum {
    int64_t
        *digit;  /* digits of 32 bits, the lowest first; the bits above them are carries that are still to be added */
    int32_t low; /* the place of digit[0]; place 0 is that of the square of the least double */
    int32_t digits;
    int32_t uncarried; /* terms since carries were added last */
} tf_sum;

/* Terms are finite. */
void tf_sum_add(tf_sum *sum, double x);
void tf_sum_add_square(tf_sum *sum, double x);

/* Adds the carries, and makes room for digits at places low .. low + digits - 1 at least. After that up to 2^30 sums of
 * the same places can be added digit by digit. */
void tf_sum_widen(tf_sum *sum, int32_t low, int32_t digits);
void tf_sum_free(tf_sum *sum);

/* The sum, and the sum divided by `count`, rounded to the nearest double, ties to even. */
double tf_sum_value(const tf_sum *sum);
double tf_sum_mean(const tf_sum *sum, int64_t count); /* count > 0 */

/* The variance of `count` numbers (2 or more), by their sum and that of their squares: divided by count - 1, rounded
 * once. The deviation is the square root of the variance divided by `of`, even if the variance is beyond a double. */
double tf_sum_variance(const tf_sum *sum, const tf_sum *squares, int64_t count);
double tf_sum_deviation(const tf_sum *sum, const tf_sum *squares, int64_t count, int64_t of);

/* Numbers other than NaN as integers of the same order, and back; -0 is before 0. */
uint64_t tf_order_of(double x);
double tf_order_value(uint64_t order);

/* ---- What a process starts with ---- */

/* Was this process started by a launcher (mpirun, srun)? */
bool tf_launched(void);

/* The rank that the launcher gave it, which is known before MPI_Init; 0 without a launcher. And how many processes it
 * has started; 0: there is no launcher, or it does not say. */
int tf_launch_rank(void);
int tf_launch_ranks(void);

/* Opens those of the descriptors 0, 1 and 2 that are closed, so that no file gets their numbers. To use them still
 * fails. */
void tf_open_standard(void);

/* Writes an exit status, a line, into a file that is open for whoever may not learn it from the process itself. Nothing
 * happens if `fd` is -1. */
void tf_note_exit(int fd, int status);

/* Gives all signals their default effect, and blocks none. */
void tf_signals_default(void);

/* Ignores these signals: a call that would raise one fails instead, with an error that can be reported. */
void tf_signals_ignore(const int *number, int count);

/* Has signals wait that are to end this process, so that it can tidy up first: give `before` back to sigprocmask then.
 * tf_signals_wait: is there one? */
void tf_signals_hold(sigset_t *before);
bool tf_signals_wait(void);

/* For a process that ends when the one that it serves does: puts it in a group of its own, and ignores the signals that
 * ask all processes of a job or of a terminal to end. */
void tf_signals_out_of_reach(void);

/* ---- Child processes ---- */

typedef struct tf_child {
    pid_t pid;
    int socket; /* to the other side: SOCK_SEQPACKET, not 0 to 2, closed on exec. It ends when the other side does. */
} tf_child;

/* Forks. Returns 0 in the child: there `child` has the child's end of the socket, signals have their default effect,
 * and standard descriptors are open. -1 on failure. */
pid_t tf_child_fork(tf_child *child, tf_error *error);

/* Waits for a child's end. Returns its status as waitpid does. */
int tf_child_wait(pid_t pid);

/* Waits for the child's end, for at most `patience` seconds. false: it has not come. */
bool tf_child_ends_within(const tf_child *child, double patience);

/* Closes the socket and waits for the child's end, for at most `patience` seconds. false: it has not come, and the
 * process is there still. */
bool tf_child_close(tf_child *child, double patience);

/* ---- Crash points ---- */

/* In builds for tests: ends the process as kill -9 would, if TASKFARM_CRASH in the environment is NAME, or NAME:N and
 * it is called the N-th time. In other builds it does nothing. */
#ifdef TASKFARM_CRASH_POINTS
void tf_crash_point(const char *name);
#else
#define tf_crash_point(name) ((void)0)
#endif

/* ---- Intervals ---- */

/* A half-open run of task indices. */
typedef struct tf_interval {
    int64_t first;
    int64_t end;
} tf_interval;

/* A set of integers as sorted, disjoint, non-adjacent intervals. All zeros is the empty set. */
typedef struct tf_intervals {
    tf_interval *items;
    size_t count;
    int64_t total;      /* how many integers are in the set */
    tf_interval *block; /* the memory: `items` is in it, behind items that were taken from the front */
    size_t capacity;    /* items that fit the block */
} tf_intervals;

void tf_intervals_add(tf_intervals *set, int64_t first, int64_t end);
void tf_intervals_remove(tf_intervals *set, int64_t first, int64_t end);
void tf_intervals_add_all(tf_intervals *set, const tf_intervals *other);
void tf_intervals_remove_all(tf_intervals *set, const tf_intervals *other);
bool tf_intervals_contain(const tf_intervals *set, int64_t first, int64_t end); /* all of [first, end) */

/* The end of the longest run [first, result) within [first, end) that is all in the set, or all outside. */
int64_t tf_intervals_same_until(const tf_intervals *set, int64_t first, int64_t end);
void tf_intervals_free(tf_intervals *set);

/* Removes up to `most` integers that follow each other from the front of the set, and returns them; {0, 0}: it is
 * empty.
 */
tf_interval tf_intervals_pop(tf_intervals *set, int64_t most);

/* Goes through the set in pieces of at most `most` integers: replaces `piece` by the one behind it. {0, 0} stands
 * before the first piece. false at the end. */
bool tf_intervals_next(const tf_intervals *set, int64_t most, tf_interval *piece);

/* ---- Hashes (xxHash) ---- */

uint64_t tf_hash(const void *data, size_t size, uint64_t seed);

/* A row, and a hash of what tells it from others. */
typedef struct tf_spot {
    uint64_t hash;
    int64_t index;
} tf_spot;

void tf_spots_sort(tf_spot *spots, int64_t count);

/* Finds a row by its hash in sorted spots. Each row is found once; of several with one hash the first that is left. -1:
 * there is none. */
int64_t tf_spots_claim(tf_spot *spots, int64_t count, uint64_t hash);

/* ---- Clocks ---- */

double tf_now(void);                           /* seconds, monotonic */
double tf_now_coarse(void);                    /* the same clock within some milliseconds, for a few nanoseconds */
double tf_wall(void);                          /* seconds since 1970-01-01 UTC */
struct timespec tf_time_after(double seconds); /* so many from now on, by CLOCK_MONOTONIC, as threads wait for it */
double tf_utc_parse(const char *text);         /* "2026-11-29T19:34:00Z" in seconds since 1970-01-01; 0: it is none */

/* A clock that is passed in, so that tests can set the time. */
typedef struct tf_clock {
    double (*now)(void *context); /* seconds, monotonic */
    void *context;
} tf_clock;

/* tf_now as such a clock. */
tf_clock tf_clock_system(void);

static inline double tf_clock_now(const tf_clock *clock) {
    return clock->now(clock->context);
}

/* A clock that is read very often: it counts the processor's cycles, if these can be counted, and compares itself with
 * the system's clock every millisecond. All zeros is ready for use, by one thread. */
typedef struct tf_quick_clock {
    double first, base;                 /* s: times of the first and of the latest comparison */
    double last;                        /* s: what the clock said last */
    uint64_t first_cycles, base_cycles; /* cycles at these comparisons */
    uint64_t span;                      /* cycles from the latest comparison on in which the rate is trusted */
    double rate;                        /* s per cycle; 0: not known yet */
    bool unsteady;                      /* the counter does not run evenly: it is not used */
} tf_quick_clock;

/* What tf_now says, within some microseconds. Never goes back. */
double tf_quick_now(tf_quick_clock *clock);

/* ---- Random streams (the tf_rng_ functions are in plugin.h) ---- */

/* The key of one of a stage's streams, and the start of that stream for a task. */
uint64_t tf_rng_stage_key(uint64_t seed, const char *stage, uint32_t number);
tf_rng tf_rng_start(uint64_t key, int64_t index);

/* The task's own 64-bit seed ({seed} in templates), from a stream that no plugin draws from. */
uint64_t tf_rng_task_seed(uint64_t seed, const char *stage, int64_t index);

/* The same in two steps, for many tasks: the key of that stream, and a task's seed by it. */
uint64_t tf_rng_seed_key(uint64_t seed, const char *stage);
uint64_t tf_rng_key_seed(uint64_t key, int64_t index);

/* One block of Philox4x32-10, for the known-answer test. */
void tf_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* ---- Records of blobs ---- */

/* What a task leaves that has no fixed length: captured output, messages, strings, bytes. Shared memory and side files
 * have the same records: this header, then `length` bytes, then zeros up to a multiple of 8. */
typedef struct tf_record {
    uint32_t magic;  /* TF_RECORD_MAGIC */
    int32_t stage;   /* index in the manifest */
    int64_t index;   /* task */
    int32_t kind;    /* TF_RECORD_STDOUT ... or TF_RECORD_COLUMN + column */
    int32_t attempt; /* from 1. Of two records of a task and kind the later attempt counts, then the later record */
    uint64_t length; /* bytes of payload */
    uint64_t check;  /* hash of this header with check = 0, and of the payload */
} tf_record;

enum { TF_RECORD_STDOUT, TF_RECORD_STDERR, TF_RECORD_MESSAGE, TF_RECORD_COLUMN };
#define TF_RECORD_MAGIC 0x52434654u /* "TFCR" */

/* Bytes of a record with `length` bytes of payload. */
size_t tf_record_size(size_t length);

/* Writes a whole record of tf_record_size(length) bytes to `out`. */
void tf_record_write(void *out, int32_t stage, int64_t index, int32_t kind, int32_t attempt, const void *data,
                     size_t length);

/* The record at the start of `bytes`, with its payload behind it; NULL: there is no whole and sound record. */
const tf_record *tf_record_at(const void *bytes, size_t size);

#endif
