# taskfarm for Spack, from a clone of its sources:
#     spack repo add jobs/setup/spack
#     spack dev-build taskfarm@0.1.0
from spack.package import *


class Taskfarm(CMakePackage):
    """An MPI task farm: tasks from a JSON manifest, typed results in one parallel HDF5 file."""

    license("BSD-3-Clause")

    variant("python", default=True, description="With what the Python package writes functions and reads outputs by")

    version("0.1.0")

    depends_on("c", type="build")
    depends_on("cmake@3.25:", type="build")
    depends_on("ninja", type="build")
    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    depends_on("hdf5@1.10.5:+mpi+hl")
    depends_on("cjson")
    depends_on("hwloc@2:")
    depends_on("muparser")
    depends_on("random123")
    depends_on("xxhash")
    depends_on("python@3.11:", type="run")
    for package in ("py-cloudpickle", "py-h5py", "py-numpy", "py-pandas", "py-xarray"):
        depends_on(package, type="run", when="+python")

    generator("ninja")

    def setup_run_environment(self, env):
        env.prepend_path("PYTHONPATH", self.prefix.share.taskfarm.python)
