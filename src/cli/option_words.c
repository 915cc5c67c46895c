/* The words that values of options may be, from the tables that know them, and how help says them. */
#include <string.h>

#include "cli/formats.h"
#include "cli/options.h"
#include "progress/progress.h"

static const char *const binds[] = {[TF_BIND_AUTO] = "auto", [TF_BIND_CORES] = "cores", [TF_BIND_NONE] = "none"};

static const char *const mpis[] = {[OPTION_MPI_AUTO] = "auto", [OPTION_MPI_YES] = "yes", [OPTION_MPI_NO] = "no"};

static const char *const styles[] = {
    [TF_PROGRESS_AUTO] = "auto", [TF_PROGRESS_BAR] = "bar", [TF_PROGRESS_PLAIN] = "plain", [TF_PROGRESS_NONE] = "none"};

const char *option_bind_word(int number) {
    return number < (int)(sizeof binds / sizeof *binds) ? binds[number] : NULL;
}

const char *option_mpi_word(int number) {
    return number < (int)(sizeof mpis / sizeof *mpis) ? mpis[number] : NULL;
}

const char *option_progress_word(int number) {
    return number < (int)(sizeof styles / sizeof *styles) ? styles[number] : NULL;
}

const char *option_export_format(int number) {
    return tf_export_formats()[number].name;
}

const char *option_report_format(int number) {
    return tf_report_formats()[number].name;
}

static void add_choices(const option_spec *spec, tf_buf *out) {
    int count = 0;
    while (spec->word(count))
        count++;
    for (int n = 0; n < count; n++)
        tf_buf_add_choice(out, spec->word(n), n, count);
}

void option_add_about(const option_spec *spec, tf_buf *out) {
    static const char mark[] = "{words}";
    const char *place = strstr(spec->about, mark);
    if (!place) {
        tf_buf_adds(out, spec->about);
        return;
    }
    tf_buf_add(out, spec->about, (size_t)(place - spec->about));
    add_choices(spec, out);
    tf_buf_adds(out, place + sizeof mark - 1);
}
