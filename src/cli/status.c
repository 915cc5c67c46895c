/* taskfarm status: how far a campaign is, from its output; once, or again and again in place. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"

/* How many bytes of a line there is room for: whole characters. */
static int fitting(const tf_buf *line, unsigned short columns) {
    size_t most = line->length;
    if (most >= columns)
        most = columns - 1u;
    while (most > 0 && most < line->length && ((unsigned char)line->data[most] & 0xC0) == 0x80)
        most--;
    return (int)most;
}

/* Replaces what was shown before. Lines are cut to the terminal's width, so that each takes one there. Returns how many
 * there are. */
static int redraw(const char *text, int lines_before) {
    struct winsize window = {0};
    int lines = 0;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0)
        window.ws_col = 80;
    if (lines_before)
        tf_print(stdout, "\033[%dA\033[J", lines_before);
    tf_buf line = {0};
    for (; *text; lines++) {
        const size_t length = strcspn(text, "\n");
        tf_buf_clear(&line);
        tf_buf_add_visible(&line, text, length);
        tf_print(stdout, "%.*s\n", fitting(&line, window.ws_col), tf_buf_text(&line));
        text += length + (text[length] == '\n');
    }
    tf_buf_free(&line);
    fflush(stdout);
    return lines;
}

/* Text that replaces another is made in memory first, so that what is shown is whole. */
static tf_err print_status(const options *o, bool in_place, int *lines, bool *running, tf_error *error) {
    const tf_status_style style = !o->json ? TF_STATUS_TEXT : o->watch ? TF_STATUS_JSON_LINE : TF_STATUS_JSON;
    char *text = NULL;
    size_t size = 0;
    FILE *out = in_place ? open_memstream(&text, &size) : stdout;
    tf_err err = tf_report_status(out, o->manifest, style, running, error);
    if (in_place)
        fclose(out);
    if (err == TF_OK && in_place)
        *lines = redraw(text, *lines);
    fflush(stdout);
    free(text);
    return err;
}

int cli_status(const options *o) {
    const bool in_place = o->watch && !o->json && isatty(STDOUT_FILENO);
    tf_error error;
    bool running = false;
    int lines = 0;
    tf_err err = print_status(o, in_place, &lines, &running, &error);
    while (o->watch && err == TF_OK && running) {
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
        err = print_status(o, in_place, &lines, &running, &error);
    }
    if (err == TF_OK)
        return TF_OK;
    cli_name_output(o, &error);
    return cli_fail(o, NULL, &error);
}
