"""taskfarm: functions over many points, on one core or ten thousand, with typed results in one HDF5 file."""

from taskfarm._service import Task, serve

__all__ = ["Task", "serve"]
