/* Where the engine's own Python package is: alone in its folder, so that nothing else comes along with it onto the path
 * of a task's modules. */
#ifndef TF_HOST_PYTHON_FOLDER_H
#define TF_HOST_PYTHON_FOLDER_H

#include "base/text.h"

/* Adds the path of the folder that holds the package: of an installed program PREFIX/share/taskfarm/python, else the
 * source's. Any process; it need not be there. */
void python_folder_add(tf_buf *out);

/* Adds the path of the program and its version, "/usr/bin/taskfarm (0.1.0)", for a package that does not understand it.
 */
void python_engine_add(tf_buf *out);

#endif
