/* Limits that no affinity mask shows. A control group's limit holds for all below it, so each folder on the way up is
 * looked at; in a container the way may begin above what is mounted, which is why its root is looked at too. */
#include "slots/limits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

/* ---- Control groups ---- */

/* A file of a control group's folder, where it says how much of something there may be. */
typedef struct limit_file {
    const char *controller; /* of version 1; NULL: version 2 */
    const char *name;
    double (*read)(const char *folder, const char *text);
} limit_file;

static double read_amount(const char *folder, const char *text) {
    (void)folder;
    char *end;
    double amount = strtod(text, &end);
    return end == text || amount <= 0 ? INFINITY : amount; /* "max", -1 */
}

static double read_cpu_max(const char *folder, const char *text) {
    (void)folder;
    double quota, period;
    return sscanf(text, "%lf %lf", &quota, &period) == 2 && period > 0 ? quota / period : INFINITY;
}

static double read_quota(const char *folder, const char *text) {
    tf_buf path = {0}, period = {0};
    tf_buf_addf(&path, "%s/cpu.cfs_period_us", folder);
    double cpus = INFINITY;
    if (tf_read_file(path.data, &period) == 0)
        cpus = read_amount(folder, text) / read_amount(folder, tf_buf_text(&period));
    tf_buf_free(&path);
    tf_buf_free(&period);
    return cpus > 0 ? cpus : INFINITY;
}

/* The smallest of the limits in `mount` and in the folders that lead to `group` in it. */
static double smallest_on_way(const char *mount, const char *group, const limit_file *file) {
    double least = INFINITY;
    tf_buf folder = {0}, path = {0}, text = {0};
    for (size_t length = strlen(group);; length--) {
        if (length == 0 || group[length] == '/' || group[length] == '\0') {
            tf_buf_clear(&folder);
            tf_buf_clear(&path);
            tf_buf_clear(&text);
            tf_buf_addf(&folder, "%s%.*s", mount, (int)length, group);
            tf_buf_addf(&path, "%s/%s", folder.data, file->name);
            if (tf_read_file(path.data, &text) == 0)
                least = fmin(least, file->read(folder.data, tf_buf_text(&text)));
        }
        if (length == 0)
            break;
    }
    tf_buf_free(&folder);
    tf_buf_free(&path);
    tf_buf_free(&text);
    return least;
}

static bool has_controller(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += length)
        if ((at == list || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
            return true;
    return false;
}

/* Of one line of /proc/self/cgroup, NUMBER:CONTROLLERS:PATH. */
static double limit_of_line(const char *root, char *line, const limit_file *file) {
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return INFINITY;
    *controllers++ = *group++ = '\0';
    if (file->controller ? !has_controller(controllers, file->controller) : *controllers != '\0')
        return INFINITY;
    tf_buf mount = {0};
    tf_buf_addf(&mount, "%s/sys/fs/cgroup%s%s", root, *controllers ? "/" : "", controllers);
    double least = smallest_on_way(mount.data, group, file);
    tf_buf_clear(&mount);
    tf_buf_addf(&mount, "%s/sys/fs/cgroup/%s", root, file->controller ? file->controller : "unified");
    least = fmin(least, smallest_on_way(mount.data, group, file));
    tf_buf_free(&mount);
    return least;
}

static double smallest_of_files(const char *root, const limit_file *file, int count) {
    double least = INFINITY;
    tf_buf path = {0}, groups = {0};
    tf_buf_addf(&path, "%s/proc/self/cgroup", root);
    for (int i = 0; i < count; i++) {
        tf_buf_clear(&groups);
        if (tf_read_file(path.data, &groups) != 0 || groups.length == 0)
            break;
        char *rest = groups.data, *line;
        while ((line = strsep(&rest, "\n")))
            least = fmin(least, limit_of_line(root, line, &file[i]));
    }
    tf_buf_free(&path);
    tf_buf_free(&groups);
    return least;
}

double limits_of_cpus(const char *root) {
    static const limit_file files[] = {{NULL, "cpu.max", read_cpu_max}, {"cpu", "cpu.cfs_quota_us", read_quota}};
    return smallest_of_files(root, files, 2);
}

int64_t limits_of_memory(const char *root) {
    static const limit_file files[] = {{NULL, "memory.max", read_amount},
                                       {"memory", "memory.limit_in_bytes", read_amount}};
    double bytes = smallest_of_files(root, files, 2);
    return bytes < 0x1p62 ? (int64_t)bytes : INT64_MAX; /* version 1 says a huge number for none */
}

/* ---- Batch systems ---- */

static int64_t number_in(const char *variable) {
    const char *text = getenv(variable);
    int64_t number;
    return text && tf_parse_int(text, &number) && number > 0 ? number : 0;
}

/* Of LSF's "HOST SLOTS HOST SLOTS ...". */
static int64_t lsf_slots(const char *list, const char *host) {
    size_t length = strcspn(host, ".");
    char name[256];
    long long slots;
    int used;
    for (; list && sscanf(list, "%255s %lld%n", name, &slots, &used) == 2; list += used)
        if (strcspn(name, ".") == length && strncmp(name, host, length) == 0)
            return slots > 0 ? slots : 0;
    return 0;
}

int64_t limits_job_cpus(const char *host) {
    int64_t cpus = number_in("SLURM_CPUS_ON_NODE");
    if (cpus == 0 && getenv("PBS_JOBID"))
        cpus = number_in("NCPUS");
    return cpus ? cpus : lsf_slots(getenv("LSB_MCPU_HOSTS"), host);
}

int64_t limits_job_memory(void) {
    const int64_t mega = 1 << 20; /* Slurm's unit */
    int64_t node = number_in("SLURM_MEM_PER_NODE");
    return mega * (node ? node : number_in("SLURM_MEM_PER_CPU") * number_in("SLURM_CPUS_ON_NODE"));
}
