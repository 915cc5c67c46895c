/* The watch over what ranks do together: what it makes of what it sees, and that its thread does so. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/vigil.h"

/* ---- The judgement ---- */

typedef struct look {
    double now;
    uint64_t signs;
    bool is_full;
    vigil_verdict verdict;
} look;

static void expect_verdicts(const char *what, const look *looks, size_t count) {
    const vigil_terms terms = {.word = 60, .full = 60, .tick = 10};
    vigil_memory memory = vigil_begin(&terms, 0);
    for (size_t i = 0; i < count; i++) {
        const vigil_sight sight = {looks[i].now, looks[i].signs, looks[i].is_full};
        cr_expect_eq(vigil_judge(&memory, &terms, &sight), looks[i].verdict, "%s: at %g s", what, looks[i].now);
    }
}
#define EXPECT_VERDICTS(what, ...)                                                                                     \
    expect_verdicts(what, (const look[])__VA_ARGS__, sizeof(const look[]) __VA_ARGS__ / sizeof(look))

Test(vigil, ends_only_what_has_been_silent_on_a_full_disk) {
    EXPECT_VERDICTS("silent and full",
                    {{10, 1, true, VIGIL_WAIT}, {69, 1, true, VIGIL_WAIT}, {70, 1, true, VIGIL_END}});
    EXPECT_VERDICTS("full, but at work",
                    {{50, 1, true, VIGIL_WAIT}, {100, 2, true, VIGIL_WAIT}, {159, 2, true, VIGIL_WAIT}});
    EXPECT_VERDICTS("full for a short time only",
                    {{10, 1, true, VIGIL_WAIT}, {69, 1, false, VIGIL_WAIT}, {75, 1, true, VIGIL_TELL}});
    EXPECT_VERDICTS("silent for an hour with room",
                    {{90, 1, false, VIGIL_WAIT}, {180, 1, false, VIGIL_TELL}, {270, 1, false, VIGIL_TELL}});
}

Test(vigil, tells_less_and_less_often) {
    EXPECT_VERDICTS("silent", {{0, 1, false, VIGIL_WAIT},
                               {60, 1, false, VIGIL_TELL},
                               {119, 1, false, VIGIL_WAIT},
                               {120, 1, false, VIGIL_TELL},
                               {180, 1, false, VIGIL_WAIT},
                               {239, 1, false, VIGIL_WAIT},
                               {240, 1, false, VIGIL_TELL}});
    EXPECT_VERDICTS("and begins anew", {{0, 1, false, VIGIL_WAIT},
                                        {60, 1, false, VIGIL_TELL},
                                        {70, 2, false, VIGIL_WAIT},
                                        {129, 2, false, VIGIL_WAIT},
                                        {130, 2, false, VIGIL_TELL}});
}

Test(vigil, does_not_count_the_time_for_which_it_was_stopped_itself) {
    EXPECT_VERDICTS("stopped", {{10, 1, true, VIGIL_WAIT},
                                {3600, 1, true, VIGIL_WAIT},
                                {3659, 1, true, VIGIL_WAIT},
                                {3660, 1, true, VIGIL_END}});
}

/* ---- The thread ---- */

static bool fill_small_disk(char *folder) {
    char zeros[4096] = "", path[80];
    if (!mkdtemp(folder) || unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", folder, "tmpfs", 0, "size=64k") != 0)
        return false;
    snprintf(path, sizeof path, "%s/fill", folder);
    const int fd = open(path, O_CREAT | O_WRONLY, 0600);
    while (write(fd, zeros, sizeof zeros) > 0)
        ;
    return true;
}

/* In a process of its own; returns its exit status, and what it said. 77: there can be no small disk. */
static int watch_over_nothing(bool full, const vigil_terms *terms, char *said, size_t size) {
    enum { NO_DISK = 77, LIMIT = 20 };
    char folder[] = "/tmp/taskfarm-unit-XXXXXX";
    int ends[2], status;
    cr_assert_eq(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        if (full && !fill_small_disk(folder))
            _exit(NO_DISK);
        dup2(ends[1], STDERR_FILENO);
        vigil_start(full ? folder : "/", -1, true, terms, NULL);
        alarm(LIMIT);
        for (;;)
            pause();
    }
    close(ends[1]);
    const ssize_t got = read(ends[0], said, size - 1); /* comes when it says something, or ends */
    said[got > 0 ? got : 0] = '\0';
    if (!full)
        kill(pid, SIGKILL);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    close(ends[0]);
    rmdir(folder);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Test(vigil, its_thread_ends_the_process_on_a_full_disk) {
    char said[400];
    const int status =
        watch_over_nothing(true, &(vigil_terms){.word = 1000, .full = 0.1, .tick = 0.02}, said, sizeof said);
    if (status == 77)
        cr_skip_test("mounting a small file system needs root");
    cr_expect_eq(status, TF_ERR_RUN, "%d", status);
    cr_expect_not_null(
        strstr(said, ": the disk is full, and the file can't be finished: make room, and run the same command again\n"),
        "%s", said);
}

Test(vigil, its_thread_tells_and_lets_live) {
    char said[400];
    const int status =
        watch_over_nothing(false, &(vigil_terms){.word = 0.2, .full = 0.1, .tick = 0.02}, said, sizeof said);
    cr_expect_eq(status, 128 + SIGKILL, "%d", status);
    cr_expect_not_null(strstr(said, "taskfarm: /: nothing has been read or written for "), "%s", said);
    cr_expect_not_null(
        strstr(said, "s: the file system is slow, or a rank has been stopped; this run goes on waiting\n"), "%s", said);
}

Test(vigil, ends_at_once_when_it_is_told_to) {
    vigil_end(vigil_start("/", -1, true, &(vigil_terms){.word = 60, .full = 60, .tick = 3600}, NULL));
    vigil_end(NULL);
}
