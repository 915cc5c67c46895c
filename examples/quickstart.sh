#!/bin/sh
# From a fresh clone to a first result: installs what is missing, builds, runs the main job under mpirun, shows what is in
# its file.
#   examples/quickstart.sh [RANKS]        default: 3, one master and two workers
set -eu
cd "$(dirname "$0")/.."
ranks=${1:-3}

echo "== What is missing is installed"
jobs/setup/debian.sh

echo "== Build"
cmake --preset release
cmake --build --preset release
make -C examples/bootstrap

echo "== Run: a bootstrap of a spectrum's slope, 10^6 replicates, on $ranks ranks"
if [ "$(id -u)" -eq 0 ]; then # Open MPI wants to be told twice
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
mpirun --oversubscribe -n "$ranks" build/release/taskfarm examples/bootstrap/manifest.json --fresh

echo "== What is in the file"
h5dump -n examples/bootstrap/bootstrap.h5
/usr/bin/python3 - examples/bootstrap/bootstrap.h5 <<'EOF'
import sys, h5py, numpy
stage = h5py.File(sys.argv[1])["bootstrap"]
slope = stage["results/slope"][()]
low, high = numpy.quantile(slope, [0.025, 0.975])
print(f"{(stage['task/status'][()] == 1).sum()} replicates are done")
print(f"slope d log F / d log wavelength of Feige 34: {slope.mean():.4f} +- {slope.std():.4f}, 95 % in [{low:.4f}, {high:.4f}]")
EOF
