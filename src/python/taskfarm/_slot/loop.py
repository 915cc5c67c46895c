"""The loop over the rows of a frame, as source that is made for the stage's own shape: what the stage does not have
costs nothing. (dataclasses makes its __init__ in the same way.)

Each row: say that it is under way; call; store what is returned. Plain numbers are stored here, all else by
`settle`."""

import keyword
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from taskfarm._slot.errors import GENERATED
from taskfarm._slot.protocol import ENDED, STARTED, STOP

# The condition on `{0}` under which it can be stored as it is.
_FITS = {
    "bool": "type({0}) is bool",
    "float32": "isinstance({0}, float) and -3.4e38 < {0} < 3.4e38",
    "float64": "(isinstance({0}, float) or type({0}) is int)",
}
_FITS_INT = "type({0}) in integers"


@dataclass(frozen=True)
class Shape:
    """What a loop depends on."""

    positional: tuple[str, ...]  # names of the values that the function gets by position
    named: tuple[str, ...]
    made: frozenset[
        str
    ]  # those of them that are made row by row, by a function of the row; the others are iterated over
    columns: (
        tuple[tuple[str, str], ...] | None
    )  # name and type of columns that are all plain numbers; None: others, too
    is_timed: bool  # the row's start is to be told, as there is a timeout
    is_recorded: bool  # start and duration are stored
    is_seeded: bool  # global generators may have to be seeded
    has_scratch: bool  # what the task has made is to be removed
    is_watched: bool  # what is written to descriptors, and the current folder, are looked at after each row
    has_apart: bool  # some rows are not to be called
    reads_blocks: bool  # blocks of arrays are read from files, row by row; a row of which one can't be read is left
    is_fenced: bool  # the machine lets other processes see writes in another order than that of the program


Loop = Callable[[Any, int, int], int]


def _store_lines(columns: tuple[tuple[str, str], ...] | None) -> list[str]:
    """What follows a call, when nothing was raised."""
    if columns is not None and not columns:
        return ["pass"]
    if columns is None:
        return ["settle(row, value)"]
    fits = [_FITS.get(kind, _FITS_INT) for _, kind in columns]
    lines = []
    if len(columns) == 1:
        lines += [
            f"if {fits[0].format('value')}:",
            "    try:",
            "        c0[row] = value",
            "    except (ValueError, OverflowError):",
            "        settle(row, value)",
            "elif type(value) is dict:",
        ]
    else:
        lines += ["if type(value) is dict:"]
    lines += ["    try:"]
    lines += [f"        v{i} = value[{name!r}]" for i, (name, _) in enumerate(columns)]
    lines += ["        if " + " and ".join(fit.format(f"v{i}") for i, fit in enumerate(fits)) + ":"]
    lines += [f"            c{i}[row] = v{i}" for i in range(len(columns))]
    lines += ["        else:", "            settle(row, value)"]
    lines += [
        "    except (KeyError, ValueError, OverflowError):",
        "        settle(row, value)",
        "else:",
        "    settle(row, value)",
    ]
    return lines


def _setup_lines(shape: Shape, names: tuple[str, ...]) -> list[str]:
    """What is looked up once, before the first row."""
    lines = [
        "f, values, control, pending = frame.function, frame.values, frame.control, frame.pending",
        "settle, failed, leave_if_child = frame.settle, frame.failed, frame.leave_if_child",
        "put_back, (out, err) = frame.texts.put_back, frame.texts.streams",
        "integers = frame.integers",
        "write = frame.write" if shape.is_watched else "write = frame.write_briefly",
    ]
    lines += [f"make{i} = values[{i}]" for i, name in enumerate(names) if name in shape.made]
    lines += [f"c{i} = frame.cells[{i}]" for i in range(len(shape.columns or ()))]
    lines += ["has_grown, go_home = frame.has_grown, frame.go_home"] if shape.is_watched else []
    lines += ["now = frame.now", "began = now()"] if shape.is_timed or shape.is_recorded else []
    lines += ["clock = frame.clock"] if shape.is_timed else []
    lines += ["starts, durations, epoch = frame.starts, frame.durations, frame.epoch"] if shape.is_recorded else []
    lines += ["seeders, seed = frame.seeders, frame.seed"] if shape.is_seeded else []
    lines += ["remove_scratch = frame.remove_scratch"] if shape.has_scratch else []
    lines += ["apart = frame.apart"] if shape.has_apart else []
    lines += ["fence = frame.fence"] if shape.is_fenced else []
    lines += ["read_blocks = frame.read_blocks"] if shape.reads_blocks else []
    return lines


def _row_lines(shape: Shape, call: str) -> list[str]:
    """What is done for each row. A short task begins where the one before has ended: the clock is read once."""
    has_clock = shape.is_timed or shape.is_recorded
    lines = [f"if control[{STOP}]:", "    return row"]
    lines += ["if apart[row]:", "    continue"] if shape.has_apart else []
    lines += ["fence()"] if shape.is_fenced else []
    lines += [f"clock[{STARTED}] = 0.0"] if shape.is_timed and shape.reads_blocks else []  # reading is no task's time
    lines += [f"control[{ENDED}] = row"]
    lines += ["if not read_blocks(row):", "    return row"] if shape.reads_blocks else []
    lines += ["if seeders:", "    seed(row)"] if shape.is_seeded else []
    lines += ["began = now()"] if has_clock and shape.is_watched else []
    lines += [f"clock[{STARTED}] = began"] if shape.is_timed else []
    lines += ["starts[row] = epoch + began"] if shape.is_recorded else []
    lines += ["try:", f"    value = {call}", "except BaseException as error:", "    failed(row, error)", "else:"]
    lines += ["    if pending:", "        leave_if_child()"]
    lines += ["    " + line for line in _store_lines(shape.columns)]
    lines += ["ended = now()"] if shape.is_recorded or (has_clock and not shape.is_watched) else []
    lines += ["durations[row] = ended - began"] if shape.is_recorded else []
    lines += ["began = ended"] if has_clock and not shape.is_watched else []
    lines += ["remove_scratch()"] if shape.has_scratch else []
    lines += ["go_home()"] if shape.is_watched else []
    lines += ["try:", "    is_there = sys.stdout is out and sys.stderr is err", "except AttributeError:"]
    lines += ["    is_there = False", "if not is_there:", "    out, err = put_back()"]
    lines += ["if pending or has_grown():" if shape.is_watched else "if pending:", "    write(row)"]
    return lines


def _is_plain(name: str) -> bool:
    """Can the name stand in source as it is? Any text may be the name of a parameter, and what is not ASCII is another
    name to the compiler, which normalizes it."""
    return name.isascii() and name.isidentifier() and not keyword.iskeyword(name) and name != "__debug__"


def source(shape: Shape) -> str:
    """The source of a loop: loop(frame, first, last) runs rows first .. last - 1 of the frame and returns the row that
    it did not begin: `last`, or less when the host says stop, or its blocks can't be read."""
    names = (*shape.positional, *shape.named)
    iterated = [i for i, name in enumerate(names) if name not in shape.made]
    values = [f"make{i}(row)" if name in shape.made else f"a{i}" for i, name in enumerate(names)]
    by_name = [
        f"{name}={value}" if _is_plain(name) else f"**{{{name!r}: {value}}}"
        for name, value in zip(shape.named, values[len(shape.positional) :], strict=True)
    ]
    call = f"f({', '.join([*values[: len(shape.positional)], *by_name])})"
    targets = ", ".join(["row", *(f"a{i}" for i in iterated)])
    rows = ", ".join(["range(first, last)", *(f"values[{i}](first, last)" for i in iterated)])
    lines = ["def loop(frame, first, last):"]
    lines += ["    " + line for line in _setup_lines(shape, names)]
    lines += [f"    for {targets} in zip({rows}):" if iterated else f"    for {targets} in {rows}:"]
    lines += ["        " + line for line in _row_lines(shape, call)]
    lines += ["    return last"]
    return "\n".join(lines) + "\n"


def loop_of(shape: Shape) -> Loop:
    """Makes the loop for a shape."""
    there: dict[str, Any] = {"sys": sys}
    exec(compile(source(shape), GENERATED, "exec"), there)  # of plain identifiers, and literals
    loop: Loop = there["loop"]
    return loop
