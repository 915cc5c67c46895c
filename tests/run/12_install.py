"""The installed package: plugins are built against it by CMake and by pkg-config, as C, C++ and Fortran, and run."""

import os
import pathlib
import platform
import re
import shutil
import subprocess
import unittest

import farm

PLUGIN = """
#include <taskfarm/plugin.h>

TF_PLUGIN;
TF_EXTERN TF_EXPORT tf_task_fn square;

int square(const tf_task *task, tf_row *row) {
    double x = tf_get_double(task, "x");
    tf_put_double(row, "y", x * x);
    return TF_SUCCESS;
}
"""

FORTRAN = """
module square_plugin
    use, intrinsic :: iso_c_binding
    implicit none
    integer(c_int), bind(c, name="tf_plugin_abi") :: tf_plugin_abi = 1
    interface
        real(c_double) function tf_get_double(task, name) bind(c)
            import :: c_double, c_ptr, c_char
            type(c_ptr), value :: task
            character(kind=c_char), intent(in) :: name(*)
        end function
        subroutine tf_put_double(row, name, value) bind(c)
            import :: c_double, c_ptr, c_char
            type(c_ptr), value :: row
            character(kind=c_char), intent(in) :: name(*)
            real(c_double), value :: value
        end subroutine
    end interface
contains
    integer(c_int) function square(task, row) bind(c)
        type(c_ptr), value :: task, row
        real(c_double) :: x
        x = tf_get_double(task, c_char_"x" // c_null_char)
        call tf_put_double(row, c_char_"y" // c_null_char, x * x)
        square = 0
    end function
end module
"""

CMAKE = """
cmake_minimum_required(VERSION 3.25)
project(mine C CXX)
find_package(taskfarm REQUIRED)
taskfarm_add_plugin(square square.c)
taskfarm_add_plugin(squarexx square.cpp)
"""


class Install(farm.FarmTest):
    def run_checked(self, *command, **options):
        done = subprocess.run([str(c) for c in command], cwd=self.folder, capture_output=True, text=True, **options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def run_plugin(self, program, library):
        self.write(
            "square.json",
            {
                "over": {"x": {"range": [5]}},
                "run": {"function": f"{library}:square"},
                "results": {"y": "float64"},
            },
        )
        self.run_checked(program, "square.json", "--fresh", env=farm.environment())
        file = self.open("square.h5")
        self.assertEqual(list(file["square/results/y"][()]), [0, 1, 4, 9, 16])
        file.close()

    def test_plugins_build_against_it_and_run(self):
        prefix = self.folder / "prefix"
        self.run_checked("cmake", "--install", farm.BUILD, "--prefix", prefix)
        program = prefix / "bin/taskfarm"
        self.assertTrue(os.access(program, os.X_OK))
        for told in ("man/man1/taskfarm.1", "man/man1/taskfarm-export.1", "bash-completion/completions/taskfarm"):
            self.assertIn("export", (prefix / "share" / told).read_text())
        self.assertIn("#compdef taskfarm", (prefix / "share/zsh/site-functions/_taskfarm").read_text())
        load = "module use prefix/share/modulefiles; module load taskfarm; command -v taskfarm; echo $PYTHONPATH; pkg-config --variable=includedir taskfarm"
        told = self.run_checked("bash", "-c", f". /usr/share/modules/init/bash; {load}", env=farm.environment(PYTHONPATH="", PKG_CONFIG_PATH="")).split()
        self.assertEqual(told[:2], [str(program), str(prefix / "share/taskfarm/python")])
        self.assertEqual(pathlib.Path(told[2]).resolve(), prefix / "include")
        self.write("square.c", PLUGIN)
        self.write("square.cpp", PLUGIN)
        self.write("CMakeLists.txt", CMAKE)
        self.run_checked("cmake", "-B", "build", "-S", ".", f"-DCMAKE_PREFIX_PATH={prefix}")
        self.run_checked("cmake", "--build", "build")
        self.run_plugin(program, "build/libsquare.so")
        self.run_plugin(program, "build/libsquarexx.so")
        self.write("square.f90", FORTRAN)
        self.run_checked("gfortran", "-Wall", "-Werror", "-fPIC", "-shared", "square.f90", "-o", "f.so")
        self.run_plugin(program, "./f.so")
        packages = next(prefix.rglob("taskfarm.pc")).parent
        flags = self.flags(packages, "--cflags", "taskfarm")
        self.run_checked("cc", "-std=c17", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", *flags, "square.c", "-o", "s.so")
        self.run_plugin(program, "./s.so")
        if not farm.SANITIZED:  # a library with sanitizers is for programs that have them, too
            self.check_embedding(prefix, packages)

    def flags(self, packages, *arguments):
        """What pkg-config says of packages in this folder."""
        return self.run_checked("pkg-config", *arguments, env=dict(os.environ, PKG_CONFIG_PATH=str(packages))).split()

    @farm.first
    def test_pkg_config_finds_it_where_it_is(self):
        self.run_checked("cmake", "--install", farm.BUILD, "--prefix", self.folder / "prefix")
        (self.folder / "prefix").rename(self.folder / "moved")
        packages = next((self.folder / "moved").rglob("taskfarm.pc")).parent
        for package, header in (("taskfarm", "plugin.h"), ("taskfarm-embed", "taskfarm.h")):
            include = self.flags(packages, "--cflags-only-I", package)[0].removeprefix("-I")
            self.assertTrue((pathlib.Path(include) / "taskfarm" / header).exists(), include)
        library = self.flags(packages, "--libs-only-L", "taskfarm-embed")[0].removeprefix("-L")
        self.assertTrue((pathlib.Path(library) / "libtaskfarm.so").exists(), library)

    @farm.first
    def test_each_verb_has_a_manual_page(self):
        self.run_checked("cmake", "--install", farm.BUILD, "--prefix", self.folder / "prefix")
        verbs = re.findall(r"^taskfarm \[?(\w+)", self.taskfarm("--help").stdout, re.M)
        self.assertIn("diff", verbs)
        pages = [path.name for path in (self.folder / "prefix/share/man/man1").iterdir()]
        self.assertEqual(sorted(pages), sorted(["taskfarm.1"] + [f"taskfarm-{verb}.1" for verb in verbs]))

    def binaries(self, folder):
        """Programs and shared libraries below it, each with what readelf says of its dynamic section, headers and notes."""
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and "CMakeFiles" not in path.parts:
                with open(path, "rb") as file:
                    if file.read(4) == b"\x7fELF" and path.suffix != ".o":
                        yield path, self.run_checked("readelf", "-W", "--dynamic", "--segments", "--notes", "--dyn-syms", path)

    @farm.first
    def test_no_library_is_looked_for_where_one_stands(self):
        """An empty or relative element of a search path is the current folder, and whoever filled it runs in the user's name."""
        self.run_checked("cmake", "--install", farm.BUILD, "--prefix", self.folder / "prefix")
        found = 0
        for folder in (farm.BUILD, self.folder / "prefix"):
            for path, told in self.binaries(folder):
                for search in re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", told):
                    found += 1
                    for element in search.split(":"):
                        self.assertRegex(element, r"^(/|\$ORIGIN(/|$))", f"{path}: {search}")
        self.assertGreater(found, 0)
        self.write("libcjson.so.1", "no library")
        for program in (farm.TASKFARM, self.folder / "prefix/bin/taskfarm"):
            self.assertIn("taskfarm ", self.run_checked(program, "--version", env=farm.environment()))

    @unittest.skipIf(farm.SANITIZED, "sanitizers take the place of hardening")
    def test_what_is_installed_is_hardened(self):
        self.run_checked("cmake", "--install", farm.BUILD, "--prefix", self.folder / "prefix")
        names = []
        for path, told in self.binaries(self.folder / "prefix"):
            names.append(path.name.split(".")[0])
            with self.subTest(name=path.name):
                self.assertRegex(told, r"Elf file type is DYN")
                self.assertRegex(told, r"GNU_RELRO")
                self.assertRegex(told, r"\(FLAGS\) +BIND_NOW")
                self.assertNotRegex(told, r"GNU_STACK.* RWE ")
                self.assertIn("__stack_chk_fail", told)
                self.assertIn("__vsnprintf_chk", told)
                if platform.machine() == "x86_64":  # functions begin where jumps may go to; the C library's own parts need not
                    self.assertGreater(path.read_bytes().count(b"\xf3\x0f\x1e\xfa"), 100, "endbr64")
        self.assertEqual(sorted(names), ["libtaskfarm", "taskfarm"])

    def check_embedding(self, prefix, packages):
        shutil.copytree(farm.EXAMPLES / "embed", self.folder / "embed")
        mpicc = "mpicc.mpich" if farm.MPICH else "mpicc"
        self.run_checked("cmake", "-S", "embed", "-B", "embed/build", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DMPI_C_COMPILER={mpicc}")
        self.run_checked("cmake", "--build", "embed/build")
        flags = self.flags(packages, "--cflags", "--libs", "taskfarm-embed")
        self.run_checked(mpicc, "-std=c17", "-Wall", "-Wextra", "-Werror", "embed/delayed.c", *flags, "-o", "delayed")
        for built in ("embed/build/delayed", "delayed"):
            (self.folder / "delayed.h5").unlink(missing_ok=True)
            told = self.run_checked(farm.MPIRUN, "-n", 2, self.folder / built, env=farm.environment())
            self.assertEqual(told, "inc(1) + inc(2) = 5\n1 + 4 + 9 + ... = 333833500\n")


farm.main()
