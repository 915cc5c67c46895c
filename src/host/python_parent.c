/* The process of a warm parent, until its interpreter takes over (see python_parent.h). */
#include "host/python_parent.h"
#include "host/python_stage.h"
#include "host/python_words.h"
#include "host/run.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { NO_PROGRAM = 127 };

/* Which slot it is for is not known yet: a module that asks for it as it is imported is not to get a wrong answer. */
static void drop_slot(char **environment) {
    char **kept = environment;
    for (char **entry = environment; *entry; entry++)
        if (strncmp(*entry, "TASKFARM_SLOT=", 14) != 0)
            *kept++ = *entry;
    *kept = NULL;
}

/* What modules say as they are imported is of no task: it is shown if they can't be, by a process that is started
 * cold. */
static void set_descriptors(int socket) {
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int standard = 0; standard <= 2; standard++)
        dup2(null, standard);
    if (socket == PROCESS_CHANNEL)
        fcntl(socket, F_SETFD, 0);
    else
        dup2(socket, PROCESS_CHANNEL);
}

_Noreturn void python_parent_run(const host_setting *setting, const tf_stage_spec *stage, int socket) {
    host h = {.setting = setting, .campaign = setting->campaign, .spec = stage};
    process p = PROCESS_NONE;
    tf_buf program = {0};
    tf_signals_default();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    python_words_set(&h, &p, "warm");
    drop_slot(p.envp);
    set_descriptors(socket);
    if (process_find_program(&p, &program) == 0 && (p.cwd.length == 0 || chdir(p.cwd.data) == 0))
        execve(tf_buf_text(&program), p.argv, p.envp);
    _exit(NO_PROGRAM);
}

bool python_parent_is_common(const tf_stage_spec *a, const tf_stage_spec *b) {
    return tf_host_has_same_python(a, b) && python_stage_has_same_folders(a, b) &&
           tf_resources_slots(&a->need) == tf_resources_slots(&b->need);
}
