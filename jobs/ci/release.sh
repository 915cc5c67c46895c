#!/bin/sh
# The release build and its tests, with whatever MPI, HDF5 and compiler the system has; for Debian 13 and later.
set -eu
cd "$(dirname "$0")/../.."
jobs/setup/debian.sh --tests
cmake --preset release-tests
cmake --build --preset release-tests
ctest --preset release-tests
