"""What a slot's process and its host say to each other; the host's half is src/host/frame.h.

Packets of JSON on a socket say what is to be done; parameters and results stand in memory that both map."""

import struct
from typing import Final

# Control block, at the start of the frame's memory: indices of 8-byte cells.
ENDED: Final = 0  # rows 0 .. ENDED - 1 have ended, with all that belongs to them written
STARTED: Final = 1  # time.monotonic() at the start of the row under way, a float; 0: none is watched
STOP: Final = 2  # the host's: begin no further row of this frame
CALLING: Final = 3  # 1 while a batch function runs for rows ENDED .. CALLING_END - 1
CALLING_END: Final = 4
LOADING: Final = 5  # number + 1 of the stage that is being imported; 0: none
LEAVING: Final = 6  # the host's: the run is to end
BEGUN: Final = 7  # 1: the slot has read the packet of a frame
CONTROL_BYTES: Final = 4096

# Texts: records of a header (row, kind, zero, bytes that follow) and bytes. Kinds from 0 on are columns.
HEADER: Final = struct.Struct("<qiiq")
RANGE: Final = struct.Struct("<qq")
MESSAGE: Final = -1  # the row has failed, and why
TRACEBACK: Final = -2  # for its stderr
OUT_RANGE: Final = -3  # what of standard output is the row's: from, to
ERR_RANGE: Final = -4


def record(row: int, kind: int, content: bytes) -> bytes:
    """A record of the texts."""
    return HEADER.pack(row, kind, 0, len(content)) + content
