/* How the code of a stage is found, file by file (see tf_code_files). */
#ifndef TF_MANIFEST_CODE_PARTS_H
#define TF_MANIFEST_CODE_PARTS_H

#include "manifest/code.h"

/* ---- Commands of a text for the shell (shell_commands.c) ---- */

/* NULL: a word that is not the same for all tasks, or that the shell makes of others. */
typedef void code_on_command(void *context, char *const *word, int words);

/* One command after the other, without what is redirected, as far as they can be told without running anything. In
 * `text` {{ is a brace, as in a template. */
void code_shell_commands(const char *text, code_on_command *take, void *context);

/* ---- What Python imports (imports.c) ---- */

/* A file that may be there: `where` it is to be looked for, and the path by which users know it. Returns true if it is,
 * and was not taken before. */
typedef bool code_on_file(void *context, const char *path, const char *where);

/* What the script, and what that imports in turn, import from beside it. `base` goes in front of paths that are opened:
 * a folder with its slash, or "". */
void code_imports(const char *script, const char *base, code_on_file *take, void *context);

/* "python -m NAME": the module, looked for from the base, and what it imports. */
void code_main_module(const char *name, const char *base, code_on_file *take, void *context);

#endif
