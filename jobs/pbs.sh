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

# taskfarm stops by itself before its time is over, and when PBS sends its SIGTERM.
mpirun -n $((nodes + 1)) --host "$hosts" --map-by slot --bind-to none \
    taskfarm --slots "$cores" --walltime "$left" "$manifest" &
farm=$!
trap 'kill -USR1 $farm' USR1 TERM
wait $farm
status=$?
while kill -0 $farm 2>/dev/null; do # a signal has ended the wait, not the run
    wait $farm
    status=$?
done

# 75: there is more to do. Another job goes on from here; any other status is the job's.
[ $status -ne 75 ] || qsub "$script"
exit $status
