#!/usr/bin/env python3
"""The ids of diagnostics: unique words, each with a row in the table and a place where it is used, and docs/running.md
lists the same. Usage: tests/diagnostic_ids.py"""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TABLE = "src/base/diagnostic_ids"


def table():
    """[(constant, id, meaning)], without the one that means nothing."""
    text = (ROOT / f"{TABLE}.c").read_text()
    rows = re.findall(r'\[(TF_DIAG_\w+)\] =\s*\{"([^"]*)",\s*((?:"[^"]*"\s*)+)\}', text)
    rows = [(constant, name, "".join(re.findall(r'"([^"]*)"', meaning))) for constant, name, meaning in rows]
    return [row for row in rows if row[0] != "TF_DIAG_NONE"]


def constants():
    """Those of the enum, in its order."""
    text = (ROOT / f"{TABLE}.h").read_text()
    return [c for c in re.findall(r"^ +(TF_DIAG_\w+),", text, re.M) if c not in ("TF_DIAG_NONE", "TF_DIAG_IDS")]


def used():
    """The constants that some other file names."""
    files = [f for f in (ROOT / "src").rglob("*.[ch]") if not str(f).startswith(str(ROOT / TABLE))]
    files.append(ROOT / f"{TABLE}.c")
    found = set()
    for file in files:
        text = file.read_text()
        if file == files[-1]:
            text = text[text.index("};") :]  # its functions
        found.update(re.findall(r"\bTF_DIAG_\w+", text))
    return found


def documented():
    """[(id, meaning)] of the tables in docs/running.md."""
    text = (ROOT / "docs/running.md").read_text()
    part = text.split("\n## Ids of what is wrong\n", 1)[-1].split("\n## ", 1)[0]
    return re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", part, re.M)


def faults():
    rows, names = table(), [name for _, name, _ in table()]
    if [constant for constant, _, _ in rows] != constants():
        yield "the table's rows are not the enum's constants, in its order"
    for constant, name, meaning in rows:
        if constant != "TF_DIAG_" + name.upper().replace("-", "_"):
            yield f"{constant} is not called as its id, {name}"
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z]+)*", name):
            yield f"{name}: an id is lower-case words with hyphens between them"
        if names.count(name) > 1:
            yield f"{name}: two kinds have this id"
        if not meaning.endswith("."):
            yield f"{name}: its meaning is no sentence"
        if constant not in used():
            yield f"{name}: nothing is diagnosed as this"
    if documented() != [(name, meaning) for _, name, meaning in rows]:
        yield "docs/running.md does not list the ids of the table, with their meanings, in its order"


def main():
    found = list(faults())
    print("".join(f"diagnostic_ids: {fault}\n" for fault in found), end="")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
