"""The version, and the protocol between package and engine.

The protocol counts the changes after which an older package and a newer engine, or the other way round, would
misunderstand each other: in manifests that the package writes, in what the engine prints for it, in packets of Python
slots. src/host/python_protocol.h has the engine's number.
"""

from taskfarm import __version__

__all__ = ["PROTOCOL", "__version__"]

PROTOCOL = 2
