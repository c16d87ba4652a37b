"""Keeps the last days at hand, so that a rule can be asked about them while it is being typed.

Enters: a store's reader. Leaves: a `StoryHistory` that grows as news comes in and operators say something, and is made
anew once a day, so that it does not grow for ever. One record serves all operators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock

from notifier.alerts.alert import Alert
from notifier.alerts.story_history import PastOverrides, StoryHistory
from notifier.clock import Clock
from notifier.stories.open_stories import WINDOW
from notifier.stories.story import StoryItem

# The days that are shown, and a window before them: what was alerted then is not alerted again.
KEPT = timedelta(days=14) + WINDOW
# Items that came just now may not have their story yet.
SETTLED_AFTER = timedelta(seconds=5)
ANEW_AFTER = timedelta(days=1)


class RecentNews:
    """A `StoryHistory` of the last days, up to date to some seconds."""

    def __init__(
        self,
        between: Callable[[datetime, datetime], Sequence[StoryItem]],
        alerts_since: Callable[[datetime], Sequence[Alert]],
        clock: Clock,
        overrides_version: Callable[[], str] = str,
        overrides_since: Callable[[datetime], PastOverrides] = lambda _since: PastOverrides(),
    ) -> None:
        """`between(after, until)` gives the versions seen then, `alerts_since` what was decided since; oldest first.

        `overrides_version` differs whenever operators say something of stories, `overrides_since` tells what.
        """
        self._between, self._alerts_since, self._clock = between, alerts_since, clock
        self._overrides_version, self._overrides_since = overrides_version, overrides_since
        self._version: str | None = None
        self._settled_at = datetime.max.replace(tzinfo=UTC)  # the decider has carried the newest word out by then
        self._last_alert = 0
        self._lock = Lock()
        self._record = StoryHistory()
        self._made_at: datetime | None = None
        self._until: datetime | None = None

    def record(self) -> StoryHistory:
        """The record as of now. Call it in a worker thread: the first time reads all of it."""
        now = self._clock()
        with self._lock:
            if self._until is None or self._made_at is None or now - self._made_at > ANEW_AFTER:
                self._record, self._made_at, self._until = StoryHistory(), now, now - KEPT
                self._last_alert, self._version = 0, None
            overrides = self._new_overrides(now)
            until = now - SETTLED_AFTER
            if until > self._until or overrides is not None:
                self._record.add(self._between(self._until, until), overrides)
                told = [alert for alert in self._alerts_since(self._until) if alert.id > self._last_alert]
                self._record.tell(told)
                self._last_alert = max((alert.id for alert in told), default=self._last_alert)
                self._until = max(until, self._until)
            return self._record

    def _new_overrides(self, now: datetime) -> PastOverrides | None:
        """What operators say, where it changed: read at once, and again when the decider has moved the items."""
        version = self._overrides_version()
        if version != self._version:
            self._version, self._settled_at = version, now + SETTLED_AFTER
        elif now < self._settled_at:
            return None
        else:
            self._settled_at = datetime.max.replace(tzinfo=UTC)
        return self._overrides_since(now - KEPT)
