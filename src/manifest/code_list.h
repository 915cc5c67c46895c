/* The list of a stage's code (see tf_code_files), item by item. */
#ifndef TF_MANIFEST_CODE_LIST_H
#define TF_MANIFEST_CODE_LIST_H

#include <cjson/cJSON.h>
#include <sys/stat.h>

#include "base/text.h"

/* A member of an item; "" if it has none of that name. */
const char *code_text(const cJSON *item, const char *key);

/* The item of that path; NULL: there is none. */
const cJSON *code_find(const cJSON *list, const char *path);

bool code_has_same(const cJSON *a, const cJSON *b, const char *key);

/* Adds size, time and inode of a file, by which it is known that it has not changed. The time is 0 if the file was
 * written so recently that another write could have the same. */
void code_add_stamp(cJSON *item, const struct stat *info);

/* Have two items the same stamp, and one that tells a write? */
bool code_has_same_stamp(const cJSON *a, const cJSON *b);

/* Has the item's file, which is at "where" or else at "path", the item's stamp? */
bool code_has_stamp(const cJSON *item);

/* Finds a program: one with a slash is its own path, others are in PATH. Empty if it is not there. */
void code_find_program(const char *name, tf_buf *where);

#endif
