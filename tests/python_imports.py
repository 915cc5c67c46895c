#!/usr/bin/env python3
"""Do modules of the Python package import each other in no circle, however late? And what runs in tasks: does it import, before the
stage asks for more, the standard library alone, not random, and of the package nothing but itself and its version? And of libraries that
need not be installed, does `needed` stand around each import that may be the first of them, naming them?"""

import ast
import graphlib
import pathlib
import sys

PACKAGE = pathlib.Path(__file__).resolve().parents[1] / "src/python/taskfarm"


def is_for_checkers(node):
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports_of(tree, late=True):
    """The imports that are executed, as nodes; those within functions, too, if they are to be found however late."""
    for node in tree:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif is_for_checkers(node):
            yield from imports_of(node.orelse, late)
        elif late or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from imports_of(ast.iter_child_nodes(node), late)


def modules_of(node):
    """The modules that an import loads, by their whole names."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    inner = PACKAGE.parent.joinpath(*node.module.split("."))
    return [f"{node.module}.{a.name}" if (inner / f"{a.name}.py").exists() else node.module for a in node.names]


def libraries_of(module, imports, libraries):
    """The libraries that are needed to import a module."""
    loaded = loaded_with([module], imports)
    return {root for m in loaded for i in imports[m] if (root := i.partition(".")[0]) in libraries} | {module.partition(".")[0]} & libraries


def unguarded(own, tree, at_once, libraries):
    """Imports within functions that may fail for a library that no `needed` around them names."""

    def search(node, there):
        if is_for_checkers(node):
            return
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for module in modules_of(node):
                yield from (f"{own}:{node.lineno} imports {module}: needed({library!r}) must stand around it" for library in sorted(libraries_of(module, at_once, libraries) - there))
        if isinstance(node, ast.With):
            calls = [item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call)]
            named = [a.value for call in calls if getattr(call.func, "id", "") == "needed" for a in call.args if isinstance(a, ast.Constant)]
            there = there | {*named}
        for inner in ast.iter_child_nodes(node):
            yield from search(inner, there)

    there = libraries_of(own, at_once, libraries)
    return [line for node in tree for line in search(node, there)]


def loaded_with(roots, imports):
    """Modules of the package that are loaded as these are."""
    found, below = set(), list(roots)
    while below:
        module = below.pop()
        if module not in found and module in imports:
            found.add(module)
            below += imports[module]
    return found


def optional_libraries(sources):
    """Those that need not be installed, as _extras.py lists them."""
    tables = [node.value for node in sources.get("taskfarm._extras", ()) if isinstance(node, ast.Assign)]
    return {*ast.literal_eval(tables[0])} if tables else set()


def main():
    sources, wrong = {}, []
    for path in sorted(PACKAGE.rglob("*.py")):
        own = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        sources[own] = ast.parse(path.read_text()).body
    ever = {own: {m for node in imports_of(tree) for m in modules_of(node)} for own, tree in sources.items()}
    at_once = {own: {m for node in imports_of(tree, late=False) for m in modules_of(node)} for own, tree in sources.items()}
    own_part = ("taskfarm._slot", "taskfarm._version")
    for module in sorted(ever):
        if module.startswith("taskfarm._slot"):
            others = sorted(m for m in ever[module] if m.startswith("taskfarm.") and not m.startswith(own_part))
            wrong += [f"{module} imports {other}: slots import taskfarm._slot alone" for other in others]
    for module in sorted(loaded_with(["taskfarm._slot.main", "taskfarm._slot.slot", "taskfarm._slot.warm"], at_once)):
        roots = {m.partition(".")[0] for m in at_once[module]} - {*sys.stdlib_module_names, "taskfarm"}
        wrong += [f"{module} imports {root}, which no task has asked for" for root in sorted(roots | ({"random"} & at_once[module]))]
    libraries = optional_libraries(sources)
    for module in sorted(ever):
        if not module.startswith("taskfarm._slot"):
            wrong += unguarded(module, sources[module], at_once, libraries)
    try:
        graphlib.TopologicalSorter({own: {m for m in ever[own] if m.startswith("taskfarm.")} for own in ever}).prepare()
    except graphlib.CycleError as error:
        wrong.append("circle of imports: " + " -> ".join(error.args[1]))
    print("\n".join(wrong), end="\n" if wrong else "")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
