/* What the machine can do with nothing in between, as the measure of what a farm costs. Prints seconds.
 *
 *     bare loop LIBRARY FUNCTION TASKS PROCESSES FILE BYTES...   processes with a fixed share of the tasks each call
 * the library's function and write BYTES of each column a row bare spawn TASKS IN_FLIGHT COMMAND posix_spawn, so many
 * at a time
 *
 * The first column is what the function sets; the others are written as they are. Rows are written BLOCK at a time. */
#include <dlfcn.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <taskfarm/plugin.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 16384, MOST_COLUMNS = 16 };

extern char **environ;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static _Noreturn void give_up(const char *what) {
    perror(what);
    exit(1);
}

/* ---- The plugin interface, as thin as it can be ---- */

struct tf_task {
    int64_t index;
    void *state;
};

struct tf_row {
    char *cell;
};

tf_column tf_bind_column(tf_stage *stage, const char *name, tf_type type) {
    (void)stage, (void)name, (void)type;
    return 0;
}

int64_t tf_task_index(const tf_task *task) {
    return task->index;
}

void *tf_task_state(const tf_task *task) {
    return task->state;
}

void tf_set_double(tf_row *row, tf_column column, double value) {
    (void)column;
    memcpy(row->cell, &value, sizeof value);
}

void *tf_column_data(tf_row *row, tf_column column) {
    (void)column;
    return row->cell;
}

/* ---- Functions ---- */

typedef struct job {
    tf_task_fn *function;
    void *state;
    int64_t tasks;
    int file;
    int columns;
    size_t bytes[MOST_COLUMNS]; /* a row */
} job;

static void write_all(int file, const char *from, size_t size, off_t at) {
    while (size > 0) {
        ssize_t put = pwrite(file, from, size, at);
        if (put <= 0)
            give_up("pwrite");
        from += put;
        size -= (size_t)put;
        at += put;
    }
}

static void run_share(const job *j, int64_t first, int64_t end) {
    char *block[MOST_COLUMNS];
    for (int c = 0; c < j->columns; c++) {
        block[c] = malloc(BLOCK * j->bytes[c]);
        if (!block[c])
            give_up("malloc");
        memset(block[c], 1, BLOCK * j->bytes[c]);
    }
    for (int64_t at = first; at < end; at += BLOCK) {
        int64_t count = end - at < BLOCK ? end - at : BLOCK;
        for (int64_t i = 0; i < count; i++) {
            tf_task task = {.index = at + i, .state = j->state};
            tf_row row = {.cell = block[0] + (size_t)i * j->bytes[0]};
            if (j->function(&task, &row) != TF_SUCCESS)
                exit(1);
        }
        off_t column = 0;
        for (int c = 0; c < j->columns; c++) {
            off_t width = (off_t)j->bytes[c];
            write_all(j->file, block[c], (size_t)count * j->bytes[c], column + at * width);
            column += j->tasks * width;
        }
    }
}

static void run_loop(char **arg, int args) {
    job j = {.tasks = atoll(arg[2]), .columns = args - 5};
    int processes = atoi(arg[3]);
    if (j.columns > MOST_COLUMNS || processes < 1)
        exit(2);
    for (int c = 0; c < j.columns; c++)
        j.bytes[c] = (size_t)atoll(arg[5 + c]);
    void *library = dlopen(arg[0], RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    char name[200];
    snprintf(name, sizeof name, "%s_setup", arg[1]);
    void *setup = dlsym(library, name), *function = dlsym(library, arg[1]);
    if (!function)
        exit(1);
    memcpy(&j.function, &function, sizeof function);
    if (setup) {
        tf_setup_fn *call;
        memcpy(&call, &setup, sizeof setup);
        call(NULL, &j.state);
    }
    j.file = open(arg[4], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (j.file < 0)
        give_up(arg[4]);
    double started = now();
    for (int p = 0; p < processes; p++) {
        pid_t child = fork();
        if (child < 0)
            give_up("fork");
        if (child == 0) {
            run_share(&j, j.tasks * p / processes, j.tasks * (p + 1) / processes);
            _exit(0);
        }
    }
    for (int p = 0, status; p < processes; p++)
        if (wait(&status) < 0 || status != 0)
            exit(1);
    printf("%.6f\n", now() - started);
}

/* ---- Commands ---- */

static void run_spawn(char **arg) {
    int64_t tasks = atoll(arg[0]), begun = 0, ended = 0;
    int64_t in_flight = atoll(arg[1]);
    char *argv[] = {arg[2], NULL};
    double started = now();
    while (ended < tasks) {
        for (; begun < tasks && begun - ended < in_flight; begun++) {
            pid_t child;
            if (posix_spawn(&child, arg[2], NULL, NULL, argv, environ) != 0)
                give_up(arg[2]);
        }
        int status;
        if (wait(&status) < 0 || status != 0)
            exit(1);
        ended++;
    }
    printf("%.6f\n", now() - started);
}

int main(int argc, char **argv) {
    if (argc >= 8 && strcmp(argv[1], "loop") == 0)
        run_loop(argv + 2, argc - 2);
    else if (argc == 5 && strcmp(argv[1], "spawn") == 0)
        run_spawn(argv + 2);
    else
        return 2;
    return 0;
}
