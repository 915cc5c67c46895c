/* Functions that tell what they find in their process, and then change it for whoever comes after them, by parameter.
 */
#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <taskfarm/plugin.h>
#include <unistd.h>

TF_PLUGIN;

/* What a task finds, on one line. */
static void describe(char *text, size_t size) {
    sigset_t blocked;
    struct rlimit cores;
    volatile double one = 1, three = 3;
    const int flags = fetestexcept(FE_ALL_EXCEPT), rounding = fegetround();
    const mode_t mask = umask(022);
    const char *variable = getenv("MEDDLED");
    umask(mask);
    sigprocmask(SIG_BLOCK, NULL, &blocked);
    getrlimit(RLIMIT_CORE, &cores);
    snprintf(text, size, "%d %d %a %s %o %d %s %lld %s", flags, rounding, one / three,
             access("meddler.json", F_OK) == 0 ? "here" : "elsewhere", (unsigned)mask, sigismember(&blocked, SIGUSR1),
             setlocale(LC_ALL, NULL), (long long)cores.rlim_cur, variable ? variable : "-");
}

static void meddle_with(const char *what) {
    sigset_t set;
    if (strcmp(what, "floats") == 0)
        (void)!fesetround(FE_UPWARD);
    else if (strcmp(what, "folder") == 0)
        (void)!chdir("/");
    else if (strcmp(what, "umask") == 0)
        umask(0777);
    else if (strcmp(what, "signals") == 0 && sigemptyset(&set) == 0 && sigaddset(&set, SIGUSR1) == 0)
        sigprocmask(SIG_BLOCK, &set, NULL);
    else if (strcmp(what, "locale") == 0)
        setlocale(LC_ALL, "C.UTF-8");
    else if (strcmp(what, "limits") == 0)
        setrlimit(RLIMIT_CORE, &(struct rlimit){.rlim_cur = 4096, .rlim_max = RLIM_INFINITY});
    else if (strcmp(what, "variables") == 0)
        setenv("MEDDLED", "yes", 1);
}

TF_EXPORT int meddle(const tf_task *task, tf_row *row);
TF_EXPORT int forks(const tf_task *task, tf_row *row);
TF_EXPORT int forks_together_batch(const tf_batch *batch);
TF_EXPORT int forks_first(const tf_task *task, tf_row *row);
TF_EXPORT int forks_first_setup(tf_stage *stage, void **state);

int meddle(const tf_task *task, tf_row *row) {
    char text[1000];
    describe(text, sizeof text);
    tf_put_string(row, "found", text);
    if (tf_task_index(task) % 8 == 1)
        meddle_with(tf_get_string(task, "what"));
    return TF_SUCCESS;
}

TF_EXPORT int meddles_batch(const tf_batch *batch);

int meddles_batch(const tf_batch *batch) {
    char text[1000];
    for (int64_t row = 0; row < tf_batch_count(batch); row++) {
        describe(text, sizeof text);
        tf_batch_set_string(batch, row, 0, text);
        if ((tf_batch_first(batch) + row) % 8 == 1)
            meddle_with("folder");
    }
    return TF_SUCCESS;
}

/* The exit status of a child that comes back from where this is called: -1, in the child itself. */
static int fork_and_wait(void) {
    int status = 0;
    const pid_t child = fork();
    if (child == 0)
        return -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int forks(const tf_task *task, tf_row *row) {
    const int status = fork_and_wait();
    if (status < 0)
        return TF_FAILURE;
    tf_put_double(row, "x", (double)status + (double)tf_task_index(task));
    return TF_SUCCESS;
}

int forks_together_batch(const tf_batch *batch) {
    double *x = tf_batch_column(batch, 0);
    const int status = fork_and_wait();
    for (int64_t row = 0; row < tf_batch_count(batch); row++)
        x[row] = status + (double)(tf_batch_first(batch) + row);
    return status < 0 ? TF_FAILURE : TF_SUCCESS;
}

int forks_first_setup(tf_stage *stage, void **state) {
    static int status;
    status = fork_and_wait();
    *state = &status;
    return status < 0 ? tf_stage_fail(stage, "of the child") : TF_SUCCESS;
}

int forks_first(const tf_task *task, tf_row *row) {
    tf_put_double(row, "x", *(int *)tf_task_state(task) + (double)tf_task_index(task));
    return TF_SUCCESS;
}
