#!/bin/sh
# Installs what taskfarm needs on Debian 12 or later; does nothing where everything is there.
#   debian.sh            what the build and the examples need
#   debian.sh --tests    that, and what tests/run.sh needs
#   debian.sh --mpich    that, and MPICH with its HDF5, for the preset mpich
#   debian.sh --bench    what the build needs, and the peers that tests/bench/run.sh measures
# As an ordinary user it installs nothing and says which command would.
set -eu

packages="gcc g++ make cmake ninja-build pkg-config
    libopenmpi-dev openmpi-bin libhdf5-openmpi-dev libcjson-dev libmuparser-dev libxxhash-dev libhwloc-dev librandom123-dev
    libcfitsio-dev hdf5-tools python3 python3-numpy python3-h5py python3-cloudpickle python3-xarray python3-pandas
    python3-matplotlib python3-astropy"
if [ "${1:-}" = "--tests" ] || [ "${1:-}" = "--mpich" ]; then
    packages="$packages git gfortran libcriterion-dev python3-h5netcdf python3-jsonschema python3-nbclient python3-ipykernel
        python3-nbconvert python3-venv flit
        valgrind cppcheck clang clang-format clang-tidy libclang-rt-dev graphviz snakemake
        coop-computing-tools groff-base zsh chromium chromium-driver python3-selenium slurm-wlm munge
        environment-modules strace iproute2 procps"
fi
if [ "${1:-}" = "--mpich" ]; then
    packages="$packages mpich libmpich-dev libhdf5-mpich-dev"
elif [ "${1:-}" = "--bench" ]; then
    packages="$packages parallel findutils time snakemake coop-computing-tools python3-distributed python3-mpi4py"
fi

missing=""
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    case "$state" in
    ii*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
    echo "$0: these packages are missing; please have them installed, then start again:" >&2
    echo "    sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086  # a list of words is meant
apt-get install -q -y --no-install-recommends $missing
