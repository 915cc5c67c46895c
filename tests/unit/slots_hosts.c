/* Slots: hosts under a spawner, in processes of their own. */
#include "batch/batch.h"
#include "outcome.h"
#include "slots/slots.h"
#include "spawner/hosts.h"

#include <dirent.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A campaign on the disk, its bundle, and slots that run it. */
typedef struct farm {
    tf_spawner *spawner;
    tf_recorder recorder;
    fixture files;
    tf_campaign *campaign;
    tf_slots *exec;
    outcome *result;
    int slots;
} farm;

static void farm_open_with(farm *f, int slots, int hosts, const char *manifest) {
    tf_error error;
    tf_diags diags = {.file = "test.json"};
    tf_load_options options = fixture_options();
    options.workdir = "/tmp";
    *f = (farm){.slots = slots, .files = fixture_new(manifest, NULL)};
    f->spawner = tf_spawner_fork(NULL, &error);
    cr_assert_not_null(f->spawner, "%s", error.text);
    tf_recorder_start(&f->recorder, &options, &f->files.source);
    f->campaign = tf_campaign_load(&options, &f->recorder.source, &diags);
    cr_assert_not_null(f->campaign, "%s", tf_buf_text(&diags.lines));
    tf_machine machine = {.cores = slots, .memory = 1 << 30};
    f->exec = tf_slots_new(f->spawner, f->campaign, &f->recorder.bytes, -1, 3, &machine, slots, hosts, &error);
    cr_assert_not_null(f->exec, "%s", error.text);
    f->result = outcome_new(f->campaign);
}

static void farm_open(farm *f, int slots, const char *manifest) {
    farm_open_with(f, slots, slots, manifest);
}

static void farm_close(farm *f) {
    tf_slots_free(f->exec);
    tf_spawner_close(f->spawner);
    outcome_free(f->result);
    tf_campaign_free(f->campaign);
    tf_recorder_free(&f->recorder);
}

/* Gives the slot the first attempt at tasks of stage 0. */
static int64_t submit(tf_slots *slots, int slot, int64_t first, int64_t count, tf_error *error) {
    tf_intervals tasks = {0};
    tf_intervals_add(&tasks, first, first + count);
    const int64_t taken = tf_slots_submit(slots, slot, 0, 1, &tasks, error);
    tf_intervals_free(&tasks);
    return taken;
}

/* Runs all tasks of stage 0, batches of `batch`, as a worker does. */
static void farm_run(farm *f, int64_t batch) {
    tf_error error;
    int64_t tasks = tf_space_size(f->campaign->stage[0].space), next = 0;
    double limit = tf_now() + 60;
    while (f->result->ended < tasks && tf_now() < limit) {
        for (int slot = 0; slot < f->slots; slot++) {
            while (tf_slots_room(f->exec, slot) > 0 && (f->result->lefts > 0 || next < tasks)) {
                tf_interval *left =
                    f->result->lefts ? &f->result->left[f->result->lefts - 1] : &(tf_interval){next, tasks};
                int64_t count = left->end - left->first < batch ? left->end - left->first : batch;
                int64_t given = submit(f->exec, slot, left->first, count, &error);
                cr_assert(given > 0, "%s", error.text);
                left->first += given;
                if (f->result->lefts)
                    f->result->lefts -= left->first == left->end;
                else
                    next += given;
            }
        }
        int events;
        cr_assert_eq(tf_slots_poll(f->exec, 1, outcome_add_rows, f->result, &events, &error), TF_OK, "%s", error.text);
    }
    cr_assert_eq(f->result->ended, tasks);
}

/* A count of the processes whose parent is this one. */
static int children_of(pid_t parent) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    tf_buf list = {0};
    int count = 0;
    tf_read_file(path, &list);
    for (size_t i = 0; i < list.length; i++)
        count += list.data[i] == ' ';
    tf_buf_free(&list);
    return count;
}

static void run_all_tasks_of_a_function(int hosts) {
    farm f;
    farm_open_with(&f, 3, hosts,
                   "{\"seed\": 77, \"over\": {\"k\": {\"range\": [1500]}}, \"run\": {\"function\": \"" TEST_PLUGIN
                   ":draw\"}, \"results\": {\"x\": \"float64\"}}");
    farm_run(&f, 17);
    for (int64_t i = 0; i < 1500; i++) {
        tf_rng rng = tf_rng_start(tf_rng_stage_key(77, "test", 0), i);
        cr_assert_eq(f.result->number[i][0], tf_rng_double(&rng) + (double)i);
    }
    farm_close(&f);
}

Test(slots, run_all_tasks_of_a_function) {
    run_all_tasks_of_a_function(3);
}

Test(slots, have_their_hosts_started_when_they_are_needed) {
    run_all_tasks_of_a_function(1);
    run_all_tasks_of_a_function(0);
}

Test(slots, survive_functions_that_end_their_process) {
    static const struct {
        const char *function, *message;
    } cases[] = {{"crash", "killed by signal 11 (Segmentation fault)"},
                 {"exit", "the function ended its process with exit status 7"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        farm f;
        tf_buf manifest = {0};
        tf_buf_addf(
            &manifest,
            "{\"over\": {\"k\": {\"range\": [100]}}, \"record\": \"full\", \"run\": {\"function\": \"builtin:%s\", "
            "\"args\": {\"every\": 9}}}",
            cases[i].function);
        farm_open(&f, 2, manifest.data);
        farm_run(&f, 10);
        for (int64_t k = 0; k < 100; k++) {
            cr_assert_eq(f.result->status[k], k % 9 ? TF_STATUS_DONE : TF_STATUS_FAILED, "task %lld", (long long)k);
            cr_assert_str_eq(outcome_text(f.result, k, TF_RECORD_MESSAGE), k % 9 ? "" : cases[i].message);
        }
        farm_close(&f);
        tf_buf_free(&manifest);
    }
}

Test(slots, blame_a_crash_in_a_batch_function_on_one_task) {
    farm f;
    farm_open(&f, 2,
              "{\"over\": {\"k\": {\"range\": [100]}}, \"run\": {\"function\": \"" TEST_PLUGIN
              ":fragile\"}, \"results\": {\"y\": \"int64\"}}");
    farm_run(&f, 20);
    for (int64_t k = 0; k < 100; k++) {
        cr_assert_eq(f.result->status[k], k == 37 ? TF_STATUS_FAILED : TF_STATUS_DONE, "task %lld", (long long)k);
        if (k != 37)
            cr_assert_eq(f.result->number[k][0], (double)k);
    }
    farm_close(&f);
}

Test(slots, blame_a_setup_that_ends_its_process_on_each_task_in_turn) {
    farm f;
    farm_open(&f, 1,
              "{\"over\": {\"k\": {\"range\": [9]}}, \"record\": \"full\", \"run\": {\"function\": \"" TEST_PLUGIN
              ":stillborn\"}}");
    farm_run(&f, 4);
    for (int64_t k = 0; k < 9; k++) {
        cr_assert_eq(f.result->status[k], TF_STATUS_FAILED);
        cr_assert_eq(f.result->exit_code[k], 3);
        cr_assert_str_eq(outcome_text(f.result, k, TF_RECORD_MESSAGE),
                         "the function ended its process with exit status 3");
    }
    farm_close(&f);
}

Test(slots, run_hooks_once_a_host) {
    char path[] = "/tmp/taskfarm-unit-XXXXXX";
    close(mkstemp(path));
    farm f;
    tf_buf manifest = {0};
    tf_buf_addf(&manifest,
                "{\"over\": {\"k\": {\"range\": [40]}}, \"run\": {\"function\": \"" TEST_PLUGIN
                ":tally\", \"args\": {\"file\": \"%s\"}}}",
                path);
    farm_open(&f, 2, manifest.data);
    farm_run(&f, 1);
    farm_close(&f);
    tf_buf lines = {0};
    tf_read_file(path, &lines);
    int setups = 0, teardowns = 0;
    for (const char *c = lines.data; (c = strstr(c, "setup")); c++)
        setups++;
    for (const char *c = lines.data; (c = strstr(c, "teardown")); c++)
        teardowns++;
    cr_expect(setups >= 1 && setups <= 2 && setups == teardowns, "%s", lines.data);
    tf_buf_free(&lines);
    tf_buf_free(&manifest);
    unlink(path);
}

Test(slots, pass_on_what_has_ended_while_a_later_task_of_the_batch_takes_long) {
    farm f;
    tf_error error;
    int events;
    farm_open(&f, 1,
              "{\"over\": {\"seconds\": [0, 0, 0.6, 0, 1000, 0]}, \"record\": \"full\", \"run\": {\"function\": "
              "\"builtin:sleep\"}}");
    cr_assert_eq(submit(f.exec, 0, 0, 2, &error), 2);
    cr_assert_eq(submit(f.exec, 0, 2, 1, &error), 1);
    for (double limit = tf_now() + 30; f.result->ended < 3 && tf_now() < limit;)
        cr_assert_eq(tf_slots_poll(f.exec, 0.1, outcome_add_rows, f.result, &events, &error), TF_OK);
    cr_assert_eq(submit(f.exec, 0, 3, 3, &error), 3);
    for (double limit = tf_now() + 30; f.result->ended < 4 && tf_now() < limit;)
        cr_assert_eq(tf_slots_poll(f.exec, 0.1, outcome_add_rows, f.result, &events, &error), TF_OK);
    cr_expect_eq(f.result->ended, 4);
    cr_expect_eq(f.result->status[3], TF_STATUS_DONE);
    cr_expect_eq(f.result->lefts, 0, "the batch is not over");
    cr_expect_eq(tf_slots_room(f.exec, 0), 1);
    farm_close(&f);
}

/* One in ten hangs; the batch form is the same function for all tasks at once. */
Test(slots, end_functions_whose_time_has_run_out) {
    farm f;
    farm_open(&f, 2,
              "{\"over\": {\"k\": {\"range\": [40]}}, \"timeout\": 0.3, \"record\": \"full\", \"run\": {\"function\": "
              "\"builtin:hang\", \"args\": {\"every\": 10}}}");
    farm_run(&f, 7);
    for (int64_t k = 0; k < 40; k++) {
        cr_assert_eq(f.result->status[k], k % 10 ? TF_STATUS_DONE : TF_STATUS_TIMEOUT, "task %lld", (long long)k);
        cr_assert_str_eq(outcome_text(f.result, k, TF_RECORD_MESSAGE), k % 10 ? "" : "timeout after 0.3s");
        cr_assert_eq(f.result->signal[k], k % 10 ? 0 : SIGKILL);
    }
    farm_close(&f);
}

Test(slots, give_a_batch_function_the_time_of_all_its_tasks) {
    farm f;
    farm_open(&f, 1,
              "{\"over\": {\"k\": {\"range\": [12]}}, \"timeout\": 0.5, \"run\": {\"function\": \"" TEST_PLUGIN
              ":slow\"}, \"results\": {\"y\": \"int64\"}}");
    farm_run(&f, 6);
    for (int64_t k = 0; k < 12; k++)
        cr_assert_eq(f.result->status[k], k == 7 ? TF_STATUS_TIMEOUT : TF_STATUS_DONE, "task %lld", (long long)k);
    farm_close(&f);
}

Test(slots, end_with_whatever_still_runs_in_them) {
    farm f;
    tf_error error;
    int events;
    farm_open(&f, 2, "{\"over\": {\"k\": [0, 1]}, \"run\": {\"command\": \"sleep 1000 & echo $!; sleep 1000\"}}");
    cr_assert_eq(submit(f.exec, 0, 0, 1, &error), 1);
    cr_assert_eq(submit(f.exec, 1, 1, 1, &error), 1);
    cr_assert_eq(tf_slots_poll(f.exec, 0.2, outcome_add_rows, f.result, &events, &error), TF_OK);
    cr_expect_eq(events, 0);
    double started = tf_now();
    farm_close(&f);
    cr_expect(tf_now() - started < 60);
    cr_expect_eq(children_of(getpid()), 0, "something outlived the spawner");
}

/* Tasks 0 and 3 would take for ever. What is left of a batch is submitted again, but for these. */
static void leave_two_of_five(const char *manifest) {
    farm f;
    tf_error error;
    int events;
    farm_open(&f, 1, manifest);
    cr_assert_eq(tf_slots_find(f.exec, 0, 0).slot, -1);
    cr_assert_eq(submit(f.exec, 0, 0, 5, &error), 5);
    const tf_slots_found found = tf_slots_find(f.exec, 0, 3);
    cr_expect(found.slot == 0 && found.attempt == 1 && found.seconds >= 0 && found.seconds < 60);
    tf_slots_leave(f.exec, 0, 0, 0);
    tf_slots_leave(f.exec, 0, 0, 3);
    tf_intervals rest = {0};
    for (double limit = tf_now() + 60; !f.result->status[1] || !f.result->status[2] || !f.result->status[4];) {
        cr_assert(tf_now() < limit);
        cr_assert_eq(tf_slots_poll(f.exec, 0.1, outcome_add_rows, f.result, &events, &error), TF_OK);
        for (; f.result->lefts > 0; f.result->lefts--)
            tf_intervals_add(&rest, f.result->left[f.result->lefts - 1].first, f.result->left[f.result->lefts - 1].end);
        tf_intervals_remove(&rest, 0, 1);
        tf_intervals_remove(&rest, 3, 4);
        if (rest.total > 0 && tf_slots_room(f.exec, 0) == 2) {
            const tf_interval next = rest.items[0];
            const int64_t taken = submit(f.exec, 0, next.first, next.end - next.first, &error);
            cr_assert_gt(taken, 0);
            tf_intervals_remove(&rest, next.first, next.first + taken);
        }
    }
    tf_intervals_free(&rest);
    for (int k = 0; k < 5; k++)
        cr_expect_eq(f.result->status[k] == TF_STATUS_DONE, k % 3 != 0, "task %d", k);
    farm_close(&f);
    cr_expect_eq(children_of(getpid()), 0);
}

Test(slots, leave_functions_and_go_on_with_the_others_of_their_batch) {
    leave_two_of_five("{\"over\": {\"seconds\": [1000, 0, 0, 1000, 0]}, \"run\": {\"function\": \"builtin:sleep\"}}");
}

Test(slots, leave_commands_and_go_on_with_the_others_of_their_batch) {
    leave_two_of_five("{\"over\": {\"seconds\": [1000, 0, 0, 1000, 0]}, \"run\": {\"command\": \"sleep {seconds}\"}}");
}

/* It may be about to be forked. */
static pid_t first_child_of(pid_t parent) {
    char path[64];
    tf_buf list = {0};
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    for (double limit = tf_now() + 20; list.length == 0 && tf_now() < limit; usleep(1000))
        tf_read_file(path, &list);
    const pid_t pid = (pid_t)atoi(tf_buf_text(&list));
    cr_assert_gt(pid, 1);
    tf_buf_free(&list);
    return pid;
}

/* This process has no child but the guard, and that one none but the spawner. */
static pid_t spawner_pid(void) {
    return first_child_of(first_child_of(getpid()));
}

Test(slots, say_so_when_the_spawner_is_gone) {
    farm f;
    tf_error error;
    int events;
    farm_open(&f, 1, "{\"run\": {\"function\": \"builtin:hang\"}}");
    cr_assert_eq(submit(f.exec, 0, 0, 1, &error), 1);
    kill(spawner_pid(), SIGKILL);
    tf_err err = TF_OK;
    for (double limit = tf_now() + 20; err == TF_OK && tf_now() < limit;)
        err = tf_slots_poll(f.exec, 1, outcome_add_rows, f.result, &events, &error);
    cr_expect_eq(err, TF_ERR_STOPPED);
    cr_expect_str_eq(error.text, "the spawner process is gone: was it killed?");
    farm_close(&f);
}

/* A call that does not return keeps the rank's process, and its sockets. */
Test(slots, end_when_the_rank_says_that_it_ends) {
    farm f;
    tf_error error;
    farm_open(&f, 1, "{\"run\": {\"command\": \"sleep 1000\"}}");
    cr_assert_eq(submit(f.exec, 0, 0, 1, &error), 1);
    tf_spawner_part(f.spawner);
    for (double limit = tf_now() + 20; waitpid(-1, NULL, WNOHANG) == 0 && tf_now() < limit;)
        usleep(1000);
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "the guard has not ended");
    farm_close(&f);
}

Test(slots, say_so_when_the_spawner_stands_still) {
    farm f;
    tf_error error;
    int events;
    farm_open(&f, 1, "{\"run\": {\"function\": \"builtin:hang\"}}");
    cr_assert_eq(submit(f.exec, 0, 0, 1, &error), 1);
    const pid_t spawner = spawner_pid(), host = first_child_of(spawner);
    tf_spawner_expect(f.spawner, 0.3);
    kill(spawner, SIGSTOP);
    tf_err err = TF_OK;
    for (double limit = tf_now() + 20; err == TF_OK && tf_now() < limit;)
        err = tf_slots_poll(f.exec, 0.05, outcome_add_rows, f.result, &events, &error);
    cr_expect_eq(err, TF_ERR_STOPPED);
    char text[120];
    snprintf(text, sizeof text, "the process that starts them, its spawner (pid %d), has stood still for 0.",
             (int)spawner);
    cr_expect_eq(strncmp(error.text, text, strlen(text)), 0, "%s", error.text);
    cr_expect_eq(tf_slots_give_up(f.exec, outcome_add_rows, f.result, &error), TF_OK);
    for (double limit = tf_now() + 20; kill(host, 0) == 0 && tf_now() < limit;)
        usleep(1000);
    cr_expect_neq(kill(host, 0), 0, "it runs on");
    farm_close(&f);
}

/* As of a rank that is stopped: this process says nothing, and its spawner is told to be patient with it for a while.
 */
Test(slots, end_what_they_run_when_the_rank_stands_still) {
    farm f;
    tf_error error;
    int events, left = 0;
    farm_open(&f, 1, "{\"over\": {\"k\": [0, 1, 2]}, \"run\": {\"command\": \"sleep 1000 & sleep 1000\"}}");
    const pid_t spawner = spawner_pid();
    cr_assert_eq(submit(f.exec, 0, 0, 2, &error), 2);
    for (double limit = tf_now() + 20; children_of(first_child_of(spawner)) == 0 && tf_now() < limit;)
        usleep(1000);
    tf_spawner_watch(f.spawner, 0.3);
    for (double limit = tf_now() + 20; children_of(spawner) > 0 && tf_now() < limit;)
        usleep(1000);
    cr_assert_eq(children_of(spawner), 0, "something runs on");
    tf_spawner_watch(f.spawner, 0);
    for (double limit = tf_now() + 20; f.result->lefts == 0 && tf_now() < limit;)
        cr_assert_eq(tf_slots_poll(f.exec, 0.1, outcome_add_rows, f.result, &events, &error), TF_OK);
    for (int n = 0; n < f.result->lefts; n++)
        left += (int)(f.result->left[n].end - f.result->left[n].first);
    cr_expect_eq(left, 2, "both tasks are to be run again");
    cr_expect_eq(f.result->ended, 0, "none has failed");
    farm_close(&f);
}

typedef struct end_of_spawner {
    int socket; /* to it */
    pid_t pid;
} end_of_spawner;

/* Once it has been told to kill a host, which it is not able to. */
static void *end_spawner_when_asked(void *context) {
    const end_of_spawner *e = context;
    int unread = 0;
    for (double limit = tf_now() + 60; unread == 0 && tf_now() < limit; usleep(1000))
        ioctl(e->socket, SIOCOUTQ, &unread);
    kill(e->pid, SIGKILL);
    return NULL;
}

Test(slots, wait_idly_for_a_spawner_that_dies_while_the_run_gives_up) {
    farm f;
    tf_error error;
    pthread_t thread;
    int events;
    farm_open(
        &f, 1,
        "{\"over\": {\"k\": {\"range\": [3]}}, \"run\": {\"function\": \"builtin:hang\", \"args\": {\"every\": 2}}}");
    cr_assert_eq(submit(f.exec, 0, 1, 2, &error), 2);
    for (double limit = tf_now() + 30; f.result->ended == 0 && tf_now() < limit;)
        cr_assert_eq(tf_slots_poll(f.exec, 0.1, outcome_add_rows, f.result, &events, &error), TF_OK);
    end_of_spawner end = {.socket = tf_spawner_socket(f.spawner), .pid = spawner_pid()};
    kill(end.pid, SIGSTOP);
    cr_assert_eq(pthread_create(&thread, NULL, end_spawner_when_asked, &end), 0);
    clock_t before = clock();
    cr_expect_eq(tf_slots_give_up(f.exec, outcome_add_rows, f.result, &error), TF_OK);
    cr_expect_lt((double)(clock() - before) / CLOCKS_PER_SEC, 0.5, "s of the processor's time");
    pthread_join(thread, NULL);
    farm_close(&f);
}

static int open_descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        count++;
    closedir(folder);
    return count;
}

Test(slots, leave_nothing_open_where_a_buffer_can_not_be_had) {
    batch_map map;
    const int before = open_descriptors();
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 4096, .rlim_max = RLIM_INFINITY}), 0);
    cr_expect_not(batch_map_new(&map, 1 << 20));
    cr_expect_eq(open_descriptors(), before);
    batch_map_close(&map);
    cr_expect_eq(open_descriptors(), before);
}

/* Runs tasks of stage 0 until all have ended or the stage is refused. */
static void run_service(farm *f, int slots, const char *manifest) {
    tf_error error;
    int events;
    farm_open(f, slots, manifest);
    const int64_t tasks = tf_space_size(f->campaign->stage[0].space);
    f->result->left[f->result->lefts++] = (tf_interval){0, tasks};
    for (double limit = tf_now() + 60; f->result->ended < tasks && tf_now() < limit;) {
        for (int slot = 0; slot < slots && f->result->lefts && !tf_slots_refusal(f->exec, 0); slot++) {
            tf_interval *left = &f->result->left[f->result->lefts - 1];
            if (tf_slots_is_busy(f->exec, slot))
                continue;
            left->first += submit(f->exec, slot, left->first, 1, &error);
            f->result->lefts -= left->first == left->end;
        }
        if (tf_slots_refusal(f->exec, 0) && tf_slots_idle(f->exec) == slots)
            return;
        cr_assert_eq(tf_slots_poll(f->exec, 1, outcome_add_rows, f->result, &events, &error), TF_OK, "%s", error.text);
    }
}

#define SERVICE(text) "{\"over\": {\"k\": {\"range\": [9]}}, \"run\": {\"service\": [\"sh\", \"-c\", \"" text "\"]}}"

/* Answers each task; the number of its start is $n. */
#define COUNTED(path) "echo >>" path "; n=$(wc -l <" path "); "
#define ANSWER        "while read -r t; do i=${{t#*:}}; echo '{{\\\"index\\\":'${{i%%,*}}',\\\"results\\\":{{}}}}'; done"

Test(slots, refuse_a_stage_whose_service_never_reads_a_task) {
    static const struct {
        const char *manifest, *refusal;
    } cases[] = {
        {SERVICE("echo no numpy >&2; exit 3"), "the service ended before it read a task: exit status 3\nno numpy\n"},
        {SERVICE("kill -SEGV $$"), "the service was killed by signal 11 (Segmentation fault) before it read a task\n"},
        {SERVICE("exec <&-; sleep 60"), "the service has closed its standard input, and not read the task\n"},
        {"{\"timeout\": 0.2, \"capture\": {\"stderr\": 0}, \"over\": {\"k\": {\"range\": [9]}}, \"run\": {\"service\": "
         "[\"sh\", \"-c\", \"echo loading >&2; sleep 60\"]}}",
         "timeout after 0.2s, and the service has not read a task\nloading\n"},
        {"{\"over\": {\"k\": {\"range\": [9]}}, \"run\": {\"service\": [\"/nonexistent/python\"]}}",
         "can't start /nonexistent/python: No such file or directory\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        farm f;
        run_service(&f, 2, cases[i].manifest);
        const char *refusal = tf_slots_refusal(f.exec, 0);
        cr_expect(refusal && strcmp(refusal, cases[i].refusal) == 0, "refused: %s", refusal ? refusal : "no");
        cr_expect_eq(f.result->ended, 0, "no task is to blame");
        farm_close(&f);
    }
}

Test(slots, bear_with_a_service_that_starts_at_the_third_time) {
    farm f;
    unlink("/tmp/taskfarm_starts_3");
    run_service(&f, 1, SERVICE(COUNTED("/tmp/taskfarm_starts_3") "[ $n -gt 2 ] || exit 3; " ANSWER));
    cr_expect_null(tf_slots_refusal(f.exec, 0));
    cr_expect_eq(f.result->ended, 9);
    for (int k = 0; k < 9; k++)
        cr_expect_eq(f.result->status[k], TF_STATUS_DONE);
    unlink("/tmp/taskfarm_starts_3");
    farm_close(&f);
}

Test(slots, blame_tasks_that_their_service_has_read) {
    farm f;
    run_service(&f, 1, SERVICE("read -r t; exit 4"));
    cr_expect_null(tf_slots_refusal(f.exec, 0));
    cr_expect_eq(f.result->ended, 9);
    for (int k = 0; k < 9; k++)
        cr_expect_str_eq(f.result->text[k][TF_RECORD_MESSAGE], "the service ended: exit status 4");
    farm_close(&f);
}

/* One that has worked here and does not start any more fails the tasks that it was started for; then none is. */
Test(slots, refuse_a_stage_whose_service_does_not_start_any_more) {
    farm f;
    unlink("/tmp/taskfarm_starts_1");
    run_service(&f, 1, SERVICE(COUNTED("/tmp/taskfarm_starts_1") "[ $n -eq 1 ] || exit 3; read -r t; exit 4"));
    cr_expect_not_null(tf_slots_refusal(f.exec, 0));
    cr_expect(f.result->ended >= 1 && f.result->ended < 9, "%d have ended", (int)f.result->ended);
    unlink("/tmp/taskfarm_starts_1");
    farm_close(&f);
}
