/* What is the campaign's own (see owned.h). */
#include "graph/owned.h"
#include "manifest/code.h"

#include <string.h>

static void add_key(owned *o, folders *f, const char *path, uint32_t reason) {
    const tf_buf *key = folders_key(f, path);
    tf_table_add(&o->by_key, key->data, key->length, reason);
    f->item[folders_of(f, path)].has_own = true;
}

/* Adds a file by its name, by what links at its end lead to, and by its identity. */
static void add_file(owned *o, folders *f, const tf_campaign *c, const char *path, const char *reason) {
    const uint32_t at = (uint32_t)o->reasons.length;
    tf_buf place = {0}, target = {0};
    tf_disk_id id = {0};
    tf_buf_add(&o->reasons, reason, strlen(reason) + 1);
    tf_files_normalize(c, path, &place);
    add_key(o, f, tf_buf_text(&place), at);
    if (f->disk->look && f->disk->time(f->disk, tf_buf_text(&place), &id) != TF_DISK_MISSING && id.inode)
        tf_table_add(&o->by_id, (const char *)&id, sizeof id, at);
    if (f->disk->look && tf_follow_links(tf_buf_text(&place), &target) == 0) {
        tf_files_normalize(c, tf_buf_text(&target), &place);
        add_key(o, f, tf_buf_text(&place), at);
    }
    tf_buf_free(&place);
    tf_buf_free(&target);
}

/* Adds the output and the folder of its side files, by one of its names. */
static void add_output(owned *o, folders *f, const tf_campaign *c, const char *path, output_name which) {
    tf_buf folder = {0};
    add_file(o, f, c, path, "it is the campaign's output");
    tf_files_normalize(c, path, &folder);
    const tf_buf *key = folders_key(f, tf_buf_text(&folder));
    tf_buf_add(&o->output[which], key->data, key->length);
    tf_buf_adds(&folder, ".d");
    add_file(o, f, c, tf_buf_text(&folder), "it is the folder of the campaign's output");
    tf_buf_adds(&folder, "/lock");
    f->item[folders_of(f, tf_buf_text(&folder))].own = true;
    tf_buf_free(&folder);
}

/* ---- Programs ---- */

/* Where the programs of a stage are added. */
typedef struct adding {
    owned *to;
    folders *folders;
    const tf_campaign *campaign;
    const char *reason;
} adding;

/* Adds a program or script that is a path. Those in a text for the shell are left out: there one task often makes what
 * the next one runs. */
static void add_word(void *context, const tf_code_word *word) {
    const adding *a = context;
    const bool is_sought = word->kind == TF_CODE_PROGRAM && !strchr(word->text, '/');
    if (word->in_shell || word->kind == TF_CODE_MODULE || is_sought)
        return;
    tf_buf path = {0};
    tf_buf_addf(&path, "%s%s", *word->text == '/' ? "" : word->folder, word->text);
    add_file(a->to, a->folders, a->campaign, tf_buf_text(&path), a->reason);
    tf_buf_free(&path);
}

/* A Python function's files. What it imports is found when it runs. */
static void add_python(owned *o, folders *f, const tf_campaign *c, const tf_python_spec *python, const char *reason) {
    const char *const file[] = {python->target.file, python->init.file};
    for (size_t n = 0; n < sizeof file / sizeof *file; n++)
        if (file[n] && *file[n])
            add_file(o, f, c, file[n], reason);
    for (int n = 0; n < python->commons; n++)
        add_file(o, f, c, python->common[n].path, reason);
}

static void add_run(owned *o, folders *f, const tf_campaign *c, const tf_stage_spec *stage) {
    const bool has_library = tf_run_has_library(&stage->run);
    tf_buf reason = {0};
    tf_buf_addf(&reason, "it is the %s of stage \"%s\"", has_library ? "library" : "program", stage->name);
    if (stage->run.python)
        add_python(o, f, c, stage->run.python, tf_buf_text(&reason));
    if (has_library)
        add_file(o, f, c, stage->run.library, tf_buf_text(&reason));
    else
        tf_code_words(&stage->run, add_word, &(adding){o, f, c, tf_buf_text(&reason)});
    tf_buf_free(&reason);
}

/* ---- All of them ---- */

void owned_open(owned *o, folders *f, const tf_campaign *c) {
    tf_buf target = {0};
    *o = (owned){0};
    add_output(o, f, c, c->output, OUTPUT_AS_GIVEN);
    if (f->disk->look && tf_follow_links(c->output, &target) == 0)
        add_output(o, f, c, tf_buf_text(&target), OUTPUT_WITHOUT_LINKS);
    for (int r = 0; r < c->reads; r++)
        add_file(o, f, c, c->read[r], r == 0 ? "it is the manifest" : "the manifest reads it");
    for (int s = 0; s < c->stages; s++)
        add_run(o, f, c, &c->stage[s]);
    tf_buf_free(&target);
}

void owned_close(owned *o) {
    tf_table_free(&o->by_key);
    tf_table_free(&o->by_id);
    tf_buf_free(&o->reasons);
    for (int n = 0; n < OUTPUT_NAMES; n++)
        tf_buf_free(&o->output[n]);
}

/* Is it the key of OUTPUT.1, OUTPUT.1.d and so on? `output` is that of OUTPUT. */
static bool is_set_aside(const tf_buf *output, const tf_buf *key) {
    if (output->length == 0 || key->length <= output->length + 1 ||
        memcmp(key->data, output->data, output->length) != 0 || key->data[output->length] != '.')
        return false;
    const char *number = key->data + output->length + 1;
    const size_t digits = strspn(number, "0123456789");
    return digits > 0 && (number[digits] == '\0' || strcmp(number + digits, ".d") == 0);
}

const char *owned_reason(const owned *o, folders *f, const char *path, const tf_disk_id *id) {
    const known_folder *in = &f->item[folders_of(f, path)];
    uint32_t at = TF_TABLE_NONE;
    if (in->own)
        return "it is in the folder of the campaign's output";
    if (!in->has_own && !id->inode) /* most are yet to be made, and in folders of their own */
        return NULL;
    const tf_buf *key = folders_key(f, path);
    if (in->has_own)
        at = tf_table_get(&o->by_key, key->data, key->length);
    if (at == TF_TABLE_NONE && id->inode)
        at = tf_table_get(&o->by_id, (const char *)id, sizeof *id);
    if (at != TF_TABLE_NONE)
        return o->reasons.data + at;
    for (int n = 0; n < OUTPUT_NAMES; n++)
        if (is_set_aside(&o->output[n], key))
            return "an old output gets this name when --fresh sets it aside";
    return NULL;
}
