#!/bin/bash
# A campaign under PBS Pro (OpenPBS): qsub pbs.sh. Three lines are yours: nodes and their cores, time, manifest.
#PBS -l select=2:ncpus=32:mpiprocs=1
#PBS -l walltime=02:00:00
#PBS -N taskfarm
#PBS -l place=scatter:excl
#PBS -r y

manifest=manifest.json

# A rank a node, whose cores are its slots; and one more on the first node, which hands the tasks out. The other way, a rank a
# core: mpiprocs=32 above, and start
#     mpirun taskfarm --walltime "$left" "$manifest"
script=${PBS_O_WORKDIR:?}/pbs.sh # what is submitted again when there is more to do
cd "$PBS_O_WORKDIR" || exit 3
nodes=$(sort -u "$PBS_NODEFILE" | wc -l)
cores=${NCPUS:-$(nproc)}
hosts=$(sort -u "$PBS_NODEFILE" | sed '1s/$/:2/; 1!s/$/:1/' | paste -sd ,)
left=$((${PBS_WALLTIME:-$(qstat -f "$PBS_JOBID" | awk -F '[ :]+' '/Resource_List.walltime/ { print $(NF - 2) * 3600 + $(NF - 1) * 60 + $NF }')} - 60))

# mpirun notices within two minutes that a node is gone, and not after eight. But it may never return then: once taskfarm has
# ended, mpirun has ten seconds to do so, too.
for setting in {OMPI,PRTE}_MCA_oob_tcp_keepalive_{time=60,intvl=10,probes=6}; do
    printenv "${setting%=*}" >/dev/null || export "${setting?}"
done
ended=$(mktemp ./taskfarm-exit.XXXXXX) # for taskfarm's own exit status
trap 'rm -f "$ended"' EXIT

# taskfarm stops by itself before its time is over, and when PBS sends its SIGTERM.
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
[ "$status" -ne 75 ] || qsub "$script"
exit "$status"
