/* Incidents: who is warned of them, and what is kept. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "farm/incidents.h"

typedef struct scene {
    tf_farm_options options;
    output output;
    incidents *incidents;
    int warnings, notes, last; /* the last number that was noted */
    char warning[200], note[400];
} scene;

static void take_warning(void *context, const char *id, const char *text) {
    (void)id;
    scene *s = context;
    s->warnings++;
    snprintf(s->warning, sizeof s->warning, "%s", text);
}

static void take_note(void *context, int number, const char *text) {
    scene *s = context;
    s->notes++;
    s->last = number;
    snprintf(s->note, sizeof s->note, "%s", text);
}

static scene *open_scene(void) {
    scene *s = tf_alloc(sizeof *s);
    s->options = (tf_farm_options){.on_warning = take_warning, .context = s};
    s->output = (output){.note_incident = take_note, .context = s};
    s->incidents = incidents_new(&s->options, &s->output);
    return s;
}

static void close_scene(scene *s) {
    incidents_free(s->incidents);
    free(s);
}

Test(incidents, are_told_once_while_they_last) {
    scene *s = open_scene();
    for (int times = 0; times < 3; times++)
        incidents_begin_now(s->incidents, INCIDENT_SLOW, 2, "node1", "rank 2 is slow");
    cr_expect_eq(s->warnings, 1);
    cr_expect_eq(s->notes, 1);
    incidents_begin_now(s->incidents, INCIDENT_SICK, 2, "node1", "rank 2 is sick");
    incidents_begin_now(s->incidents, INCIDENT_SLOW, 3, "node1", "rank 3 is slow");
    cr_expect_eq(s->warnings, 3);
    cr_expect_eq(s->last, 2);
    close_scene(s);
}

Test(incidents, that_are_over_may_come_again) {
    scene *s = open_scene();
    incidents_begin_now(s->incidents, INCIDENT_STORAGE, 1, "node1", "the disk is full");
    incidents_begin_now(s->incidents, INCIDENT_DEAD, 3, "node3", "rank 3 has died");
    incidents_end(s->incidents, INCIDENT_STORAGE, "it works again");
    cr_expect_str_eq(s->warning, "it works again");
    cr_expect_eq(s->last, 0, "it has its place in the history");
    cr_expect_not_null(strstr(s->note, "\"end\":"));
    incidents_begin_now(s->incidents, INCIDENT_STORAGE, 1, "node1", "the disk is full");
    cr_expect_eq(s->last, 2);
    cr_expect_null(strstr(s->note, "\"end\":"));
    close_scene(s);
}

/* As when a switch fails, and thousands of ranks with it: the history grows with each. */
Test(incidents, are_kept_up_to_a_few_hundred) {
    scene *s = open_scene();
    tf_buf list = {0};
    for (int rank = 1; rank <= 3000; rank++)
        incidents_begin_now(s->incidents, INCIDENT_SILENT, rank, "node", "it is silent");
    cr_expect_eq(s->warnings, 3000);
    cr_expect_eq(s->notes, 500);
    incidents_list(s->incidents, &list);
    cr_expect_not_null(strstr(list.data, "[{\"kind\":\"silent\",\"rank\":1,"));
    cr_expect_not_null(strstr(list.data, "\"rank\":500,"));
    cr_expect_null(strstr(list.data, "\"rank\":501,"));
    tf_buf_free(&list);
    close_scene(s);
}
