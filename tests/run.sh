#!/bin/sh
# Installs what is missing, builds, and runs every test: fuzzing for a minute, then all tests with sanitizers, then those of
# the release build.
#   tests/run.sh            all but the slow ones; ends with ctest's summary
#   tests/run.sh --soak     these too
set -eu
cd "$(dirname "$0")/.."
soak=OFF
case "${1:-}" in
"") ;;
--soak) soak=ON ;;
*)
    echo "usage: tests/run.sh [--soak]" >&2
    exit 2
    ;;
esac
jobs/setup/debian.sh --tests
# What is said of a commit shall not hang on luck: only the soak looks with new seeds.
if [ "$soak" = ON ]; then tests/fuzz/run.sh 120; else TASKFARM_SEED=${TASKFARM_SEED:-1} tests/fuzz/run.sh 8; fi
for preset in dev release-tests; do
    cmake --preset "$preset" -DTASKFARM_SOAK="$soak"
    cmake --build --preset "$preset"
    ctest --preset "$preset"
done
