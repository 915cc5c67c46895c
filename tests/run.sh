#!/bin/sh
# Installs what is missing, builds, and runs tests.
#   tests/run.sh            what a change breaks first, in some five minutes: unit tests, and some of each kind of whole run
#   tests/run.sh NAME...    all tests that a name fits: tests/run.sh 17_resume unit.base; or one alone, as failures say it:
#                           tests/run.sh 17_resume.test_going_on; a name that no test fits is an error
#   tests/run.sh --all      every test: fuzzing for a minute, then all tests with sanitizers, then those of the release build
#   tests/run.sh --soak     the slow ones, too
# Ends with ctest's summary. TASKFARM_KEEP=1 keeps the folders that whole runs were in.
set -eu
cd "$(dirname "$0")/.."
what=${1:-}
case "$what" in
"" | --all | --soak | [!-]*) ;;
*)
    sed -n 's/^#   /    /p' tests/run.sh >&2
    exit 2
    ;;
esac
jobs/setup/debian.sh --tests
soak=OFF
[ "$what" != --soak ] || soak=ON

# What to build, and what of it to test.
run_tests() {
    preset=$1
    shift
    cmake --preset "$preset" -DTASKFARM_SOAK="$soak"
    cmake --build --preset "$preset"
    failed=build/$preset/Testing/Temporary/LastTestsFailed.log
    rm -f "$failed" # of an earlier run
    ctest --preset "$preset" --no-tests=error "$@" && return
    [ ! -e "$failed" ] || sed 's|^[0-9]*:|again: tests/run.sh |' "$failed" >&2
    exit 1
}

# Does a test have such a name?
fits() {
    ctest --preset dev --show-only -R "$1" | grep -q '^ *Test *#'
}

case "$what" in
"")
    export TASKFARM_FIRST=ON
    run_tests dev -L first
    ;;
--*)
    # What is said of a commit shall not hang on luck: only the soak looks with new seeds.
    if [ "$soak" = ON ]; then tests/fuzz/run.sh 120; else TASKFARM_SEED=${TASKFARM_SEED:-1} tests/fuzz/run.sh 8; fi
    run_tests dev
    run_tests release-tests
    ;;
*)
    cmake --preset dev -DTASKFARM_SOAK="$soak" >/dev/null
    export TASKFARM_ONLY="$*" # tests/run/farm.py looks which of a file's tests these are
    fitting=""
    for name in "$@"; do
        name=${name%%.test_*}
        if fits "^$name\$"; then
            name="^$name\$" # and no other that has its name in it: lint is not lint.quick
        elif ! fits "$name"; then
            echo "tests/run.sh: no test fits $name" >&2
            exit 1
        fi
        fitting="${fitting:+$fitting|}$name"
    done
    run_tests dev -R "$fitting"
    ;;
esac
