/* How a process of the engine's Python side is started: INTERPRETER -c PYTHON_BOOT ENGINE VERB DESCRIPTOR [MORE...].
 * ENGINE is the folder that the engine's package is alone in: it is the first to be searched for modules, whatever
 * package another environment has. VERB is what the process is for: "slot", "warm", "check" or "code"
 * (taskfarm/_slot/main.py). The text is read by any Python there is, to say that it is too old. */
#ifndef TF_HOST_PYTHON_BOOT_H
#define TF_HOST_PYTHON_BOOT_H

#define PYTHON_BOOT                                                                                                    \
    "import sys\n"                                                                                                     \
    "if sys.version_info < (3, 11):\n"                                                                                 \
    "    sys.exit('taskfarm needs Python 3.11 or later; ' + sys.executable + ' is ' + sys.version.split()[0])\n"       \
    "engine, verb, descriptor = sys.argv[1:4]\n"                                                                       \
    "del sys.argv[1:4]\n"                                                                                              \
    "if sys.path[:1] == ['']:\n"                                                                                       \
    "    del sys.path[0]\n"                                                                                            \
    "sys.path.insert(0, engine)\n"                                                                                     \
    "from taskfarm._slot.main import main\n"                                                                           \
    "main(verb, int(descriptor))\n"

#endif
