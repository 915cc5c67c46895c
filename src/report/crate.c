/* What a run was as linked data: the metadata file of an RO-Crate (1.1) by the profile Process Run Crate, in which the
 * output is what each run of the campaign, an action, has made by taskfarm and by what its stages run. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <string.h>

#include "manifest/json_read.h"
#include "report/export.h"

#define CONTEXT "https://w3id.org/ro/crate/1.1/context"
#define CRATE   "https://w3id.org/ro/crate/1.1"
#define PROFILE "https://w3id.org/ro/wfrun/process/0.5"

static cJSON *reference(const char *id) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "@id", id);
    return json;
}

static cJSON *add_entity(cJSON *graph, const char *id, const char *type, const char *name) {
    cJSON *entity = reference(id);
    cJSON_AddStringToObject(entity, "@type", type);
    if (name)
        cJSON_AddStringToObject(entity, "name", name);
    cJSON_AddItemToArray(graph, entity);
    return entity;
}

static const char *text_of(const cJSON *json, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, key));
    return text ? text : "";
}

/* The words as for a shell. */
static void add_command(cJSON *action, const cJSON *run) {
    tf_buf line = {0};
    const cJSON *words = cJSON_GetObjectItemCaseSensitive(run, "command");
    for (const cJSON *word = words ? words->child : NULL; word; word = word->next) {
        if (!cJSON_IsString(word))
            continue;
        tf_buf_adds(&line, line.length ? " " : "");
        tf_buf_add_quoted(&line, word->valuestring);
    }
    cJSON_AddStringToObject(action, "description", tf_buf_text(&line));
    tf_buf_free(&line);
}

/* NAME=VALUE of the manifest's "record_env", and where the run was. */
static void add_value(cJSON *graph, cJSON *list, const char *action, const char *name, const char *value) {
    tf_buf id = {0};
    tf_buf_addf(&id, "%s-%s", action, name);
    cJSON *entity = add_entity(graph, tf_buf_text(&id), "PropertyValue", name);
    cJSON_AddStringToObject(entity, "value", value);
    cJSON_AddItemToArray(list, reference(tf_buf_text(&id)));
    tf_buf_free(&id);
}

/* A taskfarm of the run's version. */
static void add_program(cJSON *graph, cJSON *action, const cJSON *run) {
    tf_buf id = {0};
    tf_buf_addf(&id, "#taskfarm-%s-%s", text_of(run, "taskfarm"), text_of(run, "commit"));
    bool known = false;
    for (const cJSON *entity = graph->child; entity && !known; entity = entity->next)
        known = strcmp(text_of(entity, "@id"), tf_buf_text(&id)) == 0;
    if (!known) {
        cJSON *program = add_entity(graph, tf_buf_text(&id), "SoftwareApplication", "taskfarm");
        tf_buf version = {0};
        tf_buf_addf(&version, "%s (%s)", text_of(run, "taskfarm"), text_of(run, "commit"));
        cJSON_AddStringToObject(program, "softwareVersion", tf_buf_text(&version));
        tf_buf_clear(&version);
        tf_buf_addf(&version, "%s%sHDF5 %s", text_of(run, "mpi"), *text_of(run, "mpi") ? ", " : "",
                    text_of(run, "hdf5"));
        cJSON_AddStringToObject(program, "softwareRequirements", tf_buf_text(&version));
        tf_buf_free(&version);
    }
    cJSON_AddItemToObject(action, "instrument", reference(tf_buf_text(&id)));
    tf_buf_free(&id);
}

static void add_run(cJSON *graph, cJSON *mentions, const cJSON *run, const char *file) {
    tf_buf id = {0}, name = {0};
    tf_buf_addf(&id, "#run-%d", cJSON_GetArraySize(mentions) + 1);
    tf_buf_addf(&name, "run %d of the campaign", cJSON_GetArraySize(mentions) + 1);
    cJSON *action = add_entity(graph, tf_buf_text(&id), "CreateAction", tf_buf_text(&name));
    const char *state = text_of(run, "state");
    add_command(action, run);
    cJSON_AddStringToObject(action, "startTime", text_of(run, "start"));
    if (*text_of(run, "end"))
        cJSON_AddStringToObject(action, "endTime", text_of(run, "end"));
    add_program(graph, action, run);
    cJSON_AddItemToObject(action, "object", reference("#manifest"));
    cJSON_AddItemToObject(action, "result", reference(file));
    const tf_run_state how = tf_run_state_of(state);
    cJSON *status = cJSON_AddObjectToObject(action, "actionStatus");
    cJSON_AddStringToObject(status, "@id",
                            how == TF_STATE_COMPLETE || how == TF_STATE_STOPPED
                                ? "http://schema.org/CompletedActionStatus"
                                : "http://schema.org/FailedActionStatus");
    if (how != TF_STATE_COMPLETE)
        cJSON_AddStringToObject(action, "error", *state ? state : "killed");
    cJSON *values = cJSON_AddArrayToObject(action, "environment");
    const cJSON *env = cJSON_GetObjectItemCaseSensitive(run, "env"),
                *hosts = cJSON_GetObjectItemCaseSensitive(run, "hosts");
    for (const cJSON *value = cJSON_IsObject(env) ? env->child : NULL; value; value = value->next)
        if (cJSON_IsString(value))
            add_value(graph, values, tf_buf_text(&id), value->string, value->valuestring);
    tf_buf_clear(&name);
    for (const cJSON *host = cJSON_IsObject(hosts) ? hosts->child : NULL; host; host = host->next)
        tf_buf_addf(&name, "%s%s (%g)", name.length ? ", " : "", host->string, host->valuedouble);
    add_value(graph, values, tf_buf_text(&id), "ranks-by-host", tf_buf_text(&name));
    cJSON_AddItemToArray(mentions, reference(tf_buf_text(&id)));
    tf_buf_free(&id);
    tf_buf_free(&name);
}

/* What a stage runs; with the hash of its plugin's library, or of its script. */
static void add_stages(cJSON *graph, const tf_reader *reader, cJSON *output) {
    cJSON *list = cJSON_AddArrayToObject(output, "mentions");
    for (int s = 0; s < tf_reader_stages(reader); s++) {
        tf_buf id = {0};
        tf_buf_addf(&id, "#stage-%s", tf_reader_stage(reader, s));
        cJSON *stage = add_entity(graph, tf_buf_text(&id), "SoftwareApplication", tf_reader_stage(reader, s));
        cJSON_AddStringToObject(stage, "description", tf_reader_run(reader, s));
        cJSON *files = cJSON_Parse(tf_reader_code(reader, s));
        if (files && files->child) {
            tf_buf hash = {0};
            const bool is_tree = cJSON_HasObjectItem(files->child, "tree");
            tf_buf_addf(&hash, "%s:%s", is_tree ? "syntax-tree" : "xxh3", text_of(files->child, "hash"));
            cJSON_AddStringToObject(stage, "identifier", tf_buf_text(&hash));
            tf_buf_free(&hash);
        }
        cJSON_Delete(files);
        cJSON_AddItemToArray(list, reference(tf_buf_text(&id)));
        tf_buf_free(&id);
    }
}

static cJSON *make_crate(const tf_reader *reader, const char *file) {
    cJSON *crate = cJSON_CreateObject(), *runs = cJSON_Parse(tf_reader_text(reader, "runs"));
    cJSON_AddStringToObject(crate, "@context", CONTEXT);
    cJSON *graph = cJSON_AddArrayToObject(crate, "@graph");
    cJSON *descriptor = add_entity(graph, "ro-crate-metadata.json", "CreativeWork", NULL);
    cJSON_AddItemToObject(descriptor, "conformsTo", reference(CRATE));
    cJSON_AddItemToObject(descriptor, "about", reference("./"));
    cJSON *root = add_entity(graph, "./", "Dataset", tf_reader_text(reader, "name"));
    const cJSON *last = cJSON_GetArrayItem(runs, cJSON_GetArraySize(runs) - 1);
    cJSON_AddStringToObject(root, "description", "A campaign of taskfarm: its output, and the runs that made it");
    cJSON_AddStringToObject(root, "datePublished",
                            *text_of(last, "end") ? text_of(last, "end") : text_of(last, "start"));
    cJSON_AddStringToObject(root, "license", "to be chosen by who publishes it");
    cJSON_AddItemToObject(root, "conformsTo", reference(PROFILE));
    cJSON_AddItemToArray(cJSON_AddArrayToObject(root, "hasPart"), reference(file));
    cJSON *mentions = cJSON_AddArrayToObject(root, "mentions");
    cJSON *profile = add_entity(graph, PROFILE, "CreativeWork", "Process Run Crate");
    cJSON_AddStringToObject(profile, "version", "0.5");
    cJSON *output = add_entity(graph, file, "File", file);
    cJSON_AddStringToObject(output, "encodingFormat", "application/x-hdf5");
    cJSON_AddStringToObject(output, "dateCreated", tf_reader_text(reader, "created"));
    add_stages(graph, reader, output);
    cJSON *manifest = add_entity(graph, "#manifest", "CreativeWork", "the manifest");
    cJSON_AddStringToObject(manifest, "encodingFormat", "application/json");
    cJSON_AddStringToObject(manifest, "text", tf_reader_text(reader, "manifest"));
    for (const cJSON *run = runs ? runs->child : NULL; run; run = run->next)
        add_run(graph, mentions, run, file);
    cJSON_Delete(runs);
    return crate;
}

tf_err export_crate(FILE *out, const tf_recalled *from, const tf_export_options *options, tf_error *error) {
    const char *path = options->path, *slash = strrchr(path, '/');
    cJSON *crate = make_crate(from->reader, slash ? slash + 1 : path);
    char *text = json_print_indented(crate);
    tf_print_json(out, text);
    cJSON_free(text);
    cJSON_Delete(crate);
    if (fflush(out) != 0 || ferror(out))
        return tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "can't be written: %s", strerror(errno));
    return TF_OK;
}
