"""Damage of a good output that knows how it is made: types, shapes, layouts, links, attributes and texts of it are changed through
HDF5 itself, so that the library finds nothing wrong. What is done follows from the seed."""

import json
import random

import h5py
import numpy as np

TYPES = ["u1", "i8", "f4", "f8", "S8", "S2000", ">f8", h5py.string_dtype(), np.dtype([("a", "f8"), ("b", "i1")]), h5py.enum_dtype({"A": 0}, "u1")]
SHAPES = [(), (0,), (1,), (7,), (13,), (12, 1), (12, 3), (12, 500), (12, 1 << 40), (1 << 40,), (3, 4), (12,) + 7 * (2,), (0, 5)]
TEXTS = ["", "[]", "{}", "null", "1e999", "[[[[", "[1, null, {}]", '{"parameters": "[1]"}', "x" * 70000, "\0", "[{}, {\"set\": [1]}]"]
NUMBERS = [0, -1, 1 << 40, -(1 << 63), (1 << 63) - 1, 4294967296]


def objects(file, kind):
    found = []
    file.visititems(lambda name, o: found.append(name) if isinstance(o, kind) else None)
    return found


def replace(file, path, make):
    parent, name = path.rsplit("/", 1) if "/" in path else ("/", path)
    del file[path]
    make(file[parent], name)


def dataset_of_another_form(file, dice):
    path = dice.choice(objects(file, h5py.Dataset))
    old = file[path]
    kind = dice.choice([old.dtype, dice.choice(TYPES)])
    shape = dice.choice([old.shape, dice.choice(SHAPES)])
    how = dice.choice([{}, {}, {"chunks": True}, {"chunks": True, "compression": "gzip"}]) if shape and 0 not in shape and max(shape) < 1 << 20 else {}
    replace(file, path, lambda group, name: group.create_dataset(name, shape, kind, **how))


def dataset_elsewhere(file, dice):
    path = dice.choice(objects(file, h5py.Dataset))
    old = file[path]
    shape = old.shape or (1,)
    if dice.random() < 0.5:
        replace(file, path, lambda group, name: group.create_dataset(name, shape, "u1", external=[("outside.bin", 0, h5py.h5f.UNLIMITED)]))
        return
    layout = h5py.VirtualLayout(shape, old.dtype if old.dtype.kind in "iuf" else "u1")
    layout[...] = h5py.VirtualSource("other.h5", "x", shape)
    replace(file, path, lambda group, name: group.create_virtual_dataset(name, layout))


def link(file, dice):
    path = dice.choice(objects(file, (h5py.Dataset, h5py.Group)))
    aim = dice.choice([h5py.SoftLink("/nowhere"), h5py.SoftLink("/" + path), h5py.ExternalLink("other.h5", "/x"), h5py.ExternalLink("fifo", "/x"), None])

    def make(group, name):
        group[name] = aim if aim else file["/"]

    replace(file, path, make)


def without(file, dice):
    del file[dice.choice(objects(file, (h5py.Dataset, h5py.Group)))]


def attribute(file, dice):
    thing = file[dice.choice(["/", "/"] + objects(file, h5py.Group))]
    names = list(thing.attrs)
    if not names:
        return
    value = dice.choice([dice.choice(TEXTS), dice.choice(NUMBERS), np.zeros(dice.choice([0, 2, 1000]), dice.choice(["f8", "i8", "S9"])), np.float64("nan"), h5py.Empty("f8")])
    thing.attrs[dice.choice(names)] = value if not isinstance(value, str) else np.array(value.replace("\0", ""), h5py.string_dtype())


def changed_json(value, dice):
    """The same with one thing in it changed."""
    if isinstance(value, dict) and value and dice.random() < 0.85:
        key = dice.choice(sorted(value))
        return {**value, key: changed_json(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.85:
        i = dice.randrange(len(value))
        return value[:i] + [changed_json(value[i], dice)] * dice.choice([0, 1, 2]) + value[i + 1 :]
    if isinstance(value, str) and value[:1] in "[{" and value and dice.random() < 0.8:
        try:
            return json.dumps(changed_json(json.loads(value), dice))
        except ValueError:
            pass
    return dice.choice([None, True, -1, 1e300, "", "x", "../s", "s/results", [], {}, [0], {"a": "float64"}])


def text(file, dice):
    thing, name = dice.choice([(file, "manifest"), (file, "runs")] + [(file[g], a) for g in file for a in file[g].attrs if a in ("fingerprint", "run")])
    value = thing.attrs[name]
    if isinstance(value, str) and value[:1] in "[{":
        thing.attrs[name] = json.dumps(changed_json(json.loads(value), dice))


def entries(value):
    return value if isinstance(value, list) else []


def journal(content, seed):
    """Changes what a journal says at one to three places."""
    dice = random.Random(seed)
    for _ in range(dice.choice([1, 1, 2])):
        changed = changed_json(dict(content), dice)
        content.clear()
        content.update(changed if isinstance(changed, dict) else {})
    if dice.random() < 0.3:
        content["dirty"] = not content.get("dirty")
    stages = [stage for stage in entries(content.get("stages")) if isinstance(stage, dict)]
    tables = [table for stage in stages for table in entries(stage.get("datasets")) if isinstance(table, dict)]
    if tables and dice.random() < 0.6:
        dice.choice(tables)[dice.choice(["rows", "row_bytes", "offset"])] = dice.choice(["0", "1", "-1", "800", "39", *map(str, NUMBERS)])


def rows(file, dice):
    path = dice.choice([p for p in objects(file, h5py.Dataset) if "/task/" in p or p.endswith("_index")])
    old = file[path]
    try:
        data = old[...].astype("f8" if old.dtype.kind == "f" else old.dtype)
        data.flat[dice.randrange(data.size)] = dice.choice([0, 1, 200, -1, 1 << 40, 1e300, float("nan"), float("inf")])
        old[...] = data
    except (OverflowError, ValueError, TypeError, OSError):
        pass  # no such number in it


KINDS = [dataset_of_another_form, dataset_of_another_form, dataset_elsewhere, link, without, attribute, text, text, rows]


def damage(path, seed):
    """Changes the file at one to three places. Says how."""
    dice = random.Random(seed)
    done = []
    with h5py.File(path, "r+") as file:
        for _ in range(dice.choice([1, 1, 2, 3])):
            kind = dice.choice(KINDS)
            try:
                kind(file, dice)
            except (KeyError, IndexError, ValueError, TypeError, RuntimeError, OSError, AttributeError) as refused:
                done.append(f"({kind.__name__}: {refused})")  # what was done before has taken the ground from under it
            else:
                done.append(kind.__name__)
    return ", ".join(done)
