/* taskfarm status: how far a campaign is, from its output; once, or again and again in place. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

/* What was shown before goes; lines are cut to the terminal's width, so that each is one there. Returns how many. */
static int redraw(const char *text, int lines_before) {
    struct winsize window = {0};
    int lines = 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0)
        window.ws_col = 80;
    if (lines_before)
        printf("\033[%dA\033[J", lines_before);
    for (; *text; lines++) {
        const int length = (int)strcspn(text, "\n");
        printf("%.*s\n", length < window.ws_col ? length : window.ws_col - 1, text);
        text += length + (text[length] == '\n');
    }
    fflush(stdout);
    return lines;
}

/* Once, into memory: what is shown is whole. */
static tf_err tell(const options *o, bool in_place, int *lines, bool *running, tf_error *error) {
    char *text = NULL;
    size_t size = 0;
    const tf_status_style style = !o->json ? TF_STATUS_TEXT : o->watch ? TF_STATUS_JSON_LINE : TF_STATUS_JSON;
    FILE *out = open_memstream(&text, &size);
    tf_err err = tf_report_status(out, o->manifest, style, running, error);
    fclose(out);
    if (err == TF_OK && in_place)
        *lines = redraw(text, *lines);
    else if (err == TF_OK)
        fputs(text, stdout);
    fflush(stdout);
    free(text);
    return err;
}

int cli_status(const options *o) {
    const bool in_place = o->watch && !o->json && isatty(STDOUT_FILENO);
    tf_error error;
    bool running = false;
    int lines = 0;
    tf_err err = tell(o, in_place, &lines, &running, &error);
    while (o->watch && err == TF_OK && running) {
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        err = tell(o, in_place, &lines, &running, &error);
    }
    if (err != TF_OK)
        fprintf(stderr, "taskfarm: %s\n", error.text);
    return (int)err;
}
