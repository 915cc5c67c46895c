#!/bin/sh
# run.sh [SECONDS]: builds the libFuzzer targets with clang and runs each for that long (12 s unless told otherwise), from
# its corpus and from a random seed that it prints. TASKFARM_SEED repeats one.
set -eu
cd "$(dirname "$0")/../.."
seconds=${1:-12}
seed=${TASKFARM_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
for target in manifest template expr parts table extract json sizes rows side; do
    mkdir "$corpus/$target"
    echo "fuzzing $target for $seconds s, seed $seed"
    ASAN_OPTIONS=detect_leaks=0 build/fuzz/tests/fuzz/fuzz_$target -max_total_time="$seconds" -seed="$seed" -timeout=10 \
        -rss_limit_mb=4096 -verbosity=0 -print_final_stats=1 -artifact_prefix="$PWD/build/fuzz/" "$corpus/$target" "$PWD/tests/fuzz/corpus/$target" 2>"$corpus/log" || {
        tail -n 60 "$corpus/log"
        exit 1
    }
    grep number_of_executed_units "$corpus/log"
done
