/* What this process may use of its machine: hwloc knows the cores, this process's affinity mask and the GPUs; control
 * groups and the batch system may allow less. Where they allow less without saying which cores, no core is anybody's
 * own, and nothing can be pinned. */
#include <hwloc.h>
#include <hwloc/glibc-sched.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "slots/limits.h"
#include "slots/machine.h"

/* ---- GPUs ---- */

/* A maker of GPUs, and the environment variable that tells a process which of them it may use. */
typedef struct gpu_maker {
    const char *variable;
    int vendor;   /* its number in PCI */
    bool screens; /* those that drive a screen count, too */
} gpu_maker;

static const gpu_maker makers[] = {
    {"CUDA_VISIBLE_DEVICES", 0x10de, true},
    {"ROCR_VISIBLE_DEVICES", 0x1002, false},
    {"ZE_AFFINITY_MASK", 0x8086, false},
};

static void add_gpu(tf_machine *m, const char *name, size_t length) {
    m->gpu = tf_realloc_array(m->gpu, (size_t)m->gpus + 1, sizeof *m->gpu);
    memset(m->gpu[m->gpus], 0, sizeof *m->gpu); /* ranks compare the bytes */
    snprintf(m->gpu[m->gpus++], sizeof *m->gpu, "%.*s", (int)length, name);
}

/* GPUs that the launcher names, as Slurm does for those of a job. */
static bool find_given_gpus(tf_machine *m, const gpu_maker *maker) {
    const char *list = getenv(maker->variable);
    if (!list)
        return false;
    m->gpu_variable = maker->variable;
    for (size_t length; *list; list += length + (list[length] == ',')) {
        length = strcspn(list, ",");
        if (length == 0 || *list == '-') /* -1: what is behind it does not count */
            break;
        add_gpu(m, list, length);
    }
    return true;
}

static bool is_gpu_of(const struct hwloc_pcidev_attr_s *device, const gpu_maker *maker) {
    enum { VGA = 0x0300, THREE_D = 0x0302, DISPLAY = 0x0380 };
    return device->vendor_id == maker->vendor &&
           (device->class_id == THREE_D || device->class_id == DISPLAY || (maker->screens && device->class_id == VGA));
}

static void find_gpus(tf_machine *m, hwloc_topology_t topology) {
    const int count = sizeof makers / sizeof *makers;
    for (int i = 0; i < count; i++)
        if (find_given_gpus(m, &makers[i]))
            return;
    for (int i = 0; i < count && m->gpus == 0; i++) {
        m->gpu_variable = makers[i].variable;
        for (hwloc_obj_t device = NULL; (device = hwloc_get_next_pcidev(topology, device));) {
            char number[16];
            snprintf(number, sizeof number, "%d", m->gpus);
            if (is_gpu_of(&device->attr->pcidev, &makers[i]))
                add_gpu(m, number, strlen(number));
        }
    }
}

/* ---- Cores ---- */

/* Adds the cores, or units, of which this process may use a part. Returns how many processing units that is. */
static int find_cores(tf_machine *m, hwloc_topology_t topology, hwloc_obj_type_t type, hwloc_const_bitmap_t mine) {
    hwloc_bitmap_t part = hwloc_bitmap_alloc();
    int units = 0;
    for (hwloc_obj_t core = NULL; (core = hwloc_get_next_obj_by_type(topology, type, core));) {
        hwloc_bitmap_and(part, core->cpuset, mine);
        if (hwloc_bitmap_iszero(part))
            continue;
        m->core = tf_realloc_array(m->core, (size_t)m->cores + 1, sizeof *m->core);
        hwloc_cpuset_to_glibc_sched_affinity(topology, part, &m->core[m->cores++], sizeof *m->core);
        units += hwloc_bitmap_weight(part);
    }
    hwloc_bitmap_free(part);
    return units;
}

/* Fewer cores may be used, and it is not known which. */
static void keep_count_alone(tf_machine *m, int cores) {
    if (cores >= m->cores)
        return;
    free(m->core);
    m->core = NULL;
    m->cores = cores > 1 ? cores : 1;
}

static void limit_cores(tf_machine *m, int units) {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    double quota = limits_of_cpus("");
    int64_t given = limits_job_cpus(host);
    if (quota < units)
        keep_count_alone(m, (int)ceil(quota * m->cores / units));
    if (given > 0 && given < units)
        keep_count_alone(m, (int)((given * m->cores + units - 1) / units));
}

/* ---- The whole ---- */

static void read_topology(tf_machine *m, hwloc_topology_t topology, bool gpus) {
    hwloc_bitmap_t mine = hwloc_bitmap_alloc();
    if (hwloc_get_cpubind(topology, mine, HWLOC_CPUBIND_PROCESS) != 0)
        hwloc_bitmap_copy(mine, hwloc_topology_get_allowed_cpuset(topology));
    int units = find_cores(m, topology, HWLOC_OBJ_CORE, mine);
    if (m->cores == 0) /* some virtual machines know none */
        units = find_cores(m, topology, HWLOC_OBJ_PU, mine);
    limit_cores(m, units);
    if (gpus)
        find_gpus(m, topology);
    hwloc_bitmap_free(mine);
}

/* hwloc looks at the same cores in several ways. Linux tells all of them that is asked for here; another way is to go
 * to each core and ask it, which takes a while if something else is at work there. */
static void leave_cores_alone(hwloc_topology_t topology) {
#if HWLOC_API_VERSION >= 0x20100 /* else there is no such function */
    if (access("/sys/devices/system/cpu/cpu0/topology", F_OK) == 0)
        hwloc_topology_set_components(topology, HWLOC_TOPOLOGY_COMPONENTS_FLAG_BLACKLIST, "x86");
#else
    (void)topology;
#endif
}

/* What looks for devices is in hwloc's plugins, which load what drives these, screens included: that takes longer than
 * a short run. */
static void init_topology(hwloc_topology_t *topology, bool devices) {
    static const char plugins[] = "HWLOC_PLUGINS_PATH";
    const bool without = !devices && !getenv(plugins);
    if (without)
        setenv(plugins, "", true);
    hwloc_topology_init(topology);
    if (without)
        unsetenv(plugins);
}

tf_machine tf_machine_find(bool gpus) {
    tf_machine m = {0};
    hwloc_topology_t topology;
    init_topology(&topology, gpus);
    leave_cores_alone(topology);
    hwloc_topology_set_all_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_NONE);
    hwloc_topology_set_type_filter(topology, HWLOC_OBJ_CORE, HWLOC_TYPE_FILTER_KEEP_ALL);
    if (gpus)
        hwloc_topology_set_type_filter(topology, HWLOC_OBJ_PCI_DEVICE, HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
    if (hwloc_topology_load(topology) == 0)
        read_topology(&m, topology, gpus);
    hwloc_topology_destroy(topology);
    if (m.cores == 0)
        m.cores = 1;
    m.memory = sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
    int64_t limits[] = {limits_of_memory(""), limits_job_memory()};
    for (int i = 0; i < 2; i++)
        if (limits[i] > 0 && limits[i] < m.memory)
            m.memory = limits[i];
    return m;
}

void tf_machine_free(tf_machine *m) {
    free(m->core);
    free(m->gpu);
    *m = (tf_machine){0};
}

/* Elements from .. end - 1 of an array. */
static void *part_of(const void *array, size_t size, int from, int end) {
    void *part = tf_alloc_array((size_t)(end - from), size);
    memcpy(part, (const char *)array + (size_t)from * size, (size_t)(end - from) * size);
    return part;
}

tf_machine tf_machine_part(const tf_machine *m, int cores_from, int cores_end, int gpus_from, int gpus_end) {
    tf_machine part = {.cores = cores_end - cores_from, .gpus = gpus_end - gpus_from, .memory = m->memory};
    part.gpu_variable = m->gpu_variable;
    if (m->core)
        part.core = part_of(m->core, sizeof *m->core, cores_from, cores_end);
    if (m->gpu)
        part.gpu = part_of(m->gpu, sizeof *m->gpu, gpus_from, gpus_end);
    return part;
}
