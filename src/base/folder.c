/* A folder and what is in it, at any depth, in byte order of the parts of paths. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/base.h"

static int by_bytes(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_entry(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Calls `visit` for an entry, and for what is in it if it is a folder. A link to a file counts as the file. Behind one
 * to a folder, which may go round in circles, nothing is looked for. */
static void visit_entry(tf_buf *path, tf_on_entry *visit, void *context) {
    struct stat info, target;
    if (lstat(path->data, &info) != 0)
        return;
    const bool is_link = S_ISLNK(info.st_mode);
    if (is_link && stat(path->data, &target) == 0 && !S_ISDIR(target.st_mode))
        info = target;
    if (S_ISDIR(info.st_mode))
        tf_each_entry(path->data, visit, context);
    else
        visit(context, path->data, &info);
}

void tf_each_entry(const char *folder, tf_on_entry *visit, void *context) {
    struct dirent **entry = NULL;
    struct stat info;
    if (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode))
        return;
    if (!visit(context, folder, &info))
        return;
    const int count = scandir(folder, &entry, is_entry, by_bytes);
    tf_buf path = {0};
    for (int i = 0; i < count; i++) {
        tf_buf_clear(&path);
        tf_buf_addf(&path, "%s/%s", folder, entry[i]->d_name);
        visit_entry(&path, visit, context);
        free(entry[i]);
    }
    free(entry);
    tf_buf_free(&path);
}
