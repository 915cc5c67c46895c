/* Crash points (see base.h). */
#ifdef TASKFARM_CRASH_POINTS
#include "base/base.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void tf_crash_point(const char *name) {
    static int64_t passed; /* a process has one crash to look forward to */
    const char *wanted = getenv("TASKFARM_CRASH");
    size_t length = strlen(name);
    int64_t number = 1;
    if (!wanted || strncmp(wanted, name, length) != 0 || (wanted[length] != '\0' && wanted[length] != ':'))
        return;
    if (wanted[length] == ':' && !tf_parse_int(wanted + length + 1, &number))
        return;
    if (++passed == number)
        kill(getpid(), SIGKILL);
}
#else
typedef int tf_no_crash_points; /* a source file must declare something */
#endif
