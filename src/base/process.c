/* What a process inherits from the one that started it, and must be set right: signals that are ignored or blocked, and
 * standard descriptors that are closed, whose numbers the next file would get. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/base.h"

void tf_open_standard(void) {
    for (int fd = 0; fd <= 2; fd++) /* the wrong way round: who uses it is told of the error, as if it were closed */
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            return;
}

void tf_note_exit(int fd, int status) {
    char text[16];
    const int length = snprintf(text, sizeof text, "%d\n", status);
    while (fd >= 0 && write(fd, text, (size_t)length) < 0 && errno == EINTR)
        ;
}

/* Is it a signal of a crash? A handler that is set for it (by a sanitizer, a debugger) stays: it ends the process, too,
 * and says why. */
static bool is_crash(int number) {
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGABRT;
}

void tf_signals_default(void) {
    sigset_t none;
    for (int number = 1; number < NSIG; number++) {
        struct sigaction now;
        if (sigaction(number, NULL, &now) != 0 || now.sa_handler == SIG_DFL)
            continue;
        if (now.sa_handler == SIG_IGN || !is_crash(number))
            sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

void tf_signals_hold(sigset_t *before) {
    sigset_t held;
    sigemptyset(&held);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        sigaddset(&held, ending[i]);
    sigprocmask(SIG_BLOCK, &held, before);
}

bool tf_signals_wait(void) {
    sigset_t waiting;
    bool any = false;
    sigpending(&waiting);
    for (size_t i = 0; i < sizeof ending / sizeof *ending; i++)
        any = any || sigismember(&waiting, ending[i]) == 1;
    return any;
}

void tf_signals_ignore(const int *number, int count) {
    for (int i = 0; i < count; i++)
        sigaction(number[i], &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

void tf_signals_out_of_reach(void) {
    static const int asking[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ};
    setpgid(0, 0);
    tf_signals_ignore(asking, sizeof asking / sizeof *asking);
}
