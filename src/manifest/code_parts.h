/* How the code of a stage is found, file by file (see tf_code_files). */
#ifndef TF_MANIFEST_CODE_PARTS_H
#define TF_MANIFEST_CODE_PARTS_H

#include <cjson/cJSON.h>

#include "manifest/code.h"

/* ---- Commands of a text for the shell (shell_commands.c) ---- */

/* Gets the words of a command. NULL: a word that is not the same for all tasks, or that the shell makes of others. */
typedef void code_on_command(void *context, char *const *word, int words);

/* Calls `visit` for each command, without redirections, as far as commands can be told without running anything. In
 * `text` {{ is a brace, as in a template. */
void code_shell_commands(const char *text, code_on_command *visit, void *context);

/* ---- Python functions (code_python.c) ---- */

/* Adds the items of a Python function's code. `known`: an earlier list. false: neither that nor the interpreter says
 * what the files of its module are; these are not added. */
bool code_of_python(const tf_stage_spec *stage, const cJSON *known, const tf_code_asker *asker, cJSON *list);

/* ---- What Python imports (imports.c) ---- */

/* Gets a file that may exist: where it is, and the path by which users know it. Returns true if it exists and was not
 * taken before. */
typedef bool code_on_file(void *context, const char *path, const char *where);

/* Calls `visit` for what a script imports from beside itself, and for what that imports in turn. `base` is put before
 * paths that are opened: a folder with a slash at its end, or "". */
void code_imports(const char *script, const char *base, code_on_file *visit, void *context);

/* Likewise for "python -m NAME": the module, which is searched for in `base`, and what it imports. */
void code_main_module(const char *name, const char *base, code_on_file *visit, void *context);

#endif
