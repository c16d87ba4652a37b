"""Takes stored items to the decider, and what it decides to the store, the engine and the feeds.

Enters: items that no decider has seen, and what operators said. Leaves: alerts with their chunks, in the database. One
process decides at a time, under a lease. Times of day come from the clock that wiring passes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Event

import structlog

from notifier.alerts.alert import Alert
from notifier.alerts.decide import Drop
from notifier.alerts.decider import Decider, DecisionResult, set_aside
from notifier.alerts.decider_health import DeciderHealth
from notifier.alerts.story_store import StoryStore
from notifier.clock import Clock
from notifier.engine.engine import Engine
from notifier.errors import DatabaseUnwell, LeaseLost
from notifier.stories.baseline import REMEMBERED
from notifier.stories.cluster import ASIDE
from notifier.stories.open_stories import WINDOW
from notifier.stories.story import DecisionFault, Grouping, StoryItem
from notifier.telemetry import Metrics
from notifier.topics.topic import Topic
from notifier.troubles import Troubles

log = structlog.get_logger()

DECISION_LEASE_S = 15.0
# Items the decider takes at once. A first start brings thousands; smaller steps keep the lease fresh.
DECISION_BATCH = 500
# So often the decider fails with one item alone before that is set aside: what was away may have come back until then.
MOST_TRIES = 3
# Alerts are numbered before they are committed: one by hand may turn up so many numbers late.
LATE_IDS = 100


class _Stopped(Exception):
    """The service was told to stop in the middle of a long read."""


class DecisionLoop:
    """Takes stored items to the decider, and what the decider decides to the store and the engine."""

    def __init__(
        self,
        news: StoryStore,
        make_decider: Callable[[], Decider],
        engine: Engine,
        metrics: Metrics,
        clock: Clock,
        holder: str,
        lease_s: float = DECISION_LEASE_S,
        broke: Callable[[Sequence[int]], None] = lambda _feeds: None,
        topics: Callable[[], Sequence[Topic]] | None = None,
        troubles: Troubles | None = None,
    ) -> None:
        """`broke` is told the ids of the feeds that brought a story which was just alerted as breaking.

        `topics` are those that are in force now (None: `make_decider` knows best).
        """
        self._broke, self._topics = broke, topics
        self._lease_s = lease_s
        self._news, self._make_decider, self._engine = news, make_decider, engine
        self._metrics, self._clock, self._holder = metrics, clock, holder
        self._stopping, self._anew = Event(), Event()
        self._decider: Decider | None = None
        self._topics_version = self._decider_version = 0
        self._alerts: set[int] = set()  # the ids of the newest alerts that the decider knows
        self._health = DeciderHealth(news, troubles or Troubles(clock), metrics, clock)
        self._batch = DECISION_BATCH

    def work(self) -> int:
        """Decide on all that is pending, and do what operators ruled; returns the number of items.

        Runs in a worker thread, one at a time. Whatever goes wrong, the decider's memory is thrown away and read again
        from the database: it may be ahead of it. What goes on failing is tried with smaller batches and longer waits,
        until the item that does it is found and set aside. Raises what went wrong, but the same only once.
        """
        taken, items = 0, list[StoryItem]()
        if self._health.rests():
            return 0
        try:
            while not self._stopping.is_set():
                if not self._news.lease_decisions(self._holder, self._clock(), self._lease_s):
                    self._decider = None  # another process decides now
                    break
                decider = self._current()
                items = list(self._news.pending(self._batch))
                if not self._hear(decider) and not items:
                    if decider.catch_up(DECISION_BATCH):
                        continue
                    break
                self._decide(decider, items)
                taken += len(items)
        except _Stopped:
            self._decider = None
        except Exception as problem:
            self._decider = None
            if self._failed(items, problem):
                raise
            return taken
        self._health.works()
        return taken

    def stop(self) -> None:
        """End `work` with the batch under way, however many wait: they are in the database. Any thread may call."""
        self._stopping.set()

    def begin_anew(self) -> None:
        """What the decider remembers is not so any more: read it again before the next decision."""
        self._anew.set()

    def reload(self) -> None:
        """The topics changed: whatever is decided from now on is decided by the new ones."""
        self._topics_version += 1

    def look(self) -> None:
        """Say how far behind the decider is. For any thread, so also while the decider is at work."""
        self._health.look()

    def _decide(self, decider: Decider, items: Sequence[StoryItem]) -> None:
        now = self._clock()
        result = decider.take(items, now)
        alerts = self._news.save(items, result, now, self._holder)
        self._alerts.update(alert.id for alert in alerts)
        self._batch = min(DECISION_BATCH, 2 * self._batch)
        self._health.note(result)
        self._health.look()
        self._tell(result, alerts)
        self._tell_feeds(items, result, alerts)

    def _hear(self, decider: Decider) -> bool:
        """Tell the decider what operators said and sent since; True where that has to be carried out."""
        since = self._clock() - WINDOW
        newest = max(self._alerts, default=0)
        self._alerts = {i for i in self._alerts if i > newest - LATE_IDS}
        by_hand = self._news.alerts_after(newest - LATE_IDS, self._alerts, since)
        decider.note_alerts(by_hand)
        self._alerts.update(alert.id for alert in by_hand)
        if self._news.overrides_version() == decider.overrides.version:
            return False
        decider.apply_overrides(self._news.overrides(since, decider.overrides))
        return True

    def _current(self) -> Decider:
        """The decider: restored, if there is none, or by the new topics, if they have changed (also while it was)."""
        version = self._topics_version
        if self._anew.is_set():
            self._anew.clear()
            self._decider = None
        if self._decider is None or (self._topics is None and self._decider_version != version):
            self._decider = self._restored()
        elif self._topics is not None and self._decider_version != version:
            self._decider.use_topics(self._topics())
        self._decider_version = version
        return self._decider

    def _restored(self) -> Decider:
        now = self._clock()
        decider = self._make_decider()
        past = self._news.past_alerts(now - WINDOW)
        decider.restore(
            self._while_ours(self._news.window(now - WINDOW)),
            past,
            marked=self._news.marked(now - REMEMBERED),
            next_story_id=self._news.next_story_id(),
        )
        self._alerts = {alert.id for alert in past}
        return decider

    def _while_ours(self, items: Iterable[StoryItem]) -> Iterator[StoryItem]:
        """The items, as long as nobody says stop. Reading three days takes longer than a lease: it is renewed."""
        for number, item in enumerate(items):
            if number % DECISION_BATCH == 0:
                if self._stopping.is_set():
                    raise _Stopped
                if not self._news.lease_decisions(self._holder, self._clock(), self._lease_s):
                    raise LeaseLost("another process decides now")
            yield item

    def _failed(self, items: Sequence[StoryItem], problem: Exception) -> bool:
        """Look for what does it: half of the items next time, and one that fails alone again and again is set aside.

        Returns whether this is the first failure of its kind.
        """
        fresh = self._health.failed(problem, alone=len(items) <= 1)
        if isinstance(problem, LeaseLost | DatabaseUnwell):
            return fresh  # whatever the items are, they are decided once the database is back
        if items and (self._health.failures > 1 or self._batch < DECISION_BATCH):
            self._batch = max(1, len(items) // 2)
        if len(items) == 1 and self._health.failures_alone(items[0]) >= MOST_TRIES:
            self._set_aside(items[0], problem)
        return fresh

    def _set_aside(self, item: StoryItem, problem: Exception) -> None:
        """Store an item that the decider always fails with as undecidable, so that the others are decided."""
        story_id = self._news.next_story_id() if item.story_id is None else item.story_id
        error = str(DecisionFault.of("item", item.id, problem).error)
        grouping = Grouping(item.id, story_id, ASIDE, {"error": error})
        aside = [set_aside(item, story_id, error)] if item.story_id is None else []
        fault = DecisionFault("item", str(item.id), error)
        result = DecisionResult(
            (grouping,), tuple(told for told, _ in aside), tuple(drop for _, drop in aside), faults=(fault,)
        )
        self._news.save([item], result, self._clock(), self._holder)
        self._health.note(result)

    def _tell_feeds(self, items: Sequence[StoryItem], result: DecisionResult, alerts: Sequence[Alert]) -> None:
        breaking = {alert.story_id for alert in alerts if alert.breaking}
        brought = {grouping.item_id for grouping in result.groupings if grouping.story_id in breaking}
        if feeds := sorted({item.feed_id for item in items if item.id in brought}):
            self._broke(feeds)

    def _tell(self, result: DecisionResult, alerts: Sequence[Alert]) -> None:
        for verdict in result.verdicts:
            overrides = verdict.code if isinstance(verdict, Drop) else type(verdict).__name__.lower()
            self._metrics.verdicts.labels(overrides).inc()
        for alert in alerts:
            self._metrics.alerts.labels(alert.kind.value).inc()
            late_s = (alert.decided_at - alert.message.published_at).total_seconds()
            self._metrics.publication_to_alert.observe(max(0.0, late_s))
            if alert.fetched_at is not None:
                self._metrics.fetched_to_decided.observe((alert.decided_at - alert.fetched_at).total_seconds())
                if alert.published_at is not None:
                    known_s = (alert.fetched_at - alert.published_at).total_seconds()
                    self._metrics.publication_to_fetched.observe(known_s)
            log.info(
                "alert.accepted",
                alert=alert.id,
                kind=alert.kind.value,
                breaking=alert.breaking,
                title=alert.message.title,
                topics=sorted(alert.topics),
                audience=alert.audience,
            )
        if alerts:
            self._engine.wake()
