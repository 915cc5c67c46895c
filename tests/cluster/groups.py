"""Control groups that limit the processor's time of a node, of version 1 or 2, where the machine lets us have some."""

import contextlib
import pathlib

TOP = pathlib.Path("/sys/fs/cgroup")
PERIOD = 100_000  # microseconds


class Group:
    """One whose limit is the file `limit`."""

    def __init__(self, path, limit):
        self.path, self.limit = path, path / limit

    def add(self, pid):
        (self.path / "cgroup.procs").write_text(str(pid))

    def set_share(self, share):
        """Its processes get that share of one processor; None is no limit."""
        quota = int(share * PERIOD) if share else None
        if self.limit.name == "cpu.max":
            self.limit.write_text(f"{quota or 'max'} {PERIOD}")
        else:
            self.limit.write_text(str(quota or -1))


def parents():
    """Where a group may be made, and the file of its limit: below this process's own group, or at the top."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        if "cpu" in controllers.split(","):
            top, limit = TOP / "cpu", "cpu.cfs_quota_us"
        elif not controllers:
            top, limit = TOP, "cpu.max"
        else:
            continue
        yield top / own.lstrip("/"), limit
        yield top, limit


def make_group(name, note):
    """A new group, or None. `note` is told each path before it is made."""
    for parent, limit in parents():
        with contextlib.suppress(OSError):
            note(parent / name)
            (parent / name).mkdir()
            if (parent / name / limit).exists():
                return Group(parent / name, limit)
            (parent / name).rmdir()
    return None
