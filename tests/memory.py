"""Files of the tests are in memory where there is room: what they hold need not survive a power cut, and a disk that
has to be sure of each transaction takes longer than the tests themselves."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MEMORY, ROOM = Path("/dev/shm"), 2 << 30  # noqa: S108 - whoever uses it makes a folder of its own in it


def in_memory() -> Path | None:
    """Where files are kept in memory, if there is room for ours; None: in the usual temporary folder."""
    has_room = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM
    return MEMORY if has_room else None
