"""What an engine is: something that runs accepted chunks until they are done."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class ProcessRole(StrEnum):
    """What one process of the service does."""

    ALL = "all"
    WEB = "web"
    POLL = "poll"
    WORK = "work"

    @property
    def polls(self) -> bool:
        """Whether it polls feeds and decides."""
        return self in {ProcessRole.ALL, ProcessRole.POLL}

    @property
    def serves(self) -> bool:
        """Whether people and proxies are led to it: readers, hubs and operators."""
        return self in {ProcessRole.ALL, ProcessRole.WEB}

    @property
    def works(self) -> bool:
        """Whether it runs chunks."""
        return self in {ProcessRole.ALL, ProcessRole.WORK}


class Engine(Protocol):
    """Runs chunks and retries in the background."""

    def start(self) -> None:
        """Begin to work, with whatever was left from before."""

    def wake(self) -> None:
        """Chunks were accepted just now: look at once instead of at the next tick."""

    def stop(self, timeout_s: float) -> None:
        """Finish the sub-batches under way, give the leases back, and end."""


class Elsewhere:
    """The Engine of a process that runs no chunks, where no broker wakes those that do: they look every second."""

    def start(self) -> None:
        """Nothing to begin."""

    def wake(self) -> None:
        """Nobody to tell."""

    def stop(self, timeout_s: float) -> None:
        """Nothing to end."""
