"""The Python package: what importing it costs, its names, its version and protocol."""

import ast
import re
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
    def python(self, text, *options):
        """What a text prints, run where the package is found and nothing of Debian's or the user's."""
        command = ["/usr/bin/python3", "-S", "-B", "-W", "error", *options, "-c", text]
        self.last = farm.line_of(command, self.folder)
        env = {"PYTHONPATH": str(PACKAGE.parent), "PATH": "/usr/bin:/bin"}
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
