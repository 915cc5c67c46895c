/* A list, in the order in which they began. That is the order in which the history has them, too. As a rule they are
 * few; but thousands of ranks may be lost at once, and each entry of the history takes as long as all before it: the
 * first MOST are kept, of the others people are only warned. */
#include "farm/incidents.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

enum { MOST = 500 };

typedef struct entry {
    incident what; /* host and text are the entry's own */
    double end;    /* 0: it is under way */
} entry;

struct incidents {
    const tf_farm_options *options;
    const output *output;
    entry *entry;
    int entries;
    tf_arena *arena; /* hosts and texts */
};

incidents *incidents_new(const tf_farm_options *options, const output *o) {
    incidents *i = tf_alloc(sizeof *i);
    *i = (incidents){.options = options, .output = o, .arena = tf_arena_new()};
    return i;
}

void incidents_free(incidents *i) {
    if (!i)
        return;
    tf_arena_free(i->arena);
    free(i->entry);
    free(i);
}

static void warn(const incidents *i, const char *text) {
    if (i->options->on_warning)
        i->options->on_warning(i->options->context, NULL, text);
}

static void add_time(cJSON *json, const char *key, double wall) {
    char text[32];
    cJSON_AddStringToObject(json, key, tf_format_time(wall, text));
}

/* {"kind": "silent", "rank": 3, "host": "node2", "since": "2026-11-30T10:04:17Z", "end": ..., "text": ...} */
void incident_write(const incident *what, double end, tf_buf *out) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "kind", incident_kinds[what->kind].id);
    cJSON_AddNumberToObject(json, "rank", what->rank);
    cJSON_AddStringToObject(json, "host", what->host);
    add_time(json, "since", what->since);
    if (end > 0)
        add_time(json, "end", end);
    cJSON_AddStringToObject(json, "text", what->text);
    char *text = cJSON_PrintUnformatted(json);
    tf_buf_adds(out, text);
    cJSON_free(text);
    cJSON_Delete(json);
}

void incidents_list(const incidents *i, tf_buf *out) {
    tf_buf_adds(out, "[");
    for (int n = 0; n < i->entries; n++) {
        tf_buf_adds(out, n > 0 ? "," : "");
        incident_write(&i->entry[n].what, i->entry[n].end, out);
    }
    tf_buf_adds(out, "]");
}

static void keep(const incidents *i, int number) {
    tf_buf text = {0};
    incident_write(&i->entry[number].what, i->entry[number].end, &text);
    i->output->note_incident(i->output->context, number, text.data);
    tf_buf_free(&text);
}

/* Is one of this kind under way on the rank? */
static bool has(const incidents *i, incident_kind kind, int rank) {
    for (const entry *e = i->entry; e < i->entry + i->entries; e++)
        if (e->what.kind == kind && e->what.rank == rank && e->end == 0)
            return true;
    return false;
}

void incidents_begin(incidents *i, const incident *what) {
    if (has(i, what->kind, what->rank))
        return;
    if (i->entries == MOST) {
        warn(i, what->text);
        return;
    }
    i->entry = tf_realloc_array(i->entry, (size_t)i->entries + 1, sizeof *i->entry);
    entry *e = &i->entry[i->entries];
    *e = (entry){.what = *what};
    e->what.host = tf_arena_strdup(i->arena, what->host);
    e->what.text = tf_arena_strdup(i->arena, what->text);
    warn(i, e->what.text);
    keep(i, i->entries++);
}

void incidents_begin_now(incidents *i, incident_kind kind, int rank, const char *host, const char *text) {
    const incident what = {.kind = kind, .rank = rank, .host = host, .since = tf_wall(), .text = text};
    incidents_begin(i, &what);
}

void incidents_end(incidents *i, incident_kind kind, const char *text) {
    int last = i->entries - 1;
    warn(i, text);
    while (last >= 0 && i->entry[last].what.kind != kind)
        last--;
    if (last < 0 || i->entry[last].end > 0)
        return;
    i->entry[last].end = tf_wall();
    keep(i, last);
}
