/* Trees of files are removed: whatever the modes of their folders, and nothing beside them. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"

/* As somebody whom modes hold back. Returns 0, or the line of what went wrong. */
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
