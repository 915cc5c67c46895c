# awk -f layers.awk FILES: a folder of src includes only itself and folders before it in this list; the scheduler knows no
# manifest, exec and what is before it no MPI and no HDF5, the store no scheduling;
# and a stage's length is asked of the stage.
BEGIN {
    count = split("base rows manifest graph sched batch host spawner slots store store/resume store/read reduce campaign report farm progress embed cli", list, " ")
    for (i = 1; i <= count; i++)
        layer[list[i]] = i
}

FNR == 1 {
    own = FILENAME
    sub("^src/", "", own)
    sub("/[^/]*$", "", own)
}

function refuse(what) {
    print FILENAME ":" FNR ": " own " must not include " what
    bad = 1
}

match($0, /^#include "[a-z\/]+\//) {
    folder = substr($0, 11, RLENGTH - 11)
    if (folder in layer) {
        if (layer[folder] > layer[own])
            refuse(folder)
        if ((own == "sched" && folder != "base" && folder != "sched") || ((own ~ /^store/ || own == "reduce") && (folder == "sched" || folder == "graph")))
            refuse(folder)
    }
}

/^#include <(mpi|hdf5|hdf5_hl)\.h>/ && layer[own] < layer["store"] { refuse($2) }

own != "manifest" && /[^A-Za-z0-9_]tf_space_size *\([^)]*space\)/ && !/tf_space_size\(space\)/ {
    print FILENAME ":" FNR ": how many tasks a stage has is asked of tf_stage_so_far or tf_stage_final, whichever is meant"
    bad = 1
}

END { exit bad }
