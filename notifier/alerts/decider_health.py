"""How the decider does: whether it fails, what it had to set aside, and how far it is behind.

Enters: what went wrong, what was decided, and the store's oldest undecided item. Leaves: troubles, a gauge, and when to
try again. Decides nothing about news.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from notifier.alerts.decide import SHARE_SPENT, Drop
from notifier.alerts.decider import UNDECIDABLE, DecisionResult
from notifier.alerts.story_store import StoryStore
from notifier.clock import Clock
from notifier.errors import DatabaseUnwell, LeaseLost
from notifier.stories.story import DecisionFault, StoryItem
from notifier.telemetry import Metrics
from notifier.text.spans import span
from notifier.troubles import Code, Trouble, Troubles

log = structlog.get_logger()

# From so old an undecided item on the decider is behind, and somebody should know.
BEHIND_S = 60.0
# The longest wait between two tries while the decider fails; the first try again is at once.
MOST_REST_S = 60.0
# So long it is said that something was set aside, unless it is decided before.
ASIDE_TOLD = timedelta(days=1)


class DeciderHealth:
    """The decider's part in the list of troubles."""

    def __init__(self, news: StoryStore, troubles: Troubles, metrics: Metrics, clock: Clock) -> None:
        self._news, self._troubles, self._metrics, self._clock = news, troubles, metrics, clock
        self.failures = 0
        self._alone: dict[tuple[int, int], int] = {}
        self._known = ""
        self._next_try_at: datetime | None = None
        self._aside: dict[tuple[Code, str], datetime] = {}

    def rests(self) -> bool:
        """Whether it failed so lately that it is not tried yet. A clock that steps back does not prolong that."""
        if self._next_try_at is None:
            return False
        left_s = (self._next_try_at - self._clock()).total_seconds()
        return 0 < left_s <= MOST_REST_S

    def failed(self, problem: Exception, *, alone: bool) -> bool:
        """The decider failed: with one item, or none, it rests longer each time; returns whether that is new.

        With more items the next try is with fewer of them, at once.
        """
        if isinstance(problem, LeaseLost | DatabaseUnwell):
            return True  # no fault of the decider's, and told elsewhere
        self.failures += 1
        rest_s = min(MOST_REST_S, 2.0 ** (self.failures - 2)) if alone and self.failures > 1 else 0.0
        self._next_try_at = self._clock() + timedelta(seconds=rest_s) if rest_s else None
        said = f"{type(problem).__name__}: {problem}"[:200]
        if self.failures > 1:
            what = f"No news is decided: the decider fails again and again ({said})"
            do = "Look for decisions.failed in the log. If the database is away or full, mend that first: "
            do += "it is tried again"
            self._troubles.report(Trouble(Code.DECISIONS_FAILING, what, do, grave=True))
        fresh, self._known = said != self._known, said
        return fresh

    def failures_alone(self, item: StoryItem) -> int:
        """Count a failure with this item alone; returns how many there were."""
        key = (item.id, item.version)
        self._alone = {key: self._alone.get(key, 0) + 1}
        return self._alone[key]

    def works(self) -> None:
        """A pass went well."""
        self.failures, self._known, self._next_try_at, self._alone = 0, "", None, {}
        self._troubles.clear(Code.DECISIONS_FAILING)
        self.look()

    def note(self, result: DecisionResult) -> None:
        """Something was decided: tell what was set aside, and withdraw what has been decided since."""
        now, self.failures = self._clock(), 0
        for told, verdict in zip(result.stories, result.verdicts, strict=True):
            if not (isinstance(verdict, Drop) and verdict.code == UNDECIDABLE):
                self._clear((Code.DECISIONS_FAILING, f"story {told.id}"))
        for key in [key for key, at in self._aside.items() if now - at > ASIDE_TOLD]:
            self._clear(key)
        spent = [v for v in result.verdicts if isinstance(v, Drop) and v.code == SHARE_SPENT]
        for trouble in (*map(_told, result.faults), *map(_crowding, spent)):
            self._aside[trouble.code, trouble.subject] = now
            self._troubles.report(trouble)

    def look(self) -> None:
        """Say how long the oldest item that waits has waited."""
        oldest = self._news.oldest_pending()
        lag_s = 0.0 if oldest is None else max(0.0, (self._clock() - oldest).total_seconds())
        self._metrics.decision_lag.set(lag_s)
        if lag_s <= BEHIND_S:
            self._troubles.clear(Code.DECISIONS_BEHIND)
            return
        what = f"The decider is behind: the oldest item that is not decided came {span(lag_s)} ago"
        do = "Wait after a first start or a long stop; else look for a feed that floods, or take a faster core"
        self._troubles.report(Trouble(Code.DECISIONS_BEHIND, what, do, grave=True))

    def _clear(self, key: tuple[Code, str]) -> None:
        if self._aside.pop(key, None) is not None:
            self._troubles.clear(*key)


def _crowding(drop: Drop) -> Trouble:
    what = f"One publisher alone would take more than its share of a topic's alerts. {drop.words}"
    do = "Look at what its feed brings. If the topic is meant for it, name the source in its rule, or raise the budget"
    return Trouble(Code.SHARE_SPENT, what, do, drop.evidence.figures.publisher)


def _told(fault: DecisionFault) -> Trouble:
    if fault.part == "topic":
        what = f"The rule of topic {fault.name} cannot be used ({fault.error})"
        return Trouble(
            Code.RULE_FAILING, what, "Write the rule anew; until then the one before is in force", fault.name
        )
    what = f"The decider could not decide on {fault.part} {fault.name} and set it aside ({fault.error})"
    do = "Look at it in the console; if it matters, write the alert by hand. Report the error with the item's text"
    return Trouble(Code.DECISIONS_FAILING, what, do, f"{fault.part} {fault.name}")
