"""What an engine is: something that runs accepted chunks until they are done."""

from __future__ import annotations

from typing import Protocol


class Engine(Protocol):
    """Runs chunks and retries in the background."""

    def start(self) -> None:
        """Begin to work, with whatever was left from before."""

    def wake(self) -> None:
        """Chunks were accepted just now: look at once instead of at the next tick."""

    def stop(self, timeout_s: float) -> None:
        """Finish the sub-batches under way, give the leases back, and end."""
