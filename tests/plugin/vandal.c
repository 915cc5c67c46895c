/* A function that writes over memory which its process shares with the rank, again and again, by parameter "how". */
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <taskfarm/plugin.h>
#include <unistd.h>

#include "batch/batch.h"

TF_PLUGIN;

TF_EXPORT int vandal(const tf_task *task, tf_row *row);

typedef struct shared {
    batch_header *head[8];
    size_t size[8];
    int count;
} shared;

/* Buffers are the memory files that are mapped from their start. */
static shared find_buffers(void) {
    shared s = {0};
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && s.count < 8 && fgets(line, sizeof line, maps)) {
        unsigned long from, to, offset;
        if (!strstr(line, "taskfarm-batch") || sscanf(line, "%lx-%lx %*s %lx", &from, &to, &offset) != 3 || offset)
            continue;
        s.head[s.count] = (batch_header *)from;
        s.size[s.count++] = to - from;
    }
    if (maps)
        fclose(maps);
    return s;
}

/* What is done to every descriptor that may be a buffer, or the socket to the rank. */
static void misuse_descriptors(const char *how) {
    for (int fd = 3; fd < 64; fd++) {
        struct stat info;
        if (fstat(fd, &info) != 0)
            continue;
        if (strcmp(how, "cut") == 0 && S_ISREG(info.st_mode))
            (void)!ftruncate(fd, 0);
        if (strcmp(how, "message") == 0 && S_ISSOCK(info.st_mode))
            (void)!send(fd, &(int32_t){77}, 4, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

static void damage(batch_header *head, size_t size, const char *how) {
    char *rows = (char *)head + sizeof *head;
    if (strcmp(how, "header") == 0)
        memset(head, 0x7f, sizeof *head);
    else if (strcmp(how, "negative") == 0)
        head->ended = -5;
    else if (strcmp(how, "far") == 0)
        head->ended = INT64_C(1) << 40;
    else if (strcmp(how, "stage") == 0)
        head->stage = 1000000;
    else if (strcmp(how, "first") == 0)
        head->first = INT64_C(1) << 60;
    else if (strcmp(how, "texts") == 0)
        head->blobs_size = UINT64_C(1) << 45;
    else if (strcmp(how, "times") == 0)
        head->started = head->seconds = NAN;
    else if (strcmp(how, "rows") == 0)
        memset(rows, 0xa5, size - sizeof *head);
    else
        misuse_descriptors(how);
}

static void *go_on(void *how) {
    const shared s = find_buffers();
    for (;;) {
        for (int i = 0; i < s.count; i++)
            damage(s.head[i], s.size[i], how);
        usleep(200);
    }
    return NULL;
}

int vandal(const tf_task *task, tf_row *row) {
    static char how[32];
    pthread_t thread;
    snprintf(how, sizeof how, "%s", tf_get_string(task, "how"));
    if (strcmp(how, "not at all") != 0 && pthread_create(&thread, NULL, go_on, how) == 0)
        usleep(20000);
    tf_put_int(row, "y", tf_task_index(task));
    tf_put_string(row, "s", how);
    return TF_SUCCESS;
}
