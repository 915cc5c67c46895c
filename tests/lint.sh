#!/bin/sh
# lint.sh BUILD [--deep|--quick]: is every source formatted, does each folder include only what it may, do no two files call each
# other, need verbs that only read no MPI, is each id of diagnostics used and documented, has each kind of leaf a number of its own,
# do Python modules import what they may, do clang-tidy and cppcheck find nothing, nor ruff and mypy in the Python package? All of these
# are asked, whatever the first finds. BUILD has compile_commands.json. --deep: clang's static analyzer too, which takes minutes;
# --quick: none of clang-tidy, cppcheck, ruff and mypy, which take one.
# shellcheck disable=SC2086,SC2317  # lists of words are meant; functions are called by way of check
set -eu
build=$1
checks=$([ "${2:-}" = --deep ] || echo "--checks=-clang-analyzer-*")
cd "$(dirname "$0")/.."
folders=$(git ls-files --cached --others --exclude-standard 'src/*.c' 'src/*.h')
sources=$(git ls-files --cached --others --exclude-standard '*.c' '*.h')
failed=0
check() {
    "$@" || failed=1
}

check_format() {
    told=$(clang-format --dry-run --Werror "$@" 2>&1) && return
    files=$(echo "$told" | sed -n 's/^\([^ :]*\):[0-9].*-Wclang-format-violations.*/\1/p' | sort -u | tr '\n' ' ')
    [ -z "$files" ] || told="not formatted; to mend it: clang-format -i ${files% }"
    echo "$told"
    return 1
}

check_tidy() {
    git ls-files --cached --others --exclude-standard 'src/*.c' |
        xargs -P "$(nproc)" -n 4 clang-tidy -p "$build" --quiet $checks
}

# ruff and mypy, which Debian has not or has old, in an environment of their own. ruff looks at the examples too, of which the
# package is a library like others.
check_python() {
    tools=$build/python-tools
    [ -x "$tools/bin/python3" ] || /usr/bin/python3 -m venv "$tools" || return
    "$tools/bin/python3" -m pip install --quiet --disable-pip-version-check -r tests/python-tools.txt || return
    tools=$(cd "$tools" && pwd)
    (
        cd src/python
        found=0
        export RUFF_CACHE_DIR="$tools/cache/ruff" MYPY_CACHE_DIR="$tools/cache/mypy"
        as_user='lint.isort.known-third-party = ["taskfarm"]'
        "$tools/bin/ruff" check --quiet . || found=1
        "$tools/bin/ruff" check --quiet --config pyproject.toml --config "$as_user" ../../examples/python || found=1
        "$tools/bin/ruff" format --quiet --diff --config pyproject.toml . ../../examples/python || found=1
        "$tools/bin/mypy" --no-error-summary || found=1
        exit $found
    )
}

check check_format $sources
check awk -f tests/layers.awk $folders
check awk -f tests/prints.awk $folders
check python3 -B tests/circles.py "$build"
check python3 -B tests/no_mpi.py "$build"
check python3 -B tests/diagnostic_ids.py
check python3 -B tests/leaf_numbers.py
check python3 -B tests/python_imports.py
if [ "${2:-}" != --quick ]; then
    check cppcheck --quiet --error-exitcode=1 --enable=warning,performance,portability --inline-suppr \
        --suppress=missingInclude -I src -I include src
    check check_tidy
    check check_python
fi
exit "$failed"
