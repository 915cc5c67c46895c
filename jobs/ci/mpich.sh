#!/bin/sh
# The tests with MPICH and clang instead of Open MPI and gcc, on Debian 12 or later; .ci/run ends with this. It leaves out
# what does not depend on either, and valgrind, which finds much in MPICH itself.
set -eu
cd "$(dirname "$0")/../.."
jobs/setup/debian.sh --mpich
cmake --preset mpich
cmake --build --preset mpich
ctest --preset mpich -E 'fuzz|run\.(14_valgrind|24_calibration|28_answers|32_try|35_show_export|36_report)'
