/* What a launcher (mpirun, srun) tells a process in its environment, known before MPI_Init. */
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

/* Slurm has numbers for what is no step of srun's: the batch script itself, and the shell that salloc starts on a node.
 */
#define BATCH_STEP       "4294967291"
#define INTERACTIVE_STEP "4294967290"

/* Slurm sets a rank in each batch script, too, and for a single task of srun's whatever it is: that is no reason for
 * MPI. */
static bool is_slurm_step(void) {
    const char *step = getenv("SLURM_STEP_ID"), *tasks = getenv("SLURM_STEP_NUM_TASKS");
    int64_t count;
    return step && strcmp(step, BATCH_STEP) != 0 && strcmp(step, INTERACTIVE_STEP) != 0 && tasks &&
           tf_parse_int(tasks, &count) && count > 1;
}

typedef struct launcher {
    const char *sign;         /* the variable by which it is known */
    bool (*is_one)(void);     /* is that not enough? NULL: it is */
    const char *rank, *ranks; /* variables; NULL: it does not say */
} launcher;

static const launcher launchers[] = {
    {.sign = "OMPI_COMM_WORLD_SIZE", .rank = "OMPI_COMM_WORLD_RANK", .ranks = "OMPI_COMM_WORLD_SIZE"},
    {.sign = "PMI_RANK", .rank = "PMI_RANK", .ranks = "PMI_SIZE"},
    {.sign = "PMI_FD", .rank = "PMI_RANK", .ranks = "PMI_SIZE"},
    {.sign = "PMIX_RANK", .rank = "PMIX_RANK", .ranks = "SLURM_STEP_NUM_TASKS"}, /* it is srun's, as a rule */
    {.sign = "SLURM_PROCID", .is_one = is_slurm_step, .rank = "SLURM_PROCID", .ranks = "SLURM_STEP_NUM_TASKS"},
};

static const launcher *find_launcher(void) {
    for (size_t i = 0; i < sizeof launchers / sizeof *launchers; i++)
        if (getenv(launchers[i].sign) && (!launchers[i].is_one || launchers[i].is_one()))
            return &launchers[i];
    return NULL;
}

static int read_number(const char *name) {
    int64_t number;
    const char *text = name ? getenv(name) : NULL;
    return text && tf_parse_int(text, &number) && number >= 0 && number <= INT32_MAX ? (int)number : 0;
}

bool tf_launched(void) {
    return find_launcher() != NULL;
}

int tf_launch_rank(void) {
    const launcher *by = find_launcher();
    return by ? read_number(by->rank) : 0;
}

int tf_launch_ranks(void) {
    const launcher *by = find_launcher();
    return by ? read_number(by->ranks) : 0;
}
