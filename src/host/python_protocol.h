/* The protocol between the engine and the Python package: manifests that the package writes, what the engine prints for
 * it, and packets of Python slots. It counts the changes that a package or an engine of before would misunderstand. The
 * package has its number in src/python/taskfarm/_version.py; the two are one version of one thing, and raised together.
 */
#ifndef TF_HOST_PYTHON_PROTOCOL_H
#define TF_HOST_PYTHON_PROTOCOL_H

#define TF_PYTHON_PROTOCOL 2

#endif
