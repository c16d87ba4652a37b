"""Whose connection died: all that were under way on it are suspected, and the innocent are told from the guilty (pure).

One recipient's answer can end a connection: nonsense, a goodbye, a cut. Nobody knows whose it was. So all go again at
once, but fewer at a time, on connections of their own, until the guilty one is alone: that one has failed, nobody else.
What was taken before its connection died comes twice, and the device hides the repeat (it has the same id).
"""

from __future__ import annotations

from collections.abc import Sequence

WIDTHS = (32, 4, 1)
"""How many may be under way on one connection, after one of them was on one that died: once, twice, and oftener."""
MOST_DEATHS = 5
"""Whoever was on so many connections that died has failed, whoever it was."""


class Suspects:
    """Those of one lane's batch."""

    def __init__(self) -> None:
        self._deaths: dict[int, int] = {}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._deaths)

    def clear(self) -> None:
        """Suspect nobody: the batch is over."""
        self._deaths.clear()

    def died(self, tickets: Sequence[int], *, alone_is_guilty: bool) -> tuple[list[int], list[int]]:
        """Of those whose connection died: who goes again, and who has failed.

        `alone_is_guilty`: somebody alone there at the first time is. Not so where the connection was kept from before,
        since it may have ended by itself in that moment.
        """
        again, guilty = [], []
        for ticket in tickets:
            deaths = self._deaths.get(ticket, 0) + 1
            is_alone = len(tickets) == 1 and (alone_is_guilty or deaths > 1)
            if is_alone or deaths >= MOST_DEATHS:
                self._deaths.pop(ticket, None)
                guilty.append(ticket)
            else:
                self._deaths[ticket] = deaths
                again.append(ticket)
        return again, guilty

    def width(self, ticket: int) -> int | None:
        """How many may be under way on a connection that this one is on; None where any number may."""
        deaths = self._deaths.get(ticket, 0)
        return WIDTHS[min(deaths, len(WIDTHS)) - 1] if deaths else None
