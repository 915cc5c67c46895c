/* Folders that are links, by their paths. */
#include "manifest/manifest.h"

void tf_links_add(tf_links *links, const char *path, size_t length, const char *target) {
    uint32_t here = (uint32_t)links->text.length;
    if (tf_table_add(&links->paths, path, length, here) != here)
        return;
    tf_buf_add(&links->text, path, length);
    tf_buf_addc(&links->text, '\0');
    tf_buf_add(&links->text, target, strlen(target) + 1);
}

const char *tf_links_find(const tf_links *links, const char *path, size_t length) {
    uint32_t at = tf_table_get(&links->paths, path, length);
    return at == TF_TABLE_NONE ? NULL : links->text.data + at + length + 1;
}

void tf_links_free(tf_links *links) {
    tf_table_free(&links->paths);
    tf_buf_free(&links->text);
}
