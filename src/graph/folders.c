/* Folders by what they are (see folders.h). */
#include "graph/folders.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WORKDIR, ROOT };

static uint32_t add_folder(folders *f, known_folder one, const char *path, size_t length) {
    if (f->count == f->capacity) {
        f->capacity = f->capacity ? 2 * f->capacity : 64;
        f->item = tf_realloc_array(f->item, f->capacity, sizeof *f->item);
    }
    one.path = f->paths.length;
    one.written = one.logged = one.output = UINT32_MAX;
    tf_buf_add(&f->paths, path, length);
    tf_buf_addc(&f->paths, '\0');
    f->item[f->count] = one;
    return (uint32_t)f->count++;
}

/* Registers a folder by its identity. Returns the number of an earlier one that is the same folder, if there is one. */
static uint32_t register_id(folders *f, const tf_disk_id *id, uint32_t number) {
    return tf_table_add(&f->by_id, (const char *)id, sizeof *id, number);
}

void folders_open(folders *f, tf_disk *disk) {
    *f = (folders){.disk = disk, .last_number = UINT32_MAX};
    if (disk->resolve)
        disk->resolve(disk, ".", &f->workdir);
    add_folder(f, (known_folder){.there = true, .folding = -1}, ".", 1);
    add_folder(f, (known_folder){.up = ROOT, .there = true, .outside = true, .folding = -1}, "/", 1);
    for (uint32_t n = WORKDIR; n <= ROOT && disk->look; n++) {
        tf_disk_id id;
        if (disk->look(disk, folders_path(f, n), &id) != TF_DISK_NOTHING)
            register_id(f, &id, n);
    }
}

void folders_close(folders *f) {
    tf_table_free(&f->by_key);
    tf_table_free(&f->by_id);
    tf_links_free(&f->links);
    tf_buf_free(&f->paths);
    tf_buf_free(&f->key);
    tf_buf_free(&f->last);
    tf_buf_free(&f->workdir);
    free(f->item);
}

/* ---- Names ---- */

/* Are names in the folder the same that differ only in case? A folder that does not exist yet will be as the one that
 * it is in. */
static bool is_folding(folders *f, uint32_t number) {
    known_folder *one = &f->item[number];
    if (one->folding < 0 && !f->disk->folds)
        one->folding = 0;
    if (one->folding < 0)
        one->folding = one->there ? f->disk->folds(f->disk, folders_path(f, number)) : is_folding(f, one->up);
    return one->folding;
}

/* Makes the key of a name in a folder. Whether case counts there is asked of the disk only for the first name that has
 * a capital letter: others are the same either way. */
static void make_key(folders *f, uint32_t in, const char *name, size_t length) {
    tf_buf_clear(&f->key);
    tf_buf_add(&f->key, &in, sizeof in);
    tf_buf_add(&f->key, name, length);
    char *c = f->key.data + sizeof in;
    const char *end = c + length;
    while (c < end && !(*c >= 'A' && *c <= 'Z'))
        c++;
    if (c == end || !is_folding(f, in))
        return;
    for (; c < end; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
}

/* ---- Folders ---- */

static bool is_below(const char *path, const char *folder) {
    const size_t length = strlen(folder);
    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0' || length == 1);
}

/* Adds a folder that nobody has asked for, as the disk has it. Its path is as it is written in the manifest. */
static uint32_t inspect_folder(folders *f, uint32_t up, const char *path, size_t length) {
    const bool rises =
        length >= 2 && memcmp(path + length - 2, "..", 2) == 0 && (length == 2 || path[length - 3] == '/');
    known_folder one = {.up = up, .outside = rises || f->item[up].outside, .own = f->item[up].own, .folding = -1};
    tf_disk_id id;
    uint32_t number = (uint32_t)f->count;
    if (!f->item[up].there || !f->disk->look)
        return add_folder(f, one, path, length);
    tf_buf text = {0}, target = {0};
    tf_buf_add(&text, path, length);
    const tf_disk_kind kind = f->disk->look(f->disk, text.data, &id);
    const bool is_link = kind == TF_DISK_LINK;
    one.there = kind == TF_DISK_FOLDER;
    if (is_link && f->disk->resolve(f->disk, text.data, &target)) {
        one.there = f->disk->look(f->disk, target.data, &id) == TF_DISK_FOLDER;
        one.by_link = true;
        one.outside = !is_below(target.data, tf_buf_text(&f->workdir));
        tf_links_add(&f->links, path, length, target.data);
    } else if (is_link) {
        one.dangling = true;
    }
    if (one.there)
        number = register_id(f, &id, number);
    if (number == f->count)
        add_folder(f, one, path, length);
    tf_buf_free(&text);
    tf_buf_free(&target);
    return number;
}

/* Finds a folder step by step from above. Each step is looked up in the table, and on the disk only the first time. */
static uint32_t find_folder(folders *f, const char *path, size_t length, bool add) {
    uint32_t at = *path == '/' ? ROOT : WORKDIR;
    for (size_t from = *path == '/' ? 1 : 0; from < length;) {
        const char *slash = memchr(path + from, '/', length - from);
        const size_t end = slash ? (size_t)(slash - path) : length;
        make_key(f, at, path + from, end - from);
        uint32_t number = tf_table_get(&f->by_key, f->key.data, f->key.length);
        if (number == TF_TABLE_NONE && !add)
            return UINT32_MAX;
        if (number == TF_TABLE_NONE) {
            number = inspect_folder(f, at, path, end);
            make_key(f, at, path + from, end - from);
            tf_table_add(&f->by_key, f->key.data, f->key.length, number);
        }
        at = number;
        from = end + 1;
    }
    return at;
}

/* Bytes of a path before its last name, without the slash; 1 for the root. */
static size_t folder_length(const char *path) {
    const char *slash = strrchr(path, '/');
    return !slash ? 0 : slash == path ? 1 : (size_t)(slash - path);
}

uint32_t folders_of(folders *f, const char *path) {
    const size_t length = folder_length(path);
    if (f->last_number != UINT32_MAX && f->last.length == length && memcmp(tf_buf_text(&f->last), path, length) == 0)
        return f->last_number;
    f->last_number = find_folder(f, path, length, true);
    tf_buf_clear(&f->last);
    tf_buf_add(&f->last, path, length);
    return f->last_number;
}

const tf_buf *folders_key(folders *f, const char *path) {
    const uint32_t in = folders_of(f, path);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    make_key(f, in, name, strlen(name));
    return &f->key;
}

bool folders_hold_workdir(const folders *f, const char *path) {
    tf_buf place = {0};
    const bool resolved = f->disk->resolve && f->disk->resolve(f->disk, path, &place);
    const bool holds = resolved && is_below(tf_buf_text(&f->workdir), tf_buf_text(&place));
    tf_buf_free(&place);
    return holds;
}

uint32_t folders_find(folders *f, const char *path) {
    const tf_buf *key = folders_key(f, path);
    return tf_table_get(&f->by_key, key->data, key->length);
}
