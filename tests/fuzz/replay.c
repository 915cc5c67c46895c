/* Gives a fuzz target every input of its corpus: fuzz_TARGET FOLDER, in a build without libFuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "target.h"

static bool is_input(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* Appends a file's bytes; ends the program where it can't. */
static void read_all(const char *path, tf_buf *out) {
    char chunk[4096];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(1);
    }
    for (size_t count; (count = fread(chunk, 1, sizeof chunk, file)) > 0;)
        tf_buf_add(out, chunk, count);
    fclose(file);
}

int main(int argc, char **argv) {
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (!folder) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        tf_buf path = {0}, input = {0};
        tf_buf_addf(&path, "%s/%s", argv[1], entry->d_name);
        if (is_input(tf_buf_text(&path))) {
            read_all(tf_buf_text(&path), &input);
            LLVMFuzzerTestOneInput((const uint8_t *)input.data, input.length);
            count++;
        }
        tf_buf_free(&path);
        tf_buf_free(&input);
    }
    closedir(folder);
    printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
