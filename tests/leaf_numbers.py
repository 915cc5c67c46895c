#!/usr/bin/env python3
"""The numbers of leaves and of what joins them, which outputs store in fingerprints: each has one, and no two have the same.
Usage: tests/leaf_numbers.py [SRC]"""

import pathlib
import re
import sys

SRC = pathlib.Path(__file__).resolve().parent.parent / "src"


def numbers(src):
    """[(file, name, number)], in which the number is None where none is given."""
    for path in sorted(src.rglob("*.[ch]")):
        text = path.read_text()
        for name, members in re.findall(r"\bleaf_kind (\w+) = \{(.*?)\}", text, re.S):
            number = re.search(r"\.number = (\d+)", members)
            yield path.name, name, number and int(number[1])
        for join, number in re.findall(r"\b(JOIN_\w+) = (\d+)", text):
            yield path.name, join, int(number)


def main(src=SRC):
    owners, bad = {}, 0
    found = list(numbers(pathlib.Path(src)))
    free = 1 + max(number or 0 for _, _, number in found)
    for file, name, number in found:
        if number is None:
            print(f"{file}: {name} has no .number; the next is {free}")
        elif number in owners:
            print(f"{file}: {name} has the number {number} of {owners[number]}; the next is {free}")
        else:
            owners[number] = f"{name} in {file}"
            continue
        bad = 1
    return bad


sys.exit(main(*sys.argv[1:]))
