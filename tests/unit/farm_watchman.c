/* The watchman ends a process whose own thread does not: this one stands still. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "farm/blocked.h"
#include "farm/watchman.h"

enum { PATIENT = 8 /* s: more than what is late may take, less than what is patient would */ };

/* Runs it in a process of its own, whose main thread does nothing more. Its exit status, what it said, and what it
 * wrote for who does not learn its status; 128 and the signal: it did not end within PATIENT. */
static int stand_still(double end, void (*begin)(watchman *w), char *said, size_t size, char *noted) {
    int ends[2], exits[2], status;
    size_t got = 0;
    cr_assert(pipe(ends) == 0 && pipe(exits) == 0);
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        watchman *w = watchman_begin(end > 0 ? tf_now() + end : 0, 0, NULL, &exits[1], NULL);
        alarm(PATIENT);
        if (begin)
            begin(w);
        for (;;)
            pause();
    }
    close(ends[1]);
    close(exits[1]);
    for (ssize_t more; (more = read(ends[0], said + got, size - 1 - got)) > 0;)
        got += (size_t)more;
    said[got] = '\0';
    const ssize_t exited = read(exits[0], noted, 9);
    noted[exited > 0 ? exited : 0] = '\0';
    close(ends[0]);
    close(exits[0]);
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Who has set the time ends what is late, and more roughly. */
Test(watchman, ends_a_run_soon_after_its_time, .timeout = 60) {
    char said[400], noted[10];
    cr_expect_eq(stand_still(0.1, NULL, said, sizeof said, noted), TF_ERR_STOPPED);
    cr_expect_str_eq(said, "taskfarm: ended without waiting any longer; what is in the output is safe, and the same "
                           "command line goes on\n");
    cr_expect_str_eq(noted, "75\n");
}

/* A file may take a while to be closed. */
Test(watchman, leaves_time_to_an_end_that_has_begun, .timeout = 60) {
    char said[400], noted[10];
    cr_expect_eq(stand_still(0.1, watchman_let_end, said, sizeof said, noted), 128 + SIGALRM);
}

static void leave_soon(watchman *w) {
    watchman_leave_within(w, 0.1);
}

static void leave_now(watchman *w) {
    watchman_leave(w);
}

Test(watchman, ends_what_has_said_that_it_leaves, .timeout = 60) {
    char said[400], noted[10];
    cr_expect_eq(stand_still(0, leave_soon, said, sizeof said, noted), TF_ERR_STOPPED);
    cr_expect_neq(*said, '\0');
    cr_expect_str_eq(noted, "75\n");
    cr_expect_eq(stand_still(0, leave_now, said, sizeof said, noted), TF_ERR_STOPPED);
    cr_expect_str_eq(said, "");
    cr_expect_str_eq(noted, "75\n");
}

static void get_stuck(watchman *w) {
    watchman_expect(w, "a call", 0.1);
    watchman_know(w, ", though");
    watchman_know(w, ", though it tries");
}

Test(watchman, says_what_a_rank_is_stuck_in, .timeout = 60) {
    char said[400], noted[10];
    cr_expect_eq(stand_still(0, get_stuck, said, sizeof said, noted), TF_ERR_STOPPED);
    cr_expect_not_null(strstr(said, ": a call takes longer than 0.1 s without a sign of life, though it tries, and is "
                                    "not waited for any longer (--patience makes that longer); what is in the output "
                                    "is safe, and the same command line goes on\n"),
                       "%s", said);
}

static void get_stuck_in_a_file(watchman *w) {
    char byte;
    int ends[2];
    get_stuck(w);
    cr_assert_eq(pipe(ends), 0);
    cr_assert_lt(read(ends[0], &byte, 1), 0);
}

Test(watchman, says_on_which_file_it_is_stuck, .timeout = 60) {
    char said[400], noted[10];
    cr_expect_eq(stand_still(0, get_stuck_in_a_file, said, sizeof said, noted), TF_ERR_STOPPED);
    cr_expect_not_null(strstr(said, ": a call takes longer than 0.1 s without a sign of life (it is in read of pipe:["),
                       "%s", said);
    cr_expect_not_null(strstr(said, "]), though it tries, and is not waited for any longer"), "%s", said);
}

/* ---- Calls ---- */

typedef struct thread_in_call {
    atomic_int thread;
    const char *fifo;
} thread_in_call;

static void *open_for_ever(void *context) {
    thread_in_call *t = context;
    t->thread = gettid();
    close(open(t->fifo, O_WRONLY)); /* waits for somebody who reads */
    return NULL;
}

Test(blocked, tells_the_path_of_what_is_opened, .timeout = 60) {
    char folder[] = "/tmp/taskfarm-unit-XXXXXX", text[BLOCKED_TEXT] = "", wanted[100], fifo[60];
    pthread_t thread;
    cr_assert_not_null(mkdtemp(folder));
    snprintf(fifo, sizeof fifo, "%s/fifo", folder);
    snprintf(wanted, sizeof wanted, "open of %s", fifo);
    thread_in_call t = {.fifo = fifo};
    cr_assert_eq(mkfifo(fifo, 0600), 0);
    cr_assert_eq(pthread_create(&thread, NULL, open_for_ever, &t), 0);
    for (int n = 0; n < 1000 && strcmp(text, wanted) != 0; n++) {
        poll(NULL, 0, 10);
        blocked_find(t.thread, text);
    }
    cr_expect_str_eq(text, wanted);
    close(open(fifo, O_RDONLY));
    pthread_join(thread, NULL);
    blocked_find(t.thread, text);
    cr_expect_str_eq(text, "", "it is gone");
    tf_remove_tree(folder);
}
