"""The Python package: what importing it costs, its names, its version and protocol."""

import ast
import json
import re
import shutil
import subprocess
import sys

import farm

PACKAGE = farm.SOURCE / "src/python/taskfarm"

# Names what was imported besides the interpreter's own, then whatever is asked for.
LISTING = "import sys; before = set(sys.modules); {}; print(*sorted(set(sys.modules) - before))"


def assigned(path, name):
    """The literal that a module assigns to a name."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"{path} assigns nothing to {name}")


@farm.first
class Package(farm.FarmTest):
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
        self.assertEqual(came, {"taskfarm", "taskfarm._version"})

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

    def test_names_are_listed_before_they_are_used(self):
        names = assigned(PACKAGE / "__init__.py", "__all__")
        self.assertEqual(set(names) - set(self.python("import taskfarm; print(*dir(taskfarm))").split()), set())

    def test_version_and_protocol_are_the_engine_s(self):
        version = assigned(PACKAGE / "_version.py", "__version__")
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

    def test_a_program_that_is_no_engine(self):
        other = self.program("other", "echo what is $1 >&2; exit 2\n")
        self.assertEqual(self.refusal(other), f"{other}: does not say which version of taskfarm it is: what is version")
        mute = self.program("mute", "exit 4\n")
        self.assertEqual(self.refusal(mute), f"{mute}: does not say which version of taskfarm it is: exit status 4")
        self.assertEqual(self.refusal(self.folder / "none"), f"{self.folder}/none: No such file or directory")
        text = self.write("text", "no program")
        self.assertEqual(self.refusal(text), f"{text}: can't be started: Permission denied")

    def test_the_engine_s_own_copy_is_alone_in_its_folder(self):
        self.last = "cmake --install"
        subprocess.run(
            ["cmake", "--install", farm.BUILD, "--prefix", self.folder / "prefix"], check=True, stdout=subprocess.DEVNULL
        )
        installed = self.folder / "prefix/bin/taskfarm"
        done = subprocess.run([installed, "version", "--json"], env=farm.environment(), capture_output=True, text=True, check=True)
        own = self.folder.resolve() / "prefix/share/taskfarm/python"
        self.assertEqual(json.loads(done.stdout)["python"], str(own))
        self.assertEqual([path.name for path in own.iterdir()], ["taskfarm"])
        self.assertEqual(self.refusal(installed, own / "taskfarm"), str(assigned(PACKAGE / "_version.py", "PROTOCOL")))

    def test_its_licence_is_the_project_s(self):
        self.assertEqual((PACKAGE.parent / "LICENSE").read_text(), (farm.SOURCE / "LICENSE").read_text())


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


farm.main()
