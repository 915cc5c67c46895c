/* Delayed calls become stages: one for all calls of a function whose arguments come from the same stages, or are
 * numbers. So 10^6 calls of a tree are as many stages as it has levels, and a chain as many as it has calls. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "embed/embed.h"

/* The group of such calls, which is made if there is none. */
static int find_group(tf_manifest *m, const char *function, const int *source, int count) {
    tf_buf form = {0};
    tf_buf_addf(&form, "%s", function);
    for (int a = 0; a < count; a++)
        tf_buf_addf(&form, " %d", source[a]);
    int at = (int)tf_table_add(&m->by_form, form.data, form.length, (uint32_t)m->groups);
    tf_buf_free(&form);
    if (at < m->groups)
        return at;
    m->group = tf_realloc_array(m->group, (size_t)m->groups + 1, sizeof *m->group);
    call_group *g = &m->group[m->groups++];
    *g = (call_group){.arguments = count, .function = strdup(function)};
    g->source = tf_alloc_array((size_t)count, sizeof *g->source);
    memcpy(g->source, source, (size_t)count * sizeof *source);
    tf_buf name = {0};
    tf_buf_addf(&name, "call_%d", at);
    g->stage = strdup(name.data);
    tf_buf_free(&name);
    return at;
}

static int64_t add_to_group(call_group *g, const tf_delayed *argument) {
    if (g->calls == g->capacity) {
        g->capacity = g->capacity ? 2 * g->capacity : 4;
        g->argument = tf_realloc_array(g->argument, (size_t)(g->capacity * g->arguments), sizeof *g->argument);
    }
    memcpy(g->argument + g->calls * g->arguments, argument, (size_t)g->arguments * sizeof *argument);
    return g->calls++;
}

tf_delayed tf_manifest_call(tf_manifest *m, const char *function, const tf_delayed *arguments, int count) {
    enum { MOST = 64 };
    int source[MOST];
    tf_delayed given[MOST];
    if (count < 1 || count > MOST) {
        tf_buf_addf(&m->wrong, "a call of \"%s\": has %d arguments, not 1 to %d\n", function, count, MOST);
        return tf_number(NAN);
    }
    for (int a = 0; a < count; a++) {
        const int64_t call = arguments[a].call;
        if (call >= m->calls || (call < 0 && !isfinite(arguments[a].number))) {
            tf_buf_addf(&m->wrong, "a call of \"%s\": argument %d is neither a finite number nor a call\n", function,
                        a);
            return tf_number(NAN);
        }
        source[a] = call < 0 ? -1 : m->call[call].group;
        given[a] = call < 0 ? arguments[a] : tf_number((double)m->call[call].row);
    }
    if (m->calls == m->capacity) {
        m->capacity = m->capacity ? 2 * m->capacity : 16;
        m->call = tf_realloc_array(m->call, (size_t)m->capacity, sizeof *m->call);
    }
    int group = find_group(m, function, source, count);
    m->call[m->calls] = (call_place){.group = group, .row = add_to_group(&m->group[group], given)};
    return (tf_delayed){.call = m->calls++};
}

/* An axis for an argument: its numbers, or the rows of the stage that gives it. */
static cJSON *argument_axis(const tf_manifest *m, const call_group *g, int a) {
    cJSON *axis = cJSON_CreateObject(), *list = cJSON_CreateArray();
    char name[16];
    snprintf(name, sizeof name, "a%d", a);
    for (int64_t c = 0; c < g->calls; c++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(g->argument[c * g->arguments + a].number));
    if (g->source[a] < 0) {
        cJSON_AddStringToObject(axis, "name", name);
        cJSON_AddItemToObject(axis, "values", list);
        return axis;
    }
    cJSON_AddStringToObject(axis, "from", m->group[g->source[a]].stage);
    cJSON_AddStringToObject(cJSON_AddObjectToObject(axis, "columns"), name, "value");
    cJSON_AddItemToObject(axis, "indices", list);
    return axis;
}

void calls_add_stages(const tf_manifest *m, cJSON *stages) {
    for (int n = 0; n < m->groups; n++) {
        const call_group *g = &m->group[n];
        cJSON *stage = cJSON_CreateObject(), *zip = cJSON_CreateObject();
        cJSON_AddItemToArray(stages, stage);
        cJSON_AddStringToObject(stage, "name", g->stage);
        cJSON_AddItemToArray(cJSON_AddArrayToObject(stage, "over"), zip);
        cJSON *axes = cJSON_AddArrayToObject(zip, "zip");
        for (int a = 0; a < g->arguments; a++)
            cJSON_AddItemToArray(axes, argument_axis(m, g, a));
        tf_buf text = {0};
        tf_buf_addf(&text, "program:%s", g->function);
        cJSON_AddStringToObject(cJSON_AddObjectToObject(stage, "run"), "function", text.data);
        cJSON_AddStringToObject(cJSON_AddObjectToObject(stage, "results"), "value", "float64");
        tf_buf_free(&text);
    }
}

void calls_free(tf_manifest *m) {
    for (int n = 0; n < m->groups; n++) {
        free(m->group[n].stage);
        free(m->group[n].function);
        free(m->group[n].source);
        free(m->group[n].argument);
    }
    free(m->group);
    free(m->call);
    tf_table_free(&m->by_form);
}
