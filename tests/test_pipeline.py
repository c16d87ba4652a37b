"""The loops: what the decider decides is stored and the engine woken; what fails is tried again from the database."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from notifier.alerts.alert import Alert, AlertKind, Message, Urgency
from notifier.alerts.decide import Drop, Send
from notifier.alerts.decider import Decider, DecisionResult
from notifier.alerts.evidence import Author, Evidence
from notifier.clock import ManualClock
from notifier.decision_loop import DecisionLoop
from notifier.operations.system import JobReport
from notifier.pipeline import Job, Pipeline
from notifier.stories.baseline import LabelledItem
from notifier.stories.overrides import Overrides
from notifier.stories.story import StoryItem
from notifier.telemetry import Metrics
from notifier.topics.match import TopicIndex
from notifier.topics.topic import Topic, TopicMode
from notifier.troubles import Code, Troubles

NOON = datetime(2026, 4, 25, 12, 0, tzinfo=UTC)
BAKERIES = Topic(slug="bakeries", title="Bakeries", description="", match="bakery")
RIVERS = Topic(slug="rivers", title="Rivers", description="", match="river OR dam")


def an_item(number: int, title: str) -> StoryItem:
    url = f"https://news.example/{number}"
    return StoryItem(
        number, 1, "The Example", "world", url, url, title, "", seen_at=NOON, published_at=NOON - timedelta(minutes=1)
    )


class OneEngine:
    """An engine that only counts."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def start(self) -> None:
        self.calls.append("start")

    def wake(self) -> None:
        self.calls.append("wake")

    def stop(self, timeout_s: float) -> None:
        self.calls.append("stop")


class MemoryStoryStore:
    """A StoryStore in memory. `fails` is how many saves go wrong before one goes well; `lent` gives the lease away."""

    def __init__(self, items: Sequence[StoryItem], *, fails: int = 0, lent: bool = False) -> None:
        self.items, self.fails, self.lent = list(items), fails, lent
        self.saved: list[DecisionResult] = []
        self.said = Overrides()
        self.by_hand: list[Alert] = []

    def lease_decisions(self, holder: str, now: datetime, lease_s: float) -> bool:
        return not self.lent

    def pending(self, limit: int) -> Sequence[StoryItem]:
        return self.items[:limit]

    def window(self, since: datetime) -> Sequence[StoryItem]:
        return []

    def past_alerts(self, since: datetime) -> Sequence[Alert]:
        return []

    def marked(self, since: datetime) -> Sequence[LabelledItem]:
        return []

    def overrides_version(self) -> str:
        return self.said.version

    def overrides(self, since: datetime, known: Overrides) -> Overrides:
        return self.said

    def oldest_pending(self) -> datetime | None:
        return min((item.seen_at for item in self.items), default=None)

    def alerts_after(self, alert_id: int, known: Collection[int], since: datetime) -> Sequence[Alert]:
        return [alert for alert in self.by_hand if alert.id not in known]

    def next_story_id(self) -> int:
        return 1

    def save(self, items: Sequence[StoryItem], result: DecisionResult, now: datetime, holder: str) -> Sequence[Alert]:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("the database is away")
        self.saved.append(result)
        self.items = [item for item in self.items if item not in items]
        return [
            Alert(
                number, a.story_id, a.kind, a.message, a.topics, a.breaking, a.urgency, a.ttl_s, a.why, a.decided_at, 1
            )
            for number, a in enumerate((v.alert for v in result.verdicts if hasattr(v, "alert")), 1)
        ]


def a_loop(news: MemoryStoryStore, engine: OneEngine, metrics: Metrics | None = None) -> DecisionLoop:
    def make_decider() -> Decider:
        return Decider(TopicIndex([RIVERS]), [RIVERS])

    return DecisionLoop(news, make_decider, engine, metrics or Metrics(), ManualClock(NOON), holder="me")


def test_what_is_pending_is_decided_stored_and_told_to_the_engine() -> None:
    news, engine, metrics = (
        MemoryStoryStore([an_item(1, "Dam holds"), an_item(2, "Bakery opens")]),
        OneEngine(),
        Metrics(),
    )
    assert a_loop(news, engine, metrics).work() == 2
    assert news.items == []
    assert engine.calls == ["wake"]
    assert b'notifier_alerts_total{kind="new"} 1.0' in metrics.exposition()


def test_the_engine_sleeps_on_where_nothing_is_to_be_sent() -> None:
    news, engine = MemoryStoryStore([an_item(1, "Bakery opens")]), OneEngine()
    a_loop(news, engine).work()
    assert engine.calls == []


def test_the_feeds_of_breaking_news_are_told_so() -> None:
    topic = Topic(slug="breaking", title="Breaking", description="", match="", mode=TopicMode.BREAKING)
    items = [replace(an_item(n, "Dam breaks above the valley"), publisher=f"Outlet {n}", feed_id=n) for n in (1, 2, 3)]
    told: list[int] = []
    loop = DecisionLoop(
        MemoryStoryStore(items),
        lambda: Decider(TopicIndex([topic]), [topic]),
        OneEngine(),
        Metrics(),
        ManualClock(NOON),
        "me",
        broke=told.extend,
    )
    loop.work()
    assert told == [1, 2, 3]


def test_a_process_without_the_lease_decides_nothing() -> None:
    news = MemoryStoryStore([an_item(1, "Dam holds")], lent=True)
    assert a_loop(news, OneEngine()).work() == 0
    assert news.saved == []


def test_a_decision_that_could_not_be_stored_is_made_anew() -> None:
    news, engine = MemoryStoryStore([an_item(1, "Dam holds")], fails=1), OneEngine()
    loop = a_loop(news, engine)
    with pytest.raises(ConnectionError):
        loop.work()
    # Had the decider kept its memory, it would take the item for one that was alerted already.
    assert loop.work() == 1
    assert engine.calls == ["wake"]


def test_topics_that_change_while_a_decider_is_restored_are_the_next_ones_to_decide_by() -> None:
    topics, restored = [[RIVERS], [BAKERIES]], 0

    def make_decider() -> Decider:
        nonlocal restored
        restored += 1
        loop.reload()  # the file changes at the worst moment
        return Decider(TopicIndex(topics[0]), topics.pop(0))

    news = MemoryStoryStore([an_item(1, "Dam holds"), an_item(2, "Bakery opens")])
    loop = DecisionLoop(
        news, make_decider, OneEngine(), Metrics(), ManualClock(NOON), holder="me", topics=lambda: [BAKERIES]
    )  # fmt: skip
    loop.work()
    (result,) = news.saved
    assert [v.alert.topics for v in result.verdicts if isinstance(v, Send)] == [{"rivers"}]
    news.items = [an_item(3, "Another bakery opens")]
    loop.work()
    assert [v.alert.topics for v in news.saved[1].verdicts if isinstance(v, Send)] == [{"bakeries"}]
    assert restored == 1, "the memory is kept"


def test_what_operators_say_and_send_is_applied_without_reading_three_days_again() -> None:
    restored = 0

    def make_decider() -> Decider:
        nonlocal restored
        restored += 1
        return Decider(TopicIndex([RIVERS]), [RIVERS])

    news = MemoryStoryStore([an_item(1, "Bakery opens")])
    loop = DecisionLoop(
        news, make_decider, OneEngine(), Metrics(), ManualClock(NOON), holder="me", topics=lambda: [RIVERS]
    )
    loop.work()
    (story,) = news.saved[0].stories
    news.said = Overrides(version="1", choices={story.id: "never"})
    news.items = [replace(an_item(1, "Bakery opens by the river"), version=2, story_id=story.id)]
    loop.work()
    assert [v.code for v in news.saved[1].verdicts if isinstance(v, Drop)] == ["never"]
    news.said = Overrides(version="2")
    news.by_hand = [replace(sent_by_hand(story.id), topics=frozenset({"rivers"}))]
    news.items = [replace(an_item(1, "Bakery opens by the river"), version=3, story_id=story.id)]
    loop.work()
    assert [v.code for v in news.saved[-1].verdicts if isinstance(v, Drop)] == ["no-new-facts"]
    loop.reload()
    loop.work()
    assert restored == 1


def sent_by_hand(story_id: int) -> Alert:
    message = Message("Bakery opens by the river", "", "https://news.example/1", "The Example", NOON, "story-1")
    return Alert(
        7, story_id, AlertKind.NEW, message, frozenset(), False, Urgency.NORMAL, 60, Evidence(Author("Ada")), NOON, 1
    )


class Refusing(MemoryStoryStore):
    """A store that cannot write what comes of one item, unless it is set aside; and counts how often it was read."""

    def __init__(self, items: Sequence[StoryItem], poison: int) -> None:
        super().__init__(items)
        self.poison, self.read = poison, 0

    def window(self, since: datetime) -> Sequence[StoryItem]:
        self.read += 1
        return []

    def save(self, items: Sequence[StoryItem], result: DecisionResult, now: datetime, holder: str) -> Sequence[Alert]:
        if any(g.item_id == self.poison and g.signal != "undecidable" for g in result.groupings):
            raise ValueError("a number too large for the column")
        return super().save(items, result, now, holder)


def worked_until_empty(loop: DecisionLoop, news: MemoryStoryStore, clock: ManualClock, seconds: int) -> int:
    """A second at a time, as the pipeline does; returns how often it was told of a failure."""
    told = 0
    for _ in range(seconds):
        try:
            loop.work()
        except ValueError:
            told += 1
        if not news.items:
            break
        clock.advance(1)
    return told


def test_an_item_that_always_makes_the_decider_fail_costs_itself() -> None:
    items = [an_item(n, f"Dam number {n} holds near {'abcdefghijklmnopqrstuvwxyz'[n % 26] * 9}") for n in range(1, 41)]
    news, clock, troubles = Refusing(items, poison=17), ManualClock(NOON), Troubles()
    loop = DecisionLoop(
        news, lambda: Decider(TopicIndex([RIVERS]), [RIVERS]), OneEngine(), Metrics(), clock, "me", troubles=troubles
    )
    told = worked_until_empty(loop, news, clock, 60)
    assert news.items == []
    assert told == 1, "what repeats is logged once"
    decided = {g.item_id: g.signal for result in news.saved for g in result.groupings}
    assert sorted(decided) == list(range(1, 41))
    assert [i for i, signal in decided.items() if signal == "undecidable"] == [17]
    assert [(t.code, t.subject) for t in troubles.all()] == [(Code.DECISIONS_FAILING, "item 17")]
    assert news.read <= 15


def test_a_decider_that_cannot_store_rests_longer_each_time_and_says_so() -> None:
    news, clock, troubles = MemoryStoryStore([an_item(1, "Dam holds")], fails=10**9), ManualClock(NOON), Troubles()
    made = 0

    def make_decider() -> Decider:
        nonlocal made
        made += 1
        return Decider(TopicIndex([RIVERS]), [RIVERS])

    loop = DecisionLoop(news, make_decider, OneEngine(), Metrics(), clock, holder="me", troubles=troubles)
    for _ in range(600):
        with suppress(ConnectionError):
            loop.work()
        clock.advance(1)
    assert made < 25, "three days are not read again every second"
    (trouble,) = [t for t in troubles.all() if t.code is Code.DECISIONS_FAILING]
    assert trouble.grave
    news.fails = 0
    clock.advance(61)
    assert loop.work() == 1
    assert troubles.all() == []


def test_a_clock_that_steps_back_does_not_prolong_a_rest() -> None:
    news, clock = MemoryStoryStore([an_item(1, "Dam holds")], fails=6), ManualClock(NOON)
    loop = DecisionLoop(
        news, lambda: Decider(TopicIndex([RIVERS]), [RIVERS]), OneEngine(), Metrics(), clock, holder="me"
    )
    for _ in range(20):
        with suppress(ConnectionError):
            loop.work()
    news.fails = 0
    clock.advance(-86_400 * 2)
    assert loop.work() == 1


def test_an_item_nobody_can_compare_is_set_aside_and_the_others_are_told() -> None:
    poison = replace(an_item(1, "Dam holds"), title=None)  # type: ignore[arg-type]
    news, troubles = MemoryStoryStore([poison, an_item(2, "Dam breaks near Kessel")]), Troubles()
    engine = OneEngine()
    loop = DecisionLoop(
        news, lambda: Decider(TopicIndex([RIVERS]), [RIVERS]), engine, Metrics(), ManualClock(NOON), "me",
        troubles=troubles,
    )  # fmt: skip
    assert loop.work() == 2
    assert engine.calls == ["wake"]
    assert [t.subject for t in troubles.all()] == ["item 1"]


def test_the_decider_says_how_far_it_is_behind_also_while_it_does_nothing() -> None:
    news, clock, troubles, metrics = (
        MemoryStoryStore([an_item(1, "Dam holds")], lent=True),
        ManualClock(NOON),
        Troubles(),
        Metrics(),
    )
    loop = DecisionLoop(
        news, lambda: Decider(TopicIndex([RIVERS]), [RIVERS]), OneEngine(), metrics, clock, "me", troubles=troubles
    )
    loop.look()
    assert troubles.all() == []
    clock.advance(600)
    loop.look()
    assert [t.code for t in troubles.all()] == [Code.DECISIONS_BEHIND]
    assert b"notifier_decision_lag_seconds 600.0" in metrics.exposition()
    news.lent = False
    loop.work()
    assert troubles.all() == []


def test_a_service_that_stops_ends_between_two_batches_and_in_a_long_read() -> None:
    asked = 0

    class Endless(MemoryStoryStore):
        """News that never ends, and a window that never ends."""

        def pending(self, limit: int) -> Sequence[StoryItem]:
            return [an_item(next(numbers), "Bakery opens")]

        def window(self, since: datetime) -> Sequence[StoryItem]:
            return [replace(an_item(n, f"Bakery {n} opens"), story_id=n) for n in range(1, 1_500)]

        def lease_decisions(self, holder: str, now: datetime, lease_s: float) -> bool:
            nonlocal asked
            asked += 1
            if asked == most:
                loop.stop()
            return True

    numbers = itertools.count(10_000)
    for most in (2, 20):
        asked, news = 0, Endless([])
        loop = DecisionLoop(
            news, lambda: Decider(TopicIndex([RIVERS]), [RIVERS]), OneEngine(), Metrics(), ManualClock(NOON), "me"
        )
        loop.work()
        assert asked == most
        assert bool(news.saved) == (most == 20)


async def ended(pipeline: Pipeline) -> None:
    async with asyncio.timeout(10):
        await pipeline.run()


def test_items_are_decided_as_soon_as_they_are_stored() -> None:
    decided = asyncio.Event()

    async def go() -> None:
        loop = asyncio.get_running_loop()
        pipeline = Pipeline([], lambda: loop.call_soon_threadsafe(decided.set), OneEngine())
        running = asyncio.create_task(ended(pipeline))
        pipeline.wake()
        async with asyncio.timeout(5):
            await decided.wait()
        pipeline.stop()
        await running

    asyncio.run(go())


def test_a_job_that_fails_comes_round_again() -> None:
    async def go() -> list[str]:
        tries: list[str] = []

        async def fail() -> None:
            tries.append("tried")
            if len(tries) == 2:
                pipeline.stop()
            raise RuntimeError("on purpose")

        engine = OneEngine()
        pipeline = Pipeline([Job("fails", 0.02, fail)], None, engine)
        await ended(pipeline)
        assert engine.calls == ["start", "stop"]
        return tries

    assert len(asyncio.run(go())) >= 2


def test_how_a_job_does_is_known_from_its_last_run() -> None:
    async def go() -> tuple[JobReport, JobReport]:
        runs = 0

        async def twice_in_vain() -> None:
            nonlocal runs
            runs += 1
            if runs < 3:
                raise RuntimeError("on purpose")
            pipeline.stop()

        pipeline = Pipeline([Job("third time lucky", 0.02, twice_in_vain)], None, OneEngine())
        (before,) = pipeline.states()
        await ended(pipeline)
        (after,) = pipeline.states()
        return before, after

    before, after = asyncio.run(go())
    assert before == JobReport("third time lucky", 0.02)
    assert (after.error, after.failures) == (None, 0)
    assert after.last_at is not None


class EndlessNews(MemoryStoryStore):
    """A backlog that never ends: each save brings as many items again. The service is told to stop at the third."""

    loop: DecisionLoop

    def save(self, items: Sequence[StoryItem], result: DecisionResult, now: datetime, holder: str) -> Sequence[Alert]:
        super().save(items, result, now, holder)
        if len(self.saved) == 3:
            self.loop.stop()
        self.items = [an_item(items[-1].id + 1, f"Dam number {items[-1].id} holds")]
        return []


def test_a_backlog_at_the_decider_does_not_hold_up_the_end_and_the_batch_under_way_is_kept() -> None:
    news = EndlessNews([an_item(1, "Dam holds")])
    news.loop = a_loop(news, OneEngine())
    assert news.loop.work() == 3
    assert len(news.saved) == 3
    assert news.loop.work() == 0


def test_a_decider_that_is_to_begin_anew_reads_its_memory_again() -> None:
    made: list[int] = []

    def make_decider() -> Decider:
        made.append(1)
        return Decider(TopicIndex([RIVERS]), [RIVERS])

    news = MemoryStoryStore([an_item(1, "Dam holds")])
    loop = DecisionLoop(news, make_decider, OneEngine(), Metrics(), ManualClock(NOON), holder="me")
    loop.work()
    loop.begin_anew()
    news.items = [an_item(2, "River rises")]
    loop.work()
    assert len(made) == 2


def test_a_job_that_is_cut_off_by_the_end_is_no_failure_and_writes_no_line() -> None:
    async def go() -> JobReport:
        began = asyncio.Event()

        async def poll() -> None:
            began.set()
            await asyncio.Event().wait()

        pipeline = Pipeline([Job("poll", 60, poll)], None, OneEngine(), job_stop_s=0.01)
        running = asyncio.create_task(ended(pipeline))
        await began.wait()
        pipeline.stop()
        await running
        return pipeline.states()[0]

    with capture_logs() as lines:
        assert asyncio.run(go()).failures == 0
    assert lines == []


def test_engine_decider_and_jobs_are_told_to_end_at_once_and_not_one_after_the_other() -> None:
    """Each of them ends only when the others were told to as well."""
    told = threading.Barrier(2, timeout=5)
    told_to_stop: list[str] = []

    class WaitingEngine(OneEngine):
        def stop(self, timeout_s: float) -> None:
            told.wait()

    async def go() -> None:
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()

        def decide() -> None:
            loop.call_soon_threadsafe(begun.set)
            told.wait()

        pipeline = Pipeline([], decide, WaitingEngine(), stop_deciding=lambda: told_to_stop.append("desk"))
        running = asyncio.create_task(ended(pipeline))
        pipeline.wake()
        await begun.wait()
        pipeline.stop()
        await running

    asyncio.run(go())
    assert told_to_stop == ["desk"]


def test_when_the_clock_is_set_back_jobs_go_on_at_once_and_it_is_told() -> None:
    async def go() -> list[timedelta]:
        told: list[timedelta] = []
        steps = [timedelta(days=-2)]
        runs = 0
        again = asyncio.Event()

        async def work() -> None:
            nonlocal runs
            runs += 1
            if runs == 2:
                again.set()

        async def stepped(by: timedelta) -> None:
            told.append(by)

        pipeline = Pipeline(
            # By the wall clock its next turn is an hour away, as it would be two days away after the step.
            [Job("poll", 3600, work)], None, OneEngine(),
            clock_step=lambda: steps.pop() if steps else None, stepped=stepped, look_at_clock_every_s=0.01,
        )  # fmt: skip
        running = asyncio.create_task(ended(pipeline))
        async with asyncio.timeout(5):
            await again.wait()
        pipeline.stop()
        await running
        return told

    assert asyncio.run(go()) == [timedelta(days=-2)]


def test_a_job_that_works_again_says_so_once() -> None:
    async def go() -> None:
        runs = 0

        async def work() -> None:
            nonlocal runs
            runs += 1
            if runs < 3:
                raise RuntimeError("on purpose")
            if runs == 5:
                pipeline.stop()

        pipeline = Pipeline([Job("gauges", 0.02, work)], None, OneEngine())
        await ended(pipeline)

    with capture_logs() as lines:
        asyncio.run(go())
    assert [(line["event"], line.get("times")) for line in lines if "again" in line["event"]] == [
        ("job.works-again", 2)
    ]
