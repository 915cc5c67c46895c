/* What there is of a machine, and who has it: limits that are files and variables, and the slots' cores and GPUs. */
#include <criterion/criterion.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "slots/limits.h"
#include "slots/places.h"

/* ---- Limits ---- */

/* Writes a file below `root`, with the folders that lead to it. */
static void put(const char *root, const char *path, const char *text) {
    char full[PATH_MAX];
    snprintf(full, sizeof full, "%s/%s", root, path);
    for (char *slash = full + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(full, 0777);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    cr_assert_not_null(file, "%s", full);
    fputs(text, file);
    fclose(file);
}

typedef struct tree {
    const char *file[8][2]; /* path and text */
    double cpus;
    int64_t memory;
} tree;

static const tree trees[] = {
    {{{"proc/self/cgroup", "0::/\n"}}, INFINITY, INT64_MAX},
    {{{"proc/self/cgroup", "0::/job/step\n"},
      {"sys/fs/cgroup/job/step/cpu.max", "max 100000\n"},
      {"sys/fs/cgroup/job/cpu.max", "150000 100000\n"},
      {"sys/fs/cgroup/cpu.max", "800000 100000\n"},
      {"sys/fs/cgroup/job/step/memory.max", "3000000\n"},
      {"sys/fs/cgroup/job/memory.max", "max\n"}},
     1.5,
     3000000},
    {{{"proc/self/cgroup", "4:memory:/slurm/job_7\n3:cpu,cpuacct:/slurm\n0::/\n"},
      {"sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes", "9223372036854771712\n"},
      {"sys/fs/cgroup/memory/slurm/memory.limit_in_bytes", "5000000000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_quota_us", "400000\n"},
      {"sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_period_us", "100000\n"}},
     4,
     5000000000},
    {{{"proc/self/cgroup", "3:cpu:/outside\n2:memory:/outside\n"}, /* in a container: only its own folder is seen */
      {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"},
      {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"},
      {"sys/fs/cgroup/memory/memory.limit_in_bytes", "1000\n"}},
     INFINITY,
     1000},
    {{{"proc/self/cgroup", "nonsense\n::\n7:cpu\n"}}, INFINITY, INT64_MAX},
    {{{"none", ""}}, INFINITY, INT64_MAX},
};

Test(limits, of_control_groups_are_the_least_on_the_way_up) {
    for (size_t i = 0; i < sizeof trees / sizeof *trees; i++) {
        char root[] = "/tmp/taskfarm-limits-XXXXXX";
        cr_assert_not_null(mkdtemp(root));
        for (int f = 0; f < 8 && trees[i].file[f][0]; f++)
            put(root, trees[i].file[f][0], trees[i].file[f][1]);
        cr_expect_eq(limits_of_cpus(root), trees[i].cpus, "tree %zu: %g CPUs", i, limits_of_cpus(root));
        cr_expect_eq(limits_of_memory(root), trees[i].memory, "tree %zu: %lld bytes", i,
                     (long long)limits_of_memory(root));
        char command[64];
        snprintf(command, sizeof command, "rm -r %s", root);
        cr_expect_eq(system(command), 0);
    }
}

typedef struct job {
    const char *variable[3][2];
    int64_t cpus, memory;
} job;

static const job jobs[] = {
    {{{NULL}}, 0, 0},
    {{{"SLURM_CPUS_ON_NODE", "48"}, {"SLURM_MEM_PER_NODE", "2000"}}, 48, 2000LL << 20},
    {{{"SLURM_CPUS_ON_NODE", "4"}, {"SLURM_MEM_PER_CPU", "100"}}, 4, 400LL << 20},
    {{{"SLURM_CPUS_ON_NODE", "many"}}, 0, 0},
    {{{"NCPUS", "16"}}, 0, 0}, /* outside a job it may be anybody's */
    {{{"PBS_JOBID", "7.server"}, {"NCPUS", "16"}}, 16, 0},
    {{{"LSB_MCPU_HOSTS", "node1 12 node12 20 node2 24"}}, 24, 0},
    {{{"LSB_MCPU_HOSTS", "node2.cluster.org 8"}}, 8, 0},
    {{{"LSB_MCPU_HOSTS", "node1"}}, 0, 0},
};

Test(limits, of_a_job_are_in_its_variables) {
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++) {
        for (size_t j = 0; j < sizeof jobs / sizeof *jobs; j++)
            for (int v = 0; v < 3 && jobs[j].variable[v][0]; v++)
                unsetenv(jobs[j].variable[v][0]);
        for (int v = 0; v < 3 && jobs[i].variable[v][0]; v++)
            setenv(jobs[i].variable[v][0], jobs[i].variable[v][1], 1);
        cr_expect_eq(limits_job_cpus("node2.example.org"), jobs[i].cpus, "job %zu: %lld", i,
                     (long long)limits_job_cpus("node2.example.org"));
        cr_expect_eq(limits_job_memory(), jobs[i].memory, "job %zu", i);
    }
}

Test(machine, has_cores_and_memory) {
    tf_machine m = tf_machine_find(true);
    cr_expect(m.cores >= 1 && m.memory > 0);
    for (int c = 0; m.core && c < m.cores; c++)
        cr_expect(CPU_COUNT(&m.core[c]) >= 1);
    tf_machine_free(&m);
}

Test(machine, has_the_gpus_that_a_variable_names) {
    static const char *const lists[][3] = {{"", NULL}, {"-1", NULL}, {"3", "3"}, {"2,GPU-5a,-1,7", "2", "GPU-5a"}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        setenv("CUDA_VISIBLE_DEVICES", lists[i][0], 1);
        tf_machine m = tf_machine_find(true);
        int count = 0;
        for (; count < 2 && lists[i][1 + count]; count++)
            cr_expect(m.gpus > count && strcmp(m.gpu[count], lists[i][1 + count]) == 0);
        cr_expect_eq(m.gpus, count);
        cr_expect_str_eq(m.gpu_variable, "CUDA_VISIBLE_DEVICES");
        tf_machine_free(&m);
    }
}

/* ---- Places ---- */

enum { CORES = 8, GPUS = 3 };

/* Eight cores of two processing units each. */
static places *some_places(int slots) {
    cpu_set_t core[CORES];
    char gpu[GPUS][64] = {"0", "GPU-a", "7"};
    for (int c = 0; c < CORES; c++) {
        CPU_ZERO(&core[c]);
        CPU_SET((size_t)c, &core[c]);
        CPU_SET((size_t)c + CORES, &core[c]);
    }
    tf_machine m = {.cores = CORES, .core = core, .memory = 1000, .gpus = GPUS, .gpu = gpu, .gpu_variable = "V"};
    return places_new(&m, slots);
}

static int take(places *p, tf_resources need) {
    int slot = places_find(p, &need);
    if (slot >= 0)
        places_claim(p, slot, &need);
    return slot;
}

static void expect_cores(const places *p, int slot, int from, int end) {
    cpu_set_t cores = places_cores(p, slot);
    cr_expect_eq(CPU_COUNT(&cores), 2 * (end - from));
    for (int c = from; c < end; c++)
        cr_expect(CPU_ISSET((size_t)c, &cores) && CPU_ISSET((size_t)c + CORES, &cores), "core %d", c);
}

Test(places, are_neighbours_where_there_are_enough) {
    places *p = some_places(CORES);
    cr_expect_eq(take(p, (tf_resources){.slots = 1}), 0);
    cr_expect_eq(take(p, (tf_resources){.slots = 3}), 1);
    cr_expect_eq(take(p, (tf_resources){0}), 4);
    expect_cores(p, 1, 1, 4);
    cr_expect_eq(take(p, (tf_resources){.slots = 4}), -1);
    cr_expect_eq(places_idle(p), 3);
    places_release(p, 1);
    places_release(p, 1); /* twice is once */
    cr_expect_eq(places_idle(p), 6);
    cr_expect_eq(take(p, (tf_resources){.slots = 6}), 1); /* on both sides of slot 4 */
    cpu_set_t cores = places_cores(p, 1);
    cr_expect_eq(CPU_COUNT(&cores), 12);
    cr_expect_eq(places_find(p, &(tf_resources){.slots = 1}), -1);
    places_free(p);
}

Test(places, of_fewer_slots_than_cores_have_several_each) {
    places *p = some_places(3);
    for (int slot = 0; slot < 3; slot++)
        cr_expect_eq(take(p, (tf_resources){.slots = 1}), slot);
    expect_cores(p, 0, 0, 2);
    expect_cores(p, 1, 2, 5);
    expect_cores(p, 2, 5, 8);
    places_free(p);
}

Test(places, of_more_slots_than_cores_are_not_pinned) {
    places *p = some_places(CORES + 1);
    cr_expect_eq(take(p, (tf_resources){.slots = 2}), 0);
    cpu_set_t cores = places_cores(p, 0);
    cr_expect_eq(CPU_COUNT(&cores), 0);
    places_free(p);
}

Test(places, wait_for_memory) {
    places *p = some_places(CORES);
    cr_expect_eq(take(p, (tf_resources){.memory = 600}), 0);
    cr_expect_eq(take(p, (tf_resources){.memory = 600}), -1);
    cr_expect_eq(take(p, (tf_resources){.memory = 400}), 1);
    cr_expect_eq(take(p, (tf_resources){.memory = 1}), -1);
    cr_expect_eq(take(p, (tf_resources){0}), 2);
    places_release(p, 0);
    cr_expect_eq(take(p, (tf_resources){.memory = 600}), 0);
    places_free(p);
}

static void expect_gpus(const places *p, int slot, const char *expected) {
    tf_buf list = {0};
    places_add_gpus(p, slot, &list);
    cr_expect_str_eq(tf_buf_text(&list), expected);
    tf_buf_free(&list);
}

Test(places, have_gpus_to_themselves_and_the_same_again) {
    places *p = some_places(CORES);
    cr_expect_eq(take(p, (tf_resources){.gpus = 1}), 0);
    cr_expect_eq(take(p, (tf_resources){.gpus = 2}), 1);
    cr_expect_eq(take(p, (tf_resources){.gpus = 1}), -1);
    expect_gpus(p, 0, "0");
    expect_gpus(p, 1, "GPU-a,7");
    places_release(p, 0);
    places_release(p, 1);
    cr_expect_eq(take(p, (tf_resources){.gpus = 2}), 1);
    cr_expect_eq(take(p, (tf_resources){.gpus = 1}), 0);
    expect_gpus(p, 0, "0");
    expect_gpus(p, 1, "GPU-a,7");
    places_release(p, 0);
    places_release(p, 1);
    cr_expect_eq(take(p, (tf_resources){0}), 0);
    cr_expect_eq(take(p, (tf_resources){.gpus = 1}),
                 2); /* a slot that never had any, rather than one that had others */
    expect_gpus(p, 2, "0");
    cr_expect_str_eq(places_gpu_variable(p), "V");
    places_free(p);
}
