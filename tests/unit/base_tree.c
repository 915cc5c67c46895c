/* Trees of files are removed, or made read-only: whatever the modes of their folders, however deep they are, and
 * nothing beside them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"

/* Runs as a user whom modes restrict. Returns 0, or the line of the check that failed. */
static int remove_closed_folders(void) {
    char root[] = "/tmp/taskfarm-unit-XXXXXX";
    struct stat info;
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
        return __LINE__;
    if (!mkdtemp(root) || chdir(root) != 0)
        return __LINE__;
    if (mkdir("kept", 0555) != 0 || mkdir("tree", 0700) != 0 || mkdir("tree/closed", 0700) != 0 ||
        mkdir("tree/closed/read-only", 0700) != 0 || symlink("../kept", "tree/link") != 0 ||
        close(open("tree/closed/read-only/file", O_CREAT | O_WRONLY, 0400)) != 0)
        return __LINE__;
    if (chmod("tree/closed/read-only", 0555) != 0 || chmod("tree/closed", 0) != 0 || chmod("tree", 0) != 0)
        return __LINE__;
    if (tf_remove_tree("tree") != 0 || stat("tree", &info) == 0)
        return __LINE__;
    if (stat("kept", &info) != 0 || (info.st_mode & 0777) != 0555)
        return __LINE__;
    return chdir("/") == 0 && tf_remove_tree(root) == 0 ? 0 : __LINE__;
}

Test(tree, is_removed_whatever_its_modes_are) {
    int status = 0;
    pid_t child = fork();
    if (child == 0)
        _exit(remove_closed_folders());
    cr_assert(waitpid(child, &status, 0) == child && WIFEXITED(status));
    cr_expect_eq(WEXITSTATUS(status), 0, "line %d", WEXITSTATUS(status));
}

/* A chain of folders in an open one, with a file and a link to `kept` in each. */
static void make_chain(int folder, int length, const char *kept) {
    int fd = dup(folder);
    for (int i = 0; i < length; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i % 3);
        cr_assert(mkdirat(fd, name, 0700) == 0 || errno == EEXIST);
        const int next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        cr_assert_geq(next, 0);
        close(fd);
        fd = next;
        close(openat(fd, "file", O_CREAT | O_WRONLY, 0600));
        cr_assert(symlinkat(kept, fd, "link") == 0 || errno == EEXIST);
    }
    close(fd);
}

typedef struct place {
    char root[40], kept[60]; /* a folder for all, and one in it that nobody may remove */
    int tree;                /* another one, open */
} place;

static void make_place(place *p) {
    strcpy(p->root, "/tmp/taskfarm-unit-XXXXXX");
    cr_assert_not_null(mkdtemp(p->root));
    cr_assert_eq(chdir(p->root), 0);
    snprintf(p->kept, sizeof p->kept, "%s/kept", p->root);
    cr_assert_eq(mkdir("kept", 0700) + mkdir("kept/folder", 0700) + mkdir("tree", 0700), 0);
    close(open("kept/file", O_CREAT | O_WRONLY, 0600));
    p->tree = open("tree", O_RDONLY | O_DIRECTORY);
}

static void check_kept(void) {
    cr_expect_eq(access("kept/file", F_OK) + access("kept/folder", F_OK), 0, "it has left the tree");
}

static void remove_place(place *p) {
    close(p->tree);
    cr_expect_eq(chdir("/"), 0);
    cr_expect_eq(tf_remove_tree(p->root), 0);
}

Test(tree, is_removed_however_deep_it_is) {
    place p;
    make_place(&p);
    const struct rlimit few = {.rlim_cur = 40, .rlim_max = 40};
    cr_assert_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (int how = 0; how < 2; how++) {
        make_chain(p.tree, 300, p.kept);
        cr_assert_eq(mkdirat(p.tree, "lifted-1", 0700), 0);
        close(openat(p.tree, "lifted-0", O_CREAT | O_WRONLY, 0600)); /* names that it would like to have itself */
        close(openat(p.tree, "lifted-1/file", O_CREAT | O_WRONLY, 0600));
        cr_expect_eq(how ? tf_remove_tree("tree") : tf_empty_folder(p.tree), 0);
        cr_expect_eq(rmdir("tree"), how ? -1 : 0, "it is not empty, or not gone");
        cr_assert_eq(mkdir("tree", 0700), 0);
        close(p.tree);
        p.tree = open("tree", O_RDONLY | O_DIRECTORY);
    }
    check_kept();
    remove_place(&p);
}

/* A folder of the tree, by chance. */
static void wander(char *path, size_t size) {
    strcpy(path, "tree");
    for (int depth = rand() % 40; depth > 0; depth--) {
        const size_t length = strlen(path);
        snprintf(path + length, size - length, "/%d", rand() % 3);
        if (access(path, F_OK) != 0) {
            path[length] = '\0';
            break;
        }
    }
}

/* Moves folders within the tree and out of it, and puts links to what is to be kept in their places. */
static void meddle(const place *p) {
    char one[200], two[200], aside[220];
    for (unsigned round = 0;; round++) {
        wander(one, sizeof one - 10);
        wander(two, sizeof two - 10);
        switch (rand() % 3) {
        case 0: strcat(two, "/0"); break;
        case 1: snprintf(two, sizeof two, "kept/%u", round); break;
        default: snprintf(two, sizeof two, "tree/lifted-%d", rand() % 9); break;
        }
        if (strcmp(one, "tree") == 0 || rename(one, two) != 0)
            continue;
        snprintf(aside, sizeof aside, "%s", one);
        if (rand() % 2 && symlink(p->kept, aside) != 0)
            continue;
    }
}

Test(tree, is_not_left_whatever_somebody_moves_meanwhile) {
    place p;
    make_place(&p);
    for (unsigned seed = 0; seed < 3; seed++) {
        srand(seed);
        for (int chain = 0; chain < 4; chain++)
            make_chain(p.tree, 60, p.kept);
        const pid_t neighbour = fork();
        if (neighbour == 0)
            meddle(&p);
        for (int i = 0; i < 3; i++)
            tf_empty_folder(p.tree); /* which may fail */
        kill(neighbour, SIGKILL);
        waitpid(neighbour, NULL, 0);
        check_kept();
        cr_expect_eq(tf_empty_folder(p.tree), 0);
        cr_expect_eq(rmdir("tree"), 0, "seed %u: it is not empty", seed);
        cr_assert_eq(mkdir("tree", 0700), 0);
        close(p.tree);
        p.tree = open("tree", O_RDONLY | O_DIRECTORY);
    }
    remove_place(&p);
}

/* Mounts `kept` in the tree, and as the tree; in a mount namespace of its own. Returns 0, the line of the check that
 * failed, or NO_MOUNTS. */
enum { NO_MOUNTS = 255 };
static int remove_mounted(void) {
    place p;
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return NO_MOUNTS;
    make_place(&p);
    if (mkdir("tree/a", 0700) != 0 || mkdir("tree/a/mounted", 0700) != 0 || mkdir("whole", 0700) != 0)
        return __LINE__;
    if (mount("kept", "tree/a/mounted", NULL, MS_BIND, NULL) != 0 || mount("kept", "whole", NULL, MS_BIND, NULL) != 0)
        return NO_MOUNTS;
    if (tf_remove_tree("tree") != EXDEV || tf_remove_tree("whole") != EXDEV)
        return __LINE__;
    if (access("kept/file", F_OK) != 0 || access("kept/folder", F_OK) != 0)
        return __LINE__;
    tf_make_read_only_at(AT_FDCWD, "tree");
    struct stat info;
    if (stat("kept", &info) != 0 || (info.st_mode & 0777) != 0700)
        return __LINE__;
    if (umount("tree/a/mounted") != 0 || umount("whole") != 0)
        return __LINE__;
    remove_place(&p);
    return 0;
}

Test(tree, is_not_left_where_something_is_mounted_in_it) {
    int status = 0;
    const pid_t child = fork();
    if (child == 0)
        _exit(remove_mounted());
    cr_assert(waitpid(child, &status, 0) == child && WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_MOUNTS)
        cr_skip_test("nothing can be mounted here");
    cr_expect_eq(WEXITSTATUS(status), 0, "line %d", WEXITSTATUS(status));
}

static mode_t mode_of(const char *path) {
    struct stat info = {0};
    cr_expect_eq(stat(path, &info), 0, "%s", path);
    return info.st_mode & 0777;
}

Test(tree, is_made_read_only_to_its_last_file) {
    place p;
    make_place(&p);
    make_chain(p.tree, 4, p.kept);
    cr_assert_eq(chmod("tree/0/file", 0700), 0);
    tf_make_read_only_at(AT_FDCWD, "tree");
    cr_expect_eq(mode_of("tree"), 0500);
    cr_expect_eq(mode_of("tree/0/file"), 0500);
    cr_expect_eq(mode_of("tree/0/1/2"), 0500);
    cr_expect_eq(mode_of("tree/0/1/2/file"), 0400);
    cr_expect_eq(mode_of("kept"), 0700, "a link was followed");
    tf_make_read_only_at(AT_FDCWD, "none");
    tf_make_read_only_at(AT_FDCWD, "kept/file");
    cr_expect_eq(mode_of("kept/file"), 0400);
    remove_place(&p);
}
