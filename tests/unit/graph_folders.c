/* Files by where they are, on a disk that is a table: with links, mounts, and folders where case does not count. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "graph/folders.h"

static const struct {
    const char *path;
    tf_disk_kind kind;
    uint64_t inode;
    const char *target; /* of a link, in the end */
} entries[] = {
    {".", TF_DISK_FOLDER, 1, "/work"},        {"/", TF_DISK_FOLDER, 2, NULL},
    {"..", TF_DISK_FOLDER, 2, NULL},          {"/work", TF_DISK_FOLDER, 1, NULL},
    {"raw", TF_DISK_FOLDER, 3, NULL},         {"raw/deep", TF_DISK_FOLDER, 4, NULL},
    {"link", TF_DISK_LINK, 5, "/work/raw"},   {"/work/raw", TF_DISK_FOLDER, 3, NULL},
    {"link/deep", TF_DISK_FOLDER, 4, NULL},   {"mounted", TF_DISK_FOLDER, 3, NULL},
    {"out", TF_DISK_LINK, 6, "/scratch/me"},  {"/scratch", TF_DISK_FOLDER, 7, NULL},
    {"/scratch/me", TF_DISK_FOLDER, 8, NULL}, {"lost", TF_DISK_LINK, 9, NULL},
    {"fat", TF_DISK_FOLDER, 10, NULL},        {"beside", TF_DISK_LINK, 11, "/work2"},
    {"/work2", TF_DISK_FOLDER, 12, NULL},
};

static int looks;

static int find(const char *path) {
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (strcmp(entries[i].path, path) == 0)
            return (int)i;
    return -1;
}

static tf_disk_kind look(tf_disk *disk, const char *path, tf_disk_id *id) {
    (void)disk;
    const int i = find(path);
    looks++;
    if (i < 0)
        return TF_DISK_NOTHING;
    *id = (tf_disk_id){.device = 1, .inode = entries[i].inode};
    return entries[i].kind;
}

static bool resolve(tf_disk *disk, const char *path, tf_buf *out) {
    (void)disk;
    const int i = find(path);
    if (i >= 0 && entries[i].target)
        tf_buf_adds(out, entries[i].target);
    return i >= 0 && entries[i].target;
}

static bool folds(tf_disk *disk, const char *folder) {
    (void)disk;
    return strcmp(folder, "fat") == 0;
}

static bool same(folders *f, const char *a, const char *b) {
    tf_buf first = {0};
    const tf_buf *key = folders_key(f, a);
    tf_buf_add(&first, key->data, key->length);
    key = folders_key(f, b);
    bool equal = first.length == key->length && memcmp(first.data, key->data, key->length) == 0;
    tf_buf_free(&first);
    return equal;
}

Test(folders, names_of_one_file_have_one_key) {
    static const struct {
        const char *a, *b;
        bool same;
    } pairs[] = {
        {"x", "x", true},
        {"x", "y", false},
        {"raw/x", "link/x", true},
        {"raw/deep/x", "link/deep/x", true},
        {"raw/new/x", "link/new/x", true},
        {"raw/x", "mounted/x", true},
        {"x", "/work/x", true},
        {"../x", "/x", true},
        {"out/x", "/scratch/me/x", true},
        {"out/x", "raw/x", false},
        {"raw/x", "raw/X", false},
        {"fat/x", "fat/X", true},
        {"fat/x", "fat/y", false},
        {"fat/new/x", "fat/NEW/X", true},
        {"new/x", "NEW/x", false},
        {"rawx", "raw/x", false},
    };
    tf_disk disk = {.look = look, .resolve = resolve, .folds = folds};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        folders f;
        folders_open(&f, &disk);
        cr_expect_eq(same(&f, pairs[i].a, pairs[i].b), pairs[i].same, "%s and %s", pairs[i].a, pairs[i].b);
        cr_expect_eq(same(&f, pairs[i].b, pairs[i].a), pairs[i].same, "%s and %s", pairs[i].b, pairs[i].a);
        folders_close(&f);
    }
}

Test(folders, know_what_leads_out_of_the_work_folder) {
    static const struct {
        const char *path;
        bool outside, dangling;
    } cases[] = {
        {"x", false, false},     {"raw/x", false, false},    {"link/x", false, false},
        {"out/x", true, false},  {"out/new/x", true, false}, {"../x", true, false},
        {"../y/x", true, false}, {"lost/x", false, true},    {"beside/x", true, false},
    };
    tf_disk disk = {.look = look, .resolve = resolve};
    folders f;
    folders_open(&f, &disk);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const known_folder *in = &f.item[folders_of(&f, cases[i].path)];
        cr_expect_eq(in->outside, cases[i].outside, "%s", cases[i].path);
        cr_expect_eq(in->dangling, cases[i].dangling, "%s", cases[i].path);
    }
    cr_expect_str_eq(tf_links_find(&f.links, "out", 3), "/scratch/me");
    cr_expect_null(tf_links_find(&f.links, "raw", 3));
    cr_expect(folders_hold_workdir(&f, "."));
    cr_expect(!folders_hold_workdir(&f, "link"));
    cr_expect(!folders_hold_workdir(&f, "beside"), "its name begins as that of the work folder");
    folders_close(&f);
}

Test(folders, look_at_each_folder_once_and_at_nothing_below_what_is_not_there) {
    tf_disk disk = {.look = look, .resolve = resolve};
    folders f;
    folders_open(&f, &disk);
    looks = 0;
    for (int i = 0; i < 3; i++) {
        folders_key(&f, "raw/deep/x");
        folders_key(&f, "none/a/b/x");
        folders_key(&f, "raw/deep/y");
    }
    cr_expect_eq(looks, 3); /* raw, raw/deep, none */
    folders_close(&f);
}
