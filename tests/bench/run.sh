#!/bin/sh
# Installs the peers, builds, and measures taskfarm beside the bare limit and beside them.
#   tests/bench/run.sh [FOLDER [NAME...]]   everything, or what is named; the page and its numbers go to FOLDER (build/bench)
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
folder=${1:-$top/build/bench}
[ $# -eq 0 ] || shift
"$top/jobs/setup/debian.sh" --bench
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
cd "$top"
cmake --preset release >&2
cmake --build --preset release --target bench >&2
/usr/bin/python3 -B tests/bench/run.py "$folder" "$@"
