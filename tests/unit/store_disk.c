/* What is good for an output on Lustre, on GPFS and elsewhere. There is none of these here: what the file system is, is
 * told; and lfs is a stand-in. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/disk.h"

static char folder[] = "/tmp/taskfarm-unit-XXXXXX";

static void enter_folder(void) {
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void leave_folder(void) {
    cr_assert_eq(tf_remove_tree(folder), 0);
}

TestSuite(disk, .init = enter_folder, .fini = leave_folder);

static const int64_t MB = 1 << 20, GB = 1 << 30;

Test(disk, stripes_are_as_many_as_gigabytes_where_nobody_has_chosen) {
    const struct {
        disk_info disk;
        tf_campaign campaign;
        int64_t bytes;
        striping wanted;
    } cases[] = {
        {{.kind = DISK_LUSTRE}, {0}, 100 * MB, {0, 0}},
        {{.kind = DISK_LUSTRE}, {0}, 2 * GB - 1, {0, 0}},
        {{.kind = DISK_LUSTRE}, {0}, 10 * GB, {10, 4 * MB}},
        {{.kind = DISK_LUSTRE}, {0}, 5000 * GB, {64, 4 * MB}},
        {{.kind = DISK_LUSTRE, .laid_out = true}, {0}, 10 * GB, {0, 0}},
        {{.kind = DISK_LUSTRE}, {.stripes = -1}, 0, {-1, 0}},
        {{.kind = DISK_LUSTRE, .laid_out = true}, {.stripes = 3, .stripe_size = MB}, 10 * GB, {3, MB}},
        {{.kind = DISK_GPFS, .block = 8 * MB}, {.stripes = 3}, 10 * GB, {0, 0}},
        {{.kind = DISK_OTHER}, {.stripes = 3, .stripe_size = MB}, 10 * GB, {0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        striping got = disk_stripes(&cases[i].disk, &cases[i].campaign, cases[i].bytes);
        cr_expect_eq(got.count, cases[i].wanted.count, "case %zu: %d", i, got.count);
        cr_expect_eq(got.size, cases[i].wanted.size, "case %zu: %lld", i, (long long)got.size);
    }
}

Test(disk, datasets_begin_with_a_block_where_blocks_are_locked) {
    const struct {
        disk_info disk;
        tf_campaign campaign;
        int64_t wanted;
    } cases[] = {
        {{.kind = DISK_OTHER, .block = 4096}, {0}, 1},
        {{.kind = DISK_LUSTRE, .block = 4 * MB}, {0}, 4 * MB},
        {{.kind = DISK_GPFS, .block = 64 * MB}, {0}, 16 * MB},
        {{.kind = DISK_GPFS, .block = 0}, {0}, 1},
        {{.kind = DISK_GPFS, .block = 8 * MB}, {.stripe_size = MB}, MB},
        {{.kind = DISK_OTHER, .block = 4096}, {.stripe_size = 64 << 10}, 64 << 10},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(disk_alignment(&cases[i].disk, &cases[i].campaign), cases[i].wanted, "case %zu", i);
}

Test(disk, this_one_is_neither) {
    cr_expect_eq(disk_find("x.h5").kind, DISK_OTHER);
    cr_expect_gt(disk_find("./x.h5").block, 0);
    cr_expect_eq(disk_find("/nowhere/x.h5").block, 0);
}

/* A program "lfs" that says how it was called. */
static void put_lfs(int status) {
    FILE *file = fopen("lfs", "w");
    fprintf(file, "#!/bin/sh\necho \"$@\" >called\nexit %d\n", status);
    fclose(file);
    chmod("lfs", 0755);
    setenv("PATH", folder, 1);
}

static void expect_called(const striping *stripes, const char *words) {
    char text[200] = "";
    tf_buf why = {0};
    cr_expect(disk_create("out.h5", stripes, &why));
    cr_expect_eq(why.length, 0);
    FILE *file = fopen("called", "r");
    cr_assert_not_null(file);
    cr_assert_not_null(fgets(text, sizeof text, file));
    fclose(file);
    cr_expect_str_eq(text, words);
}

Test(disk, lfs_makes_the_file) {
    put_lfs(0);
    expect_called(&(striping){.count = 8, .size = 4 << 20}, "setstripe -c 8 -S 4194304 out.h5\n");
    expect_called(&(striping){.count = -1}, "setstripe -c -1 out.h5\n");
    expect_called(&(striping){.size = 1 << 20}, "setstripe -S 1048576 out.h5\n");
}

Test(disk, without_lfs_the_folder_decides) {
    tf_buf why = {0};
    put_lfs(22);
    cr_expect_not(disk_create("out.h5", &(striping){.count = 8}, &why));
    cr_expect_str_eq(tf_buf_text(&why),
                     "out.h5 has the stripes of its folder: lfs setstripe ended with exit status 22");
    tf_buf_clear(&why);
    setenv("PATH", "/nowhere", 1);
    cr_expect_not(disk_create("out.h5", &(striping){.count = 8}, &why));
    cr_expect_str_eq(tf_buf_text(&why),
                     "out.h5 has the stripes of its folder: lfs can't be run: No such file or directory");
    tf_buf_free(&why);
}
