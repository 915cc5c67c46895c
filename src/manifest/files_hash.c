/* Hashes of what a task reads: of the paths, and of the contents of files and folders. */
#include "manifest/finder.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A hash of the paths of all outputs that an entry means. It is computed once a group. */
static uint64_t hash_group(tf_files *f, int stage, const tf_file_spec *spec, int64_t index) {
    const int64_t *member;
    int64_t count, group = tf_files_group(f, stage, spec, index, &member, &count);
    if (group < 0)
        return 0;
    uint64_t known = files_grouping(f, spec)->hash[group];
    if (known == 0) {
        tf_paths all = {0};
        files_add_outputs(f, stage, spec, index, &all);
        known = tf_hash(tf_buf_text(&all.text), all.text.length, 1) | 1;
        files_grouping(f, spec)->hash[group] = known;
        tf_paths_free(&all);
    }
    return known;
}

uint64_t tf_files_input_set(tf_files *f, int stage, int64_t index) {
    const tf_stage_spec *spec = &f->campaign->stage[stage];
    uint64_t hash = 1;
    for (int i = 0; i < spec->inputs; i++) {
        const tf_file_spec *input = &spec->input[i];
        if (input->kind == TF_FILE_OUTPUTS) {
            uint64_t group = hash_group(f, stage, input, index);
            hash = tf_hash(&group, sizeof group, hash);
            continue;
        }
        tf_paths_clear(&f->paths);
        tf_files_of_spec(f, stage, input, index, &f->paths);
        hash = tf_hash(tf_buf_text(&f->paths.text), f->paths.text.length, hash);
    }
    return hash ? hash : 1;
}

/* Returns 0, an errno or TF_READ_...: half a file has no hash. */
static int hash_file(const char *path, uint64_t *hash) {
    enum { AT_ONCE = 1 << 20 };
    int fd, failure = tf_open_regular(path, &fd);
    *hash = 1;
    if (failure)
        return failure == EISDIR ? 0 : failure;
    char *bytes = tf_alloc(AT_ONCE);
    for (ssize_t got = 1; got != 0 && !failure;) {
        got = read(fd, bytes, AT_ONCE);
        if (got > 0)
            *hash = tf_hash(bytes, (size_t)got, *hash);
        else if (got < 0 && errno != EINTR)
            failure = errno;
    }
    free(bytes);
    close(fd);
    return failure;
}

/* The hash of a folder. What the campaign itself has written into it does not count, unless the folder is one of its
 * outputs. Folders count by the names of what is in them, or if nothing is by their own. */
typedef struct folder_hash {
    tf_files *files;
    const char *top; /* the folder's path */
    tf_buf last;     /* the path of the folder that was visited last; empty: something was found in it */
    uint64_t hash;
    int failure; /* why the first file can't be read; 0: all can */
} folder_hash;

static void mix(uint64_t *hash, const char *path, uint64_t of) {
    *hash = tf_hash(path, strlen(path), *hash);
    *hash = tf_hash(&of, sizeof of, *hash);
}

/* Is the entry the campaign's own, and not part of what is hashed? */
static bool is_own(const folder_hash *folder, const char *path) {
    const tf_files *f = folder->files;
    return tf_campaign_is_output(f->campaign, path) ||
           (tf_files_are_of(&f->made, path) && !tf_files_are_of(&f->made, folder->top));
}

/* Adds the folder that was visited last, if nothing was found in it before `next`. NULL: nothing follows. */
static void mix_empty(folder_hash *folder, const char *next) {
    const size_t length = folder->last.length;
    const bool is_empty = !next || strncmp(next, tf_buf_text(&folder->last), length) != 0 || next[length] != '/';
    if (length && is_empty)
        mix(&folder->hash, folder->last.data, S_IFDIR);
    tf_buf_clear(&folder->last);
}

/* A hash of where a link leads to. */
static uint64_t hash_link(const char *path) {
    char target[PATH_MAX];
    const ssize_t length = readlink(path, target, sizeof target);
    return tf_hash(target, length > 0 ? (size_t)length : 0, S_IFLNK);
}

/* Adds a file to the hash of its folder; of a link that is not followed where it leads to, and of what is no regular
 * file only the name. */
static bool mix_entry(void *context, const char *path, const struct stat *info) {
    folder_hash *folder = context;
    uint64_t one = 0;
    int failure = 0;
    const bool is_top = strcmp(path, folder->top) == 0;
    mix_empty(folder, path);
    if (!is_top && is_own(folder, path))
        return false;
    if (S_ISDIR(info->st_mode)) {
        tf_buf_adds(&folder->last, is_top ? "" : path);
        return true;
    }
    if (S_ISLNK(info->st_mode))
        one = hash_link(path);
    else
        failure = hash_file(path, &one);
    if (failure && failure != TF_READ_IRREGULAR && !folder->failure)
        folder->failure = failure;
    mix(&folder->hash, path, one);
    return true;
}

/* The same of times and sizes in place of contents. */
static bool mix_times(void *context, const char *path, const struct stat *info) {
    folder_hash *folder = context;
    const bool is_top = strcmp(path, folder->top) == 0;
    if (!is_top && is_own(folder, path))
        return false;
    const int64_t what[] = {info->st_mode & S_IFMT, info->st_size, (int64_t)info->st_ino, info->st_mtim.tv_sec,
                            info->st_mtim.tv_nsec};
    mix(&folder->hash, path, tf_hash(what, sizeof what, 1));
    return true;
}

static uint64_t hash_times(tf_files *f, const char *path) {
    folder_hash folder = {.files = f, .top = path, .hash = 1};
    tf_each_entry(path, mix_times, &folder);
    return folder.hash;
}

static int hash_folder(tf_files *f, const char *path, uint64_t *hash) {
    folder_hash folder = {.files = f, .top = path, .hash = 1};
    tf_each_entry(path, mix_entry, &folder);
    mix_empty(&folder, NULL);
    tf_buf_free(&folder.last);
    *hash = folder.hash;
    return folder.failure;
}

/* What tells that a file, or something in a folder, is not what it was when it was read. */
static contents look_at(tf_files *f, const char *path, const struct stat *info) {
    if (!S_ISDIR(info->st_mode))
        return (contents){.time = info->st_mtim.tv_sec * INT64_C(1000000000) + info->st_mtim.tv_nsec,
                          .size = info->st_size};
    if (f->made.count == 0)
        tf_files_all_outputs(f, &f->made);
    return (contents){.time = (int64_t)hash_times(f, path), .size = -1};
}

/* Hashes a file or a folder; 0 is the hash of what does not exist. Returns 0, an errno or TF_READ_... */
static int contents_hash(tf_files *f, const char *path, uint64_t *hash) {
    struct stat info;
    *hash = 0;
    if (stat(path, &info) != 0)
        return 0;
    contents now = look_at(f, path, &info);
    uint32_t next = (uint32_t)f->read.count, number = tf_table_add(&f->read, path, strlen(path), next);
    if (number == next) {
        f->contents = tf_realloc_array(f->contents, (size_t)next + 1, sizeof *f->contents);
        f->contents[number] = (contents){.time = -1, .size = -2};
    }
    contents *known = &f->contents[number];
    if (known->time != now.time || known->size != now.size) {
        int failure = S_ISDIR(info.st_mode) ? hash_folder(f, path, &now.hash) : hash_file(path, &now.hash);
        if (failure)
            return failure;
        *known = now;
    }
    *hash = known->hash;
    return 0;
}

const char *tf_files_hash(tf_files *f, const tf_paths *paths, uint64_t *hash, int *failure) {
    *hash = 0;
    for (size_t i = 0; i < paths->count; i++) {
        uint64_t one;
        if (!paths->item[i].spec->by_hash)
            continue;
        *failure = contents_hash(f, tf_paths_text(paths, i), &one);
        if (*failure)
            return tf_paths_text(paths, i);
        *hash = tf_hash(&one, sizeof one, *hash);
    }
    return NULL;
}
