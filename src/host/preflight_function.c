/* Before anything runs: does the function exist? Its library is loaded in a child, as its constructors may do anything.
 */
#include "host/plugin.h"
#include "host/preflight.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

void preflight_function(const tf_stage_spec *stage, const tf_function *program, tf_diags *diags) {
    int channel[2];
    if (pipe(channel) != 0)
        return; /* the run will say so */
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        plugin_functions functions;
        tf_error error = {0};
        close(channel[0]);
        if (plugin_open(&stage->run, program, -1, &functions, &error) != TF_OK &&
            write(channel[1], error.text, strlen(error.text)) < 0)
            _exit(1);
        _exit(0);
    }
    close(channel[1]);
    char text[1000] = "";
    size_t length = 0;
    ssize_t got;
    while (pid > 0 && length < sizeof text - 1 &&
           (got = read(channel[0], text + length, sizeof text - 1 - length)) != 0) {
        if (got < 0 && errno != EINTR)
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    text[length] = '\0';
    close(channel[0]);
    int status = pid > 0 ? tf_child_wait(pid) : 0;
    if (length)
        preflight_diagnose(diags, stage, "function", TF_DIAG_BAD_LIBRARY, text);
    else if (WIFSIGNALED(status)) {
        char reason[64], message[200];
        snprintf(message, sizeof message, "loading %s: killed by %s", stage->run.library,
                 tf_format_signal(WTERMSIG(status), reason));
        preflight_diagnose(diags, stage, "function", TF_DIAG_BAD_LIBRARY, message);
    }
}
