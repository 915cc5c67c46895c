#!/bin/bash
# A campaign under Flux: flux batch flux.sh. Three lines are yours: nodes, time, manifest.
#FLUX: --nodes=2
#FLUX: --time-limit=120m
#FLUX: --job-name=taskfarm
#FLUX: --exclusive
#FLUX: --signal=USR1@2m

manifest=manifest.json

# A rank a node, whose cores are its slots; and one more on the first node, which hands the tasks out. The other way, a rank a
# core:
#     flux run --nodes="$nodes" --tasks-per-core=1 taskfarm --walltime "$left" "$manifest"
script=flux.sh # what is submitted again when there is more to do
nodes=$(flux resource list -n -o '{nnodes}' | head -1)
cores=$(nproc)
hosts=$(flux resource list -n -o '{nodelist}' | head -1 | flux hostlist -e -d '\n' - | sed '1s/$/:2/; 1!s/$/:1/' | paste -sd ,)
left=$(flux job timeleft)
left=$((left - 60))

# mpirun notices within two minutes that a node is gone, and not after eight. But it may never return then: once taskfarm has
# ended, mpirun has ten seconds to do so, too.
for setting in {OMPI,PRTE}_MCA_oob_tcp_keepalive_{time=60,intvl=10,probes=6}; do
    printenv "${setting%=*}" >/dev/null || export "${setting?}"
done
ended=$(mktemp ./taskfarm-exit.XXXXXX) # for taskfarm's own exit status
trap 'rm -f "$ended"' EXIT

# taskfarm stops by itself before its time is over. The signal comes earlier where the job is to end earlier than it knew.
mpirun -n $((nodes + 1)) --host "$hosts" --map-by slot --bind-to none \
    taskfarm --slots "$cores" --exit-file "$ended" --walltime "$left" "$manifest" &
farm=$!
trap 'kill -USR1 $farm' USR1 TERM
{
    until [ -s "$ended" ]; do sleep 2; done
    sleep 10
    kill -KILL $farm
} >/dev/null 2>&1 &
watch=$!
wait $farm
status=$?
while kill -0 $farm 2>/dev/null; do # a signal has ended the wait, not the run
    wait $farm
    status=$?
done
kill $watch 2>/dev/null
[ ! -s "$ended" ] || status=$(cat "$ended")

# 75: there is more to do. Another job goes on from here; any other status is the job's.
[ "$status" -ne 75 ] || flux --parent batch "$script"
exit "$status"
