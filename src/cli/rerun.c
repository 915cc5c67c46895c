/* --rerun: what makes a task stale. */
#include "cli/rerun.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    size_t at; /* of a bool in tf_wish */
} triggers[] = {{"mtime", offsetof(tf_wish, by_time)},
                {"params", offsetof(tf_wish, by_params)},
                {"code", offsetof(tf_wish, by_code)},
                {"inputs", offsetof(tf_wish, by_inputs)}};

enum { TRIGGERS = sizeof triggers / sizeof *triggers };

const char *rerun_word(int number) {
    return number < TRIGGERS ? triggers[number].name : NULL;
}

static void set_trigger(tf_wish *wish, int number) {
    *(bool *)((char *)wish + triggers[number].at) = true;
}

/* TRIGGERS: none is of that name. */
static int find_trigger(const char *name, size_t length) {
    int t = 0;
    while (t < TRIGGERS && !(strlen(triggers[t].name) == length && strncmp(triggers[t].name, name, length) == 0))
        t++;
    return t;
}

static void diagnose_trigger(const char *name, size_t length, tf_diags *diags) {
    tf_buf choices = {0};
    for (int t = 0; t < TRIGGERS; t++)
        tf_buf_add_choice(&choices, triggers[t].name, t, TRIGGERS);
    tf_diags_add(diags, "", TF_DIAG_BAD_OPTION, "--rerun %.*s: must be %s, or several with commas between", (int)length,
                 name, tf_buf_text(&choices));
    tf_buf_free(&choices);
}

bool rerun_parse(const char *list, tf_wish *wish, tf_diags *diags) {
    for (int t = 0; !list && t < TRIGGERS; t++)
        set_trigger(wish, t);
    for (size_t length; list && *list; list += length + (list[length] == ',')) {
        length = strcspn(list, ",");
        const int t = find_trigger(list, length);
        if (t == TRIGGERS) {
            diagnose_trigger(list, length, diags);
            return false;
        }
        set_trigger(wish, t);
    }
    return true;
}
