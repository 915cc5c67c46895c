"""The Python package: what importing it costs, its names, version and protocol, and how it is installed."""

import ast
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import farm
import h5py

PACKAGE = farm.SOURCE / "src/python/taskfarm"

# Names what was imported besides the interpreter's own, then whatever is asked for.
LISTING = "import sys; before = set(sys.modules); {}; print(*sorted(set(sys.modules) - before))"

# Has the build backend make an sdist or a wheel in a folder, as pip has it.
BACKEND = "import sys; from flit_core import buildapi; print(getattr(buildapi, 'build_' + sys.argv[1])(sys.argv[2]))"

# Where the slots of a map stand.
LOOK = """
import taskfarm

def look(x):
    import sys
    return {"prefix": sys.prefix, "path": ":".join(sys.path)}

taskfarm.map(look, taskfarm.product(x=[1, 2]), output="o.h5", progress="none",
             results={"prefix": "string", "path": "string"})
"""

# A run without any library, and what asks for one.
BARE = """
import taskfarm, m
run = taskfarm.map(m.f, {{"x": [1, 2, 3]}}, output="o.h5", progress="none")
print(run)
def show(ask):
    try:
        print(ask())
    except taskfarm.Error as error:
        print(error)
{calls}
"""
MISSING = {
    "run.frame": ["h5py", "numpy", "pandas"],
    "run.dataset": ["h5py", "numpy", "pandas", "xarray"],
    "run.to_dataset(masked=False)": ["h5py", "numpy", "pandas", "xarray"],
    "run.failed": ["h5py", "numpy", "pandas"],
    "run.reductions": ["h5py", "numpy", "xarray"],
    "run[1]": ["h5py", "numpy"],
    "taskfarm.open": ["h5py", "numpy"],
    'taskfarm.map(m.g, {"x": [1]}, output="p.h5", common={"c": [1.0]})': ["numpy"],
    'taskfarm.map(lambda x: x, {"x": [1]}, output="q.h5")': ["cloudpickle"],
}


def assigned(path, name):
    """The literal that a module assigns to a name."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path} assigns nothing to {name}")


def modules(package):
    """The modules of a package, by path."""
    return sorted(str(path.relative_to(package)) for path in package.rglob("*.py"))


def assigned_or_defined(path):
    """Names at the top level of a module."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign):
            names.add(node.target.id)
    return names


class PackageTest(farm.FarmTest):
    def run_checked(self, *command, folder=None, **more):
        """What a command prints; it must succeed."""
        command, folder = [str(word) for word in command], folder or self.folder
        self.last = farm.line_of(command, folder)
        done = subprocess.run(command, cwd=folder, env=farm.environment(**more), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, farm.told(done, folder))
        return done.stdout


@farm.first
class Package(PackageTest):
    def python(self, text, package=PACKAGE):
        """What a text prints, run where the package is found and nothing of Debian's or the user's."""
        command = ["/usr/bin/python3", "-S", "-B", "-W", "error", "-c", text]
        self.last = farm.line_of(command, self.folder)
        env = farm.environment(PYTHONPATH=str(package.parent))
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_importing_it_imports_next_to_nothing(self):
        came = set(self.python(LISTING.format("import taskfarm")).split())
        self.assertEqual(came, {"taskfarm"})

    def test_a_service_needs_the_standard_library_alone(self):
        came = self.python(LISTING.format("from taskfarm import serve, Task")).split()
        self.assertIn("taskfarm._service", came)
        roots = {name.partition(".")[0] for name in came}
        self.assertEqual(roots - set(sys.stdlib_module_names), {"taskfarm"})

    def test_each_name_is_found(self):
        """The table, the list of names and what type checkers see name the same, and every name is there."""
        source = PACKAGE / "__init__.py"
        homes, names = assigned(source, "_HOMES"), assigned(source, "__all__")
        self.assertEqual(sorted([*homes, "__version__"]), sorted(names))
        shown = re.search(r"^if TYPE_CHECKING:\n((?:    .*\n|\n)*)", source.read_text(), re.M)[1]
        seen = {
            alias.asname or alias.name: node.module.removeprefix("taskfarm.")
            for node in ast.parse(re.sub("^    ", "", shown, flags=re.M)).body
            for alias in node.names
        }
        self.assertEqual(seen, homes)
        for name, home in homes.items():
            with self.subTest(name=name):
                self.assertIn(name, assigned_or_defined(PACKAGE / f"{home}.py"))

    def test_another_name_is_refused(self):
        told = self.python("import taskfarm\ntry: taskfarm.mapp\nexcept AttributeError as error: print(error)")
        self.assertEqual(told, "module 'taskfarm' has no attribute 'mapp'\n")

    def test_a_library_that_is_missing_is_named_with_the_way_to_get_it(self):
        """All at once; what is there, or is none of the package's, is not named."""
        project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
        extras = {re.split("[ >=]", spec)[0] for name in ("cloudpickle", "pandas", "xarray") for spec in project["optional-dependencies"][name]}
        self.assertEqual(extras, {*assigned(PACKAGE / "_extras.py", "LIBRARIES")})
        ask = "from taskfarm._extras import needed\ntry:\n with needed({}): import {}\nexcept ImportError as error: print(type(error).__name__, error)"
        pip = "/usr/bin/python3 -m pip install"
        for libraries, imported, told in (
            ('"xarray"', "xarray.core", f"MissingLibrary this needs xarray, which is not installed: {pip} xarray"),
            ('"pandas", "numpy", "h5py"', "numpy", f"MissingLibrary this needs h5py, numpy and pandas, which are not installed: {pip} h5py numpy pandas"),
            ('"json", "h5py"', "h5py", f"MissingLibrary this needs h5py, which is not installed: {pip} h5py"),
            ('"nosuch"', "nosuch", "ModuleNotFoundError No module named 'nosuch'"),
        ):
            self.assertEqual(self.python(ask.format(libraries, imported)), told + "\n")

    def test_what_asks_for_a_library_that_is_missing_says_so(self):
        """Whatever of the package asks for it; and a run needs none."""
        self.write("m.py", "def f(x) -> float: return x / 2\ndef g(x, c) -> float: return x + c[0]\n")
        self.write("o.py", BARE.format(calls="\n".join(f"show(lambda: {call})" for call in MISSING)))
        command = ["/usr/bin/python3", "-S", "-B", "o.py"]
        self.last = farm.line_of(command, self.folder)
        env = farm.environment(PYTHONPATH=str(PACKAGE.parent), TASKFARM=farm.TASKFARM)
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        first, *lines = done.stdout.splitlines()
        self.assertRegex(first, r"^o\.h5: 3 done in ")
        for line, (call, missing) in zip(lines, MISSING.items(), strict=True):
            listed = ", ".join(missing[:-1]) + " and " * (len(missing) > 1) + missing[-1]
            verb = "are" if len(missing) > 1 else "is"
            way = f"/usr/bin/python3 -m pip install {' '.join(missing)}"
            self.assertEqual(line, f"this needs {listed}, which {verb} not installed: {way}", call)

    def test_names_are_listed_before_they_are_used(self):
        names = assigned(PACKAGE / "__init__.py", "__all__")
        self.assertEqual(set(names) - set(self.python("import taskfarm; print(*dir(taskfarm))").split()), set())

    def test_version_and_protocol_are_the_engine_s(self):
        version = assigned(PACKAGE / "__init__.py", "__version__")
        self.assertEqual(self.taskfarm("--version").stdout.split()[1], version)
        header = (farm.SOURCE / "src/host/python_protocol.h").read_text()
        protocol = int(re.search(r"#define TF_PYTHON_PROTOCOL (\d+)", header)[1])
        self.assertEqual(assigned(PACKAGE / "_version.py", "PROTOCOL"), protocol)

    def refusal(self, program, package=PACKAGE):
        """What the package says of an engine."""
        ask = f"try: print(_protocol.require_engine({str(program)!r})['protocol'])\nexcept EngineError as error: print(error)"
        return self.python(f"from taskfarm import EngineError, _protocol\n{ask}", package).rstrip("\n")

    def other_package(self, protocol):
        """A copy of the package that has another protocol."""
        package = self.folder / f"package{protocol}/taskfarm"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        version = package / "_version.py"
        version.write_text(re.sub(r"PROTOCOL = \d+", f"PROTOCOL = {protocol}", version.read_text()))
        return package

    def program(self, name, text):
        """A program that is not this engine."""
        path = self.write(name, f"#!/bin/sh\n{text}")
        path.chmod(0o755)
        return path

    def test_an_engine_of_the_same_protocol(self):
        self.assertEqual(self.refusal(farm.TASKFARM), str(assigned(PACKAGE / "_version.py", "PROTOCOL")))

    def test_an_older_package_is_told_from_a_newer_engine(self):
        said = json.loads(self.taskfarm("version", "--json").stdout)
        package = self.other_package(said["protocol"] - 1)
        self.assertEqual(
            self.refusal(farm.TASKFARM, package),
            f"the engine {farm.TASKFARM} ({said['version']}, protocol {said['protocol']}) and the Python package {package} "
            f"({said['version']}, protocol {said['protocol'] - 1}) do not understand each other; the package is older: "
            "/usr/bin/python3 -m pip install the one that belongs to the engine, "
            f"or use the engine's own copy: PYTHONPATH={said['python']}",
        )

    def test_a_newer_package_is_told_from_an_older_engine(self):
        said = json.loads(self.taskfarm("version", "--json").stdout)
        package = self.other_package(said["protocol"] + 1)
        way = "the engine is older: install the taskfarm that belongs to the package, or name its program by TASKFARM"
        self.assertEqual(
            self.refusal(farm.TASKFARM, package),
            f"the engine {farm.TASKFARM} ({said['version']}, protocol {said['protocol']}) and the Python package {package} "
            f"({said['version']}, protocol {said['protocol'] + 1}) do not understand each other; {way}",
        )
        first = self.program(
            "first",
            'case $1 in --version) echo "taskfarm 0.0.9 (0123456789ab)" ;; *) echo "taskfarm: run does not take --json" >&2; exit 2 ;; esac\n',
        )
        self.assertEqual(
            self.refusal(first),
            f"the engine {first} (0.0.9, protocol 0) and the Python package {PACKAGE} ({said['version']}, "
            f"protocol {said['protocol']}) do not understand each other; {way}",
        )

    def test_map_starts_no_engine_of_another_protocol(self):
        own = int(assigned(PACKAGE / "_version.py", "PROTOCOL"))
        for package in (self.other_package(own - 1), self.other_package(own + 1)):
            ask = "taskfarm.map(math.sqrt, taskfarm.product(x=[4.0]), output='o.h5', results=float)"
            told = self.python(f"import math, taskfarm\ntry: {ask}\nexcept taskfarm.EngineError as error: print(error)", package)
            self.assertIn(f"the engine {farm.TASKFARM} (", told)
            self.assertIn(f"and the Python package {package} (", told)
            self.assertEqual([path for path in os.listdir(self.folder) if path.startswith("o")], [])

    def test_a_program_that_is_no_engine(self):
        other = self.program("other", "echo what is $1 >&2; exit 2\n")
        self.assertEqual(self.refusal(other), f"{other}: does not say which version of taskfarm it is: what is version")
        mute = self.program("mute", "exit 4\n")
        self.assertEqual(self.refusal(mute), f"{mute}: does not say which version of taskfarm it is: exit status 4")
        self.assertEqual(self.refusal(self.folder / "none"), f"{self.folder}/none: No such file or directory")
        text = self.write("text", "no program")
        self.assertEqual(self.refusal(text), f"{text}: can't be started: Permission denied")

    def test_the_engine_s_own_copy_is_alone_in_its_folder(self):
        self.run_checked("cmake", "--install", farm.BUILD, "--prefix", self.folder / "prefix")
        installed = self.folder / "prefix/bin/taskfarm"
        said = json.loads(self.run_checked(installed, "version", "--json"))
        own = self.folder.resolve() / "prefix/share/taskfarm/python"
        self.assertEqual(said["python"], str(own))
        self.assertEqual([path.name for path in own.iterdir()], ["taskfarm"])
        self.assertEqual(self.refusal(installed, own / "taskfarm"), str(assigned(PACKAGE / "_version.py", "PROTOCOL")))

    def test_an_installed_one_is_where_debian_s_python_looks(self):
        """Below /usr/local and /usr on its path; below another prefix in the folder of that name."""
        looks = self.run_checked("/usr/bin/python3", "-I", "-c", "import site; print(*site.getsitepackages())").split()
        for prefix, folder in (("/usr/local", looks[0]), ("/usr", looks[1]), ("/opt/farm", "/opt/farm/lib/python3/dist-packages")):
            with self.subTest(prefix=prefix):
                self.run_checked("cmake", "--install", farm.BUILD, "--prefix", prefix, DESTDIR=str(self.folder))
                package = self.folder / folder.lstrip("/") / "taskfarm"
                self.assertEqual(modules(package), modules(PACKAGE))
                self.assertTrue((package / "py.typed").exists())
                told = self.python("import taskfarm; print(taskfarm.__file__)", package).rstrip()
                self.assertEqual(told, str(package / "__init__.py"))

    def test_slots_with_the_package_of_another_version_are_refused(self):
        """An installation of which one half was replaced."""
        prefix = self.folder.resolve() / "prefix"
        self.run_checked("cmake", "--install", farm.BUILD, "--prefix", prefix)
        version = prefix / "share/taskfarm/python/taskfarm/_version.py"
        version.write_text(re.sub(r"PROTOCOL = \d+", "PROTOCOL = 99", version.read_text()))
        self.write("m.py", "def f(x): return x\n")
        self.write("m.json", {"name": "m", "over": {"x": [1, 2]}, "run": {"python": "m.py:f"}, "results": {"y": "int64"}})
        done = subprocess.run([prefix / "bin/taskfarm", "m.json"], cwd=self.folder, env=farm.environment(), capture_output=True, text=True)
        said = json.loads(self.taskfarm("version", "--json").stdout)
        self.assertIn(
            f"the engine {prefix}/bin/taskfarm ({said['version']}) has protocol {said['protocol']} with Python slots, and its package "
            f"{version.parent} ({said['version']}) protocol 99; install both of one version\n",
            done.stderr,
        )
        self.assertEqual(self.open("m.h5")["m/task/attempts"][()].tolist(), [0, 0])

    def test_its_licence_is_the_project_s(self):
        self.assertEqual((PACKAGE.parent / "LICENSE").read_text(), (farm.SOURCE / "LICENSE").read_text())


class Distribution(PackageTest):
    def setUp(self):
        super().setUp()
        self.project = self.folder / "project"
        shutil.copytree(PACKAGE.parent, self.project, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))

    def build(self, what):
        """The path of an sdist or a wheel, built by the backend of pyproject.toml as pip calls it."""
        name = self.run_checked("/usr/bin/python3", "-B", "-c", BACKEND, what, self.folder, folder=self.project)
        return self.folder / name.split()[-1]

    def check_installed(self, python):
        """The package in an environment: all of its modules, its types, its version, and nothing of Debian's around it."""
        ask = "import sys, taskfarm; print(taskfarm.__file__, taskfarm.__version__, *sys.path, sep='\\n')"
        file, version, *path = self.run_checked(python, "-c", ask).split("\n")
        package = pathlib.Path(file).parent
        self.assertIn(python.parents[1], package.parents)
        self.assertTrue((package / "py.typed").exists())
        self.assertEqual(modules(package), modules(PACKAGE))
        self.assertEqual([folder for folder in path if "dist-packages" in folder], [])
        listed = self.run_checked(python, "-m", "pip", "list", "--format", "freeze", "--disable-pip-version-check")
        self.assertIn(f"taskfarm=={version}\n", listed)
        self.run_checked(python, "-m", "pip", "check", "--disable-pip-version-check")

    def test_wheel_and_sdist_go_into_an_empty_environment(self):
        """By pip, which calls the build backend for an sdist; that one is here, for there is no index to get it from."""
        wheel, sdist = self.build("wheel"), self.build("sdist")
        self.assertRegex(wheel.name, r"^taskfarm-[0-9.]+-py3-none-any\.whl$")
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
        self.assertEqual({name.partition("/")[0].partition("-")[0] for name in names}, {"taskfarm"})
        self.assertTrue([name for name in names if name.endswith("/LICENSE")])
        with tarfile.open(sdist) as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
        self.assertLessEqual({"LICENSE", "README.md", "pyproject.toml", "PKG-INFO", "taskfarm/py.typed"}, names)

        self.run_checked("/usr/bin/python3", "-m", "venv", self.folder / "venv")
        python = self.folder / "venv/bin/python"
        pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        self.run_checked(*pip, "install", "--no-index", wheel)
        self.check_installed(python)
        self.run_checked(*pip, "uninstall", "--yes", "taskfarm")
        os.mkdir(self.folder / "backend")
        os.symlink("/usr/lib/python3/dist-packages/flit_core", self.folder / "backend/flit_core")
        backend = {"PYTHONPATH": str(self.folder / "backend")}
        self.run_checked(*pip, "install", "--no-index", "--no-build-isolation", sdist, **backend)
        self.check_installed(python)

    def test_a_map_in_a_python_that_is_not_debian_s(self):
        """The engine is found beside the Python, its slots run that Python, and nothing of Debian's is on their path."""
        self.run_checked("/usr/bin/python3", "-m", "venv", self.folder / "venv")
        python = self.folder / "venv/bin/python"
        self.run_checked(python, "-m", "pip", "install", "--quiet", "--no-index", self.build("wheel"))
        packages = next(self.folder.glob("venv/lib/python*/site-packages"))
        shutil.copytree("/usr/lib/python3/dist-packages/cloudpickle", packages / "cloudpickle")
        (python.parent / "taskfarm").symlink_to(farm.TASKFARM)
        self.write("o.py", LOOK)
        self.run_checked(python, "-I", "o.py", PATH="/usr/bin:/bin")
        with h5py.File(self.folder / "o.h5") as file:
            (stage,) = (name for name in file if "results" in file[name])
            prefixes, paths = (file[stage]["results"][name].asstr()[()] for name in ("prefix", "path"))
        self.assertEqual(list(prefixes), [str(self.folder.resolve() / "venv")] * 2)
        for path in paths:
            engine, *rest = path.split(":")
            self.assertEqual(engine, str(PACKAGE.parent))
            self.assertIn(str(packages.resolve()), rest)
            self.assertEqual([folder for folder in rest if "dist-packages" in folder], [])


farm.main()
