# The Python package, where the system's python3 finds it if the prefix is one of its own, /usr or /usr/local; else in the folder
# of that name below the prefix, for PYTHONPATH. Run as it is installed, since the prefix is known no sooner: SOURCE and PYTHON are
# given.
set(ask "
import site, sys, sysconfig
prefix, schemes = sys.argv[1], sysconfig.get_scheme_names()
own = [path for path in site.getsitepackages() if path.startswith(prefix.rstrip('/') + '/lib/')]
scheme = 'deb_system' if 'deb_system' in schemes else 'posix_prefix'
print(own[0] if own else sysconfig.get_path('purelib', scheme, vars={'base': prefix}))
")
execute_process(COMMAND ${PYTHON} -I -c "${ask}" "${CMAKE_INSTALL_PREFIX}"
                OUTPUT_VARIABLE folder OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
file(INSTALL DESTINATION "${folder}" TYPE DIRECTORY FILES "${SOURCE}" PATTERN "__pycache__" EXCLUDE)
