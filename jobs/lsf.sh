#!/bin/bash
# A campaign under LSF: bsub <lsf.sh. Three lines are yours: nodes (as processes, one a node), time (h:mm), manifest.
#BSUB -n 2
#BSUB -W 2:00
#BSUB -J taskfarm
#BSUB -R "span[ptile=1]"
#BSUB -x
#BSUB -r
#BSUB -Q "75"
#BSUB -wa USR1
#BSUB -wt 2

manifest=manifest.json

# A rank a node, whose cores are its slots; and one more on the first node, which hands the tasks out. The other way, a rank a
# core: drop span[ptile=1], and start
#     mpirun taskfarm "$manifest"
cores=$(nproc)
nodes=$(printf '%s\n' "$LSB_HOSTS" | tr ' ' '\n' | sort -u | wc -l)
hosts=$(printf '%s\n' "$LSB_HOSTS" | tr ' ' '\n' | sort -u | sed '1s/$/:2/; 1!s/$/:1/' | paste -sd ,)

# mpirun notices within two minutes that a node is gone, and not after eight. But it may never return then: once taskfarm has
# ended, mpirun has ten seconds to do so, too.
for setting in {OMPI,PRTE}_MCA_oob_tcp_keepalive_{time=60,intvl=10,probes=6}; do
    printenv "${setting%=*}" >/dev/null || export "${setting?}"
done
ended=$(mktemp ./taskfarm-exit.XXXXXX) # for taskfarm's own exit status
trap 'rm -f "$ended"' EXIT

# Two minutes before its time is over the job gets SIGUSR1, and taskfarm stops.
mpirun -n $((nodes + 1)) --host "$hosts" --map-by slot --bind-to none taskfarm --slots "$cores" --exit-file "$ended" "$manifest" &
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

# 75, there is more to do, requeues the job: -Q above. Any other status is the job's.
exit "$status"
