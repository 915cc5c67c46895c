"""Setting up a machine: what is missing is installed, or named to those who may not install."""

import os
import re
import subprocess
import tomllib

import farm

SETUP = farm.SOURCE / "jobs/setup/debian.sh"


@farm.first
class Setup(farm.FarmTest):
    def setup(self, missing, user, *arguments):
        """Runs debian.sh with `missing` packages not there, as user number `user`; apt-get only says what it is told."""
        self.write("bin/id", f"#!/bin/sh\necho {user}\n")
        self.write("bin/apt-get", '#!/bin/sh\necho "apt-get $*"\n')
        cases = " | ".join(missing) or "-"
        self.write(
            "bin/dpkg-query", f'#!/bin/sh\nfor last; do :; done\ncase $last in {cases}) exit 1 ;; *) echo "ii " ;; esac\n'
        )
        for program in ("id", "apt-get", "dpkg-query"):
            (self.folder / "bin" / program).chmod(0o755)
        env = dict(os.environ, PATH=f"{self.folder}/bin:{os.environ['PATH']}")
        return subprocess.run(["sh", SETUP, *arguments], env=env, capture_output=True, text=True)

    def test_does_nothing_where_everything_is_there(self):
        for user in (0, 1000):
            done = self.setup([], user, "--tests")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_installs_as_root_what_is_missing(self):
        done = self.setup(["cmake", "libcjson-dev"], 0)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(
            done.stdout,
            "apt-get update -q\napt-get install -q -y --no-install-recommends cmake libcjson-dev\n",
        )

    def test_tells_others_what_to_ask_for(self):
        done = self.setup(["valgrind", "libcjson-dev"], 1000, "--tests")
        self.assertEqual(done.returncode, 1)
        self.assertIn("sudo apt-get install --no-install-recommends libcjson-dev valgrind\n", done.stderr)
        self.assertEqual(done.stdout, "")

    def test_names_only_packages_that_there_are(self):
        names = re.search(r'packages="(.*?)"', SETUP.read_text(), re.S)[1].split()
        names += re.search(r'packages="\$packages (.*?)"', SETUP.read_text(), re.S)[1].split()
        known = subprocess.run(["dpkg-query", "-W", "-f", "${Package}\n", *names], capture_output=True, text=True)
        self.assertEqual(known.stderr, "")
        self.assertEqual(len(set(names)), len(known.stdout.split()))

    def test_the_spack_package_has_what_cmake_looks_for(self):
        """Its directives alone, without Spack."""
        said, lists = {}, (farm.SOURCE / "CMakeLists.txt").read_text()
        scope = {name: lambda *a, name=name, **k: said.setdefault(name, []).append(a[0]) for name in ("version", "license", "variant", "depends_on", "generator")}
        source = (farm.SOURCE / "jobs/setup/spack/packages/taskfarm/package.py").read_text()
        exec(source.replace("from spack.package import *", ""), scope | {"CMakePackage": object})
        self.assertIn(f'__version__ = "{said["version"][0]}"', (farm.SOURCE / "src/python/taskfarm/__init__.py").read_text())
        names = {re.split("[@+]", spec)[0] for spec in said["depends_on"]}
        sought = {module.removeprefix("lib") for module in re.findall(r"IMPORTED_TARGET ([a-z]+)", lists)}
        sought |= {name.lower() for name in re.findall(r"find_package\((MPI|HDF5|PkgConfig)", lists)}
        self.assertEqual(sought - names, set())
        packages = {name for name in names if name.startswith("py-")}
        self.assertEqual(names - sought - packages, {"c", "cmake", "ninja", "random123", "python"})
        project = tomllib.loads((farm.SOURCE / "src/python/pyproject.toml").read_text())["project"]
        extras = {re.split("[ >=]", spec)[0] for extra in ("cloudpickle", "pandas", "xarray") for spec in project["optional-dependencies"][extra]}
        self.assertEqual({name.removeprefix("py-") for name in packages}, extras)
        self.assertIn(f"python@{project['requires-python'].removeprefix('>=')}:", said["depends_on"])
        self.assertIn(f"cmake@{re.search(r'cmake_minimum_required.VERSION ([0-9.]+)', lists)[1]}:", said["depends_on"])
        self.assertIn(f"hdf5@{re.search(r'HDF5_VERSION VERSION_LESS ([0-9.]+)', lists)[1]}:+mpi+hl", said["depends_on"])


farm.main()
