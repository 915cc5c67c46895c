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

# taskfarm stops by itself before its time is over. The signal comes earlier where the job is to end earlier than it knew.
mpirun -n $((SLURM_JOB_NUM_NODES + 1)) --host "$hosts" --map-by slot --bind-to none \
    taskfarm --slots "$cores" --walltime "$left" "$manifest" &
farm=$!
trap 'kill -USR1 $farm' USR1 TERM
wait $farm
status=$?
while kill -0 $farm 2>/dev/null; do # a signal has ended the wait, not the run
    wait $farm
    status=$?
done

# 75: there is more to do. The same job goes on from here, at the end of the queue; any other status is the job's.
[ $status -ne 75 ] || scontrol requeue "$SLURM_JOB_ID"
exit $status
