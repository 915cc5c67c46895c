/* The children of this process, however they came to be its own. Those of a process that dies come to its nearest
 * subreaper, one generation after the other. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/children.h"

void tf_children(tf_intervals *pids) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    tf_buf list = {0};
    tf_read_file(path, &list);
    for (char *rest = list.data, *word; rest && (word = strtok_r(NULL, " ", &rest));) {
        int64_t pid;
        if (tf_parse_int(word, &pid) && pid > 1)
            tf_intervals_add(pids, pid, pid + 1);
    }
    tf_buf_free(&list);
}

int64_t tf_children_kill(bool (*spares)(const void *context, pid_t pid), const void *context) {
    tf_intervals children = {0};
    tf_interval one = {0};
    int64_t killed = 0;
    tf_children(&children);
    while (tf_intervals_next(&children, 1, &one)) {
        const pid_t pid = (pid_t)one.first;
        if (spares && spares(context, pid))
            continue;
        if (getpgid(pid) == pid)
            kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
        killed++;
    }
    tf_intervals_free(&children);
    return killed;
}
