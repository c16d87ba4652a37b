"""A network of our own: loopback, and an interface that leads nowhere.

The test process steps into a new network namespace and back; threads and programs started in between live there. What
runs inside can reach nothing outside. Needs root.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

CLONE_NEWNET = 0x40000000

# Chromium does not connect to its push service while the only interface is loopback: it believes itself offline.
DEAD_END = (
    "ip link set lo up",
    "ip link add dead0 type veth peer name dead1",
    "ip addr add 10.9.9.9/24 dev dead0",
    "ip link set dead0 up",
    "ip link set dead1 up",
)


@contextmanager
def own_network() -> Iterator[None]:
    """This thread, and whatever it starts, in a new network namespace until the block ends. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        _call(libc.unshare, CLONE_NEWNET)
        try:
            for command in DEAD_END:
                subprocess.run(command.split(), check=True)
            yield
        finally:
            _call(libc.setns, home, CLONE_NEWNET)
    finally:
        os.close(home)


def _call(function: ctypes._FuncPtr, *arguments: int) -> None:  # type: ignore[name-defined]
    if function(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
