#!/bin/bash
# A campaign under Slurm: sbatch slurm.sh. Three lines are yours: nodes, time, manifest.
#SBATCH --nodes=2
#SBATCH --time=02:00:00
#SBATCH --job-name=taskfarm
#SBATCH --exclusive
#SBATCH --ntasks-per-node=1
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:USR1@120

manifest=manifest.json

# A rank a node, whose cores are its slots; and one more on the first node, which hands the tasks out. The other way, a rank a
# core: drop --ntasks-per-node, and start
#     mpirun taskfarm --walltime "$left" "$manifest"
cores=$SLURM_CPUS_ON_NODE
hosts=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed '1s/$/:2/; 1!s/$/:1/' | paste -sd ,)
now=$(date +%s)
end=$(date -d "$(squeue -h -j "$SLURM_JOB_ID" -o %e)" +%s 2>/dev/null || echo $((now + 31536000))) # where there is no limit
left=$((end - now - 60))

# mpirun notices within two minutes that a node is gone, and not after eight. But it may never return then: once taskfarm has
# ended, mpirun has ten seconds to do so, too.
for setting in {OMPI,PRTE}_MCA_oob_tcp_keepalive_{time=60,intvl=10,probes=6}; do
    printenv "${setting%=*}" >/dev/null || export "${setting?}"
done
ended=$(mktemp ./taskfarm-exit.XXXXXX) # for taskfarm's own exit status
trap 'rm -f "$ended"' EXIT

# taskfarm stops by itself before its time is over. The signal comes earlier where the job is to end earlier than it knew.
mpirun -n $((SLURM_JOB_NUM_NODES + 1)) --host "$hosts" --map-by slot --bind-to none \
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

# 75: there is more to do. The same job goes on from here, at the end of the queue; any other status is the job's.
[ "$status" -ne 75 ] || scontrol requeue "$SLURM_JOB_ID"
exit "$status"
