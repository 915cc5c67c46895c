#!/bin/sh
# lint.sh BUILD [--deep|--quick]: is every source formatted, does each folder include only what it may, do no two files call each
# other, need verbs that only read no MPI, is each id of diagnostics used and documented, and do clang-tidy and cppcheck find nothing?
# BUILD has compile_commands.json. --deep: clang's static analyzer too, which takes minutes; --quick: neither clang-tidy nor cppcheck,
# which take one.
set -eu
build=$1
checks=$([ "${2:-}" = --deep ] || echo "--checks=-clang-analyzer-*")
cd "$(dirname "$0")/.."
folders=$(git ls-files --cached --others --exclude-standard 'src/*.c' 'src/*.h')
sources=$(git ls-files --cached --others --exclude-standard '*.c' '*.h')
# shellcheck disable=SC2086  # lists of words are meant
{
    clang-format --dry-run --Werror $sources
    awk -f tests/layers.awk $folders
    awk -f tests/prints.awk $folders
    python3 -B tests/circles.py "$build"
    python3 -B tests/no_mpi.py "$build"
    python3 -B tests/diagnostic_ids.py
    [ "${2:-}" != --quick ] || exit 0
    cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
        --suppress=missingInclude -I src -I include src
    git ls-files --cached --others --exclude-standard 'src/*.c' |
        xargs -P "$(nproc)" -n 4 clang-tidy -p "$build" --quiet $checks
}
