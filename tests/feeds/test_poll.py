"""The poller: what is due is asked, slow feeds hold up nobody, and nothing is lost or asked twice."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import structlog

from notifier.clock import ManualClock
from notifier.feeds.feed import FeedConfig, HealthStatus, ParsedFeed, Unreadable
from notifier.feeds.fetch import Fetcher, FetchRequest
from notifier.feeds.fetch_result import FailureKind, Fetched, FetchFailed, FetchResult, GoneForGood, NotModified
from notifier.feeds.health import FeedFacts
from notifier.feeds.poll import BROKEN_POLL, Poller, PollSettings
from notifier.feeds.poll_state import ClaimedFeed, PollResult, Recorded
from notifier.feeds.recorder import Batch
from notifier.feeds.store import Synced
from notifier.feeds.workers import Reader
from notifier.troubles import Code, Troubles
from tests.feeds.claimed import NOON, a_document, a_feed, a_poll_state, ago, an_item
from tests.outbound.web import Asked, Names, fetcher, response, site

SLOTS = 8


class Waiting:
    """A FeedStore in memory: feeds that are due, and what was recorded of them."""

    def __init__(self, feeds: Sequence[ClaimedFeed]) -> None:
        self.due = list(feeds)
        self.recorded: list[PollResult] = []
        self.postponed: dict[int, datetime] = {}
        self.kept: set[int] = set()
        self.breaks = 0
        self.poison: int | None = None
        self.indigestible: set[int] = set()  # feeds whose items are refused

    def sync_config(self, configs: Sequence[FeedConfig], now: datetime) -> Synced:
        return Synced()

    def claim_due(self, now: datetime, limit: int, lease_s: float) -> list[ClaimedFeed]:
        claimed, self.due = self.due[:limit], self.due[limit:]
        return claimed

    def keep(self, claimed: Sequence[ClaimedFeed], now: datetime, lease_s: float) -> None:
        self.kept |= {feed.id for feed in claimed}

    def look(self, feed_id: int, now: datetime) -> ClaimedFeed | None:
        return a_feed() if feed_id == a_feed().id else None

    def postpone(self, later: Sequence[tuple[ClaimedFeed, datetime]]) -> None:
        self.postponed |= {feed.id: at for feed, at in later}

    def record(self, results: Sequence[PollResult], now: datetime) -> Recorded:
        if self.breaks:
            self.breaks -= 1
            raise OSError("the disk is full")
        if self.poison in [result.feed_id for result in results]:
            raise ValueError("a text that this database cannot hold")
        if any(result.items and result.feed_id in self.indigestible for result in results):
            raise ValueError("an entry that this database cannot hold")
        self.recorded += results
        return Recorded(new=sum(len(result.items) for result in results))

    def broke(self, feed_ids: Sequence[int], now: datetime) -> None:
        raise AssertionError("not the poller's to say")

    def facts(self, now: datetime) -> list[FeedFacts]:
        raise AssertionError("not the poller's to ask")


class Net(Fetcher):
    """A fetcher without a net: answers by URL; those in `slow` come when the test lets them."""

    def __init__(self, answers: dict[str, FetchResult | Exception] | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[FetchRequest] = []
        self.slow: set[str] = set()
        self.let_go = asyncio.Event()

    async def fetch(self, request: FetchRequest) -> FetchResult:
        self.asked.append(request)
        if request.url in self.slow:
            await self.let_go.wait()
        answer = self.answers.get(request.url, NotModified())
        if isinstance(answer, Exception):
            raise answer
        return answer


class OneItem(Reader):
    """A reader without processes: reads every body as one item, or as `document`."""

    def __init__(self) -> None:
        self.document: ParsedFeed | Unreadable = a_document(an_item())

    async def read(
        self, body: bytes, *, content_type: str | None, url: str, known: Collection[bytes] = ()
    ) -> ParsedFeed | Unreadable:
        return self.document


class Harness:
    """A poller between a store and a net."""

    def __init__(
        self, count: int, answers: dict[str, FetchResult | Exception] | None = None, host: str = "{n}.example"
    ) -> None:
        self.feeds = [a_feed(id=n, url=f"https://{host.format(n=n)}/{n}") for n in range(count)]
        self.store, self.clock = Waiting(self.feeds), ManualClock(NOON)
        self.net, self.reader = Net(answers), OneItem()
        self.batches: list[Batch] = []
        self.batch_came = asyncio.Event()
        settings = PollSettings(slots=SLOTS, slow=100, slow_after_s=0.05, keep_every_s=0.01)
        self.troubles = Troubles(self.clock)
        self.poller = Poller(
            self.store, self.net, self.reader, settings, on_batch=self.take, troubles=self.troubles, clock=self.clock
        )

    def take(self, batch: Batch) -> None:
        self.batches.append(batch)
        self.batch_came.set()

    async def recorded(self, count: int) -> None:
        """Wait until so many polls are recorded."""
        while len(self.store.recorded) < count:
            await self.batch_came.wait()
            self.batch_came.clear()

    def url(self, number: int) -> str:
        return self.feeds[number].url


def run(harness: Callable[[], Harness], body: Callable[[Harness], Awaitable[None]]) -> None:
    async def main() -> None:
        built = harness()
        async with built.poller:
            await body(built)

    asyncio.run(main())


def test_all_that_is_due_is_asked_and_recorded_though_there_are_fewer_slots() -> None:
    async def check(harness: Harness) -> None:
        assert await harness.poller.poll_due() == 50
        await harness.poller.finish()
        assert sorted(r.feed_id for r in harness.store.recorded) == list(range(50))
        assert sum(batch.results["unchanged"] for batch in harness.batches) == 50

    run(lambda: Harness(50), check)


def test_a_slow_feed_holds_up_nobody_else() -> None:
    async def check(harness: Harness) -> None:
        harness.net.slow = {harness.url(0), harness.url(1)}
        await asyncio.wait_for(harness.poller.poll_due(), 5)
        await asyncio.wait_for(harness.recorded(38), 5)
        harness.net.let_go.set()
        await harness.poller.finish()
        assert len(harness.store.recorded) == 40

    run(lambda: Harness(40), check)


def test_the_leases_of_polls_under_way_are_kept_and_of_no_others() -> None:
    async def check(harness: Harness) -> None:
        harness.net.slow = {harness.url(3)}
        await harness.poller.poll_due()
        await asyncio.wait_for(harness.recorded(4), 5)
        harness.store.kept = set()
        await asyncio.sleep(0.1)
        harness.net.let_go.set()
        assert harness.store.kept == {3}

    run(lambda: Harness(5), check)


def test_validators_and_the_feeds_own_headers_are_sent_to_where_the_feed_is_now() -> None:
    async def check(harness: Harness) -> None:
        poll_state = a_poll_state(etag='"1"', last_modified="today", moved_to="https://new.example/")
        harness.store.due = [a_feed(poll_state, headers_env="PAPER")]
        await harness.poller.poll_due()
        await harness.poller.finish()
        assert harness.net.asked == [FetchRequest("https://new.example/", '"1"', "today", "PAPER")]

    run(lambda: Harness(0), check)


def test_each_kind_of_result_is_counted_and_new_items_are_told() -> None:
    async def check(harness: Harness) -> None:
        harness.net.answers = {
            harness.url(0): Fetched(harness.url(0), b"<rss/>"),
            harness.url(1): GoneForGood(),
            harness.url(2): FetchFailed("HTTP 500", FailureKind.SERVER),
        }
        await harness.poller.poll_due()
        await harness.poller.finish()
        assert {kind for batch in harness.batches for kind in batch.results} == {
            "changed",
            "retired",
            "failed",
            "unchanged",
        }
        assert sum(batch.recorded.new for batch in harness.batches) == 1

    run(lambda: Harness(4), check)


def test_a_document_that_cannot_be_read_is_a_failure_of_its_feed() -> None:
    async def check(harness: Harness) -> None:
        harness.net.answers = {harness.url(0): Fetched(harness.url(0), b"<html>")}
        harness.reader.document = Unreadable("This is a web page, not a feed.")
        await harness.poller.poll_due()
        await harness.poller.finish()
        assert harness.store.recorded[0].poll_state.error == "This is a web page, not a feed."

    run(lambda: Harness(1), check)


def test_a_defect_that_one_feed_brings_out_costs_that_poll_only() -> None:
    async def check(harness: Harness) -> None:
        with structlog.testing.capture_logs() as logs:
            await harness.poller.poll_due()
            await harness.poller.finish()
        assert [line["event"] for line in logs] == ["poll_broke"]
        assert {r.feed_id: r.poll_state.error for r in harness.store.recorded} == {0: BROKEN_POLL, 1: None, 2: None}

    run(lambda: Harness(3, {"https://0.example/0": KeyError("a defect")}), check)


def test_feeds_of_one_host_are_put_off_and_given_back() -> None:
    async def check(harness: Harness) -> None:
        asked = await harness.poller.poll_due()
        await harness.poller.finish()
        assert (asked, len(harness.net.asked), len(harness.store.postponed)) == (10, 10, 90)
        assert len(set(harness.store.postponed.values())) == 90

    run(lambda: Harness(100, host="big.example"), check)


def test_a_batch_that_the_database_refuses_is_logged_and_polling_goes_on() -> None:
    async def check(harness: Harness) -> None:
        harness.store.breaks = 3
        with structlog.testing.capture_logs() as logs:
            await harness.poller.poll_due()
            await harness.poller.finish()
        assert [line["event"] for line in logs] == ["polls_not_recorded", "poll_not_recorded", "poll_not_recorded"]
        assert (harness.store.recorded, harness.batches) == ([], [])
        harness.store.due = harness.feeds
        await harness.poller.poll_due()
        await harness.poller.finish()
        assert len(harness.store.recorded) == 3

    run(lambda: Harness(3), check)


def test_what_the_database_does_not_take_of_one_feed_holds_up_no_other() -> None:
    async def check(harness: Harness) -> None:
        harness.store.poison = harness.feeds[1].id
        with structlog.testing.capture_logs() as logs:
            await harness.poller.poll_due()
            await harness.poller.finish()
        assert [line["event"] for line in logs] == ["polls_not_recorded", "poll_not_recorded"]
        assert {result.feed_id for result in harness.store.recorded} == {harness.feeds[0].id, harness.feeds[2].id}

    run(lambda: Harness(3), check)


def test_feeds_that_cannot_be_recorded_fail_in_words_and_hold_up_no_other() -> None:
    async def check(harness: Harness) -> None:
        bad = {feed.id for feed in harness.feeds[:5]}
        harness.net.answers = {feed.url: Fetched(feed.url, b"<rss/>") for feed in harness.feeds}
        harness.store.indigestible = bad
        await harness.poller.poll_due()
        await harness.poller.finish()
        results = {result.feed_id: result for result in harness.store.recorded}
        assert len(results) == len(harness.store.recorded) == 8
        assert {feed_id for feed_id, result in results.items() if result.items} == {5, 6, 7}
        for feed_id in bad:
            poll_state = results[feed_id].poll_state
            assert poll_state.state is HealthStatus.FAILING
            assert "cannot be stored (ValueError)" in str(poll_state.error)
            assert (poll_state.etag, poll_state.body_hash) == (
                harness.feeds[feed_id].poll_state.etag,
                harness.feeds[feed_id].poll_state.body_hash,
            )
            assert poll_state.next_poll_at >= NOON + timedelta(minutes=5)

    run(lambda: Harness(8), check)


def test_one_alarm_when_our_network_fails_and_the_feeds_are_not_blamed_for_it() -> None:
    async def check(harness: Harness) -> None:
        down = FetchFailed("Cannot connect", FailureKind.NETWORK)
        harness.net.answers = {feed.url: down for feed in harness.feeds}
        with structlog.testing.capture_logs() as logs:
            await harness.poller.poll_due()
            await harness.poller.finish()
        assert [line["event"] for line in logs] == ["feeds_unreachable", "trouble.began"]
        assert harness.poller.trouble is not None
        assert [trouble.code for trouble in harness.troubles.all()] == [Code.NETWORK_AWAY]
        assert [r.poll_state.failures for r in harness.store.recorded].count(0) >= 30
        harness.net.answers, harness.store.due = {}, harness.feeds
        await harness.poller.poll_due()
        await harness.poller.finish()
        assert harness.poller.trouble is None
        assert harness.troubles.all() == []

    run(lambda: Harness(40), check)


def test_a_push_is_recorded_at_once_and_without_a_lease() -> None:
    async def check(harness: Harness) -> None:
        assert await asyncio.wait_for(harness.poller.pushed(a_feed().id, b"<rss/>", "text/xml"), 1)
        (result,) = harness.store.recorded
        assert (result.lease_token, len(result.items)) == (None, 1)
        assert harness.batches == [Batch({"pushed": 1}, Recorded(new=1))]

    run(lambda: Harness(0), check)


def test_a_push_for_a_feed_that_left_or_that_cannot_be_read_is_not_stored() -> None:
    async def check(harness: Harness) -> None:
        assert not await harness.poller.pushed(999, b"<rss/>", None)
        harness.reader.document = Unreadable("The answer is empty.")
        assert not await harness.poller.pushed(a_feed().id, b"", None)
        assert harness.store.recorded == []

    run(lambda: Harness(0), check)


def test_stopping_drops_what_is_under_way_and_records_none_of_it() -> None:
    async def main() -> Harness:
        harness = Harness(3)
        harness.net.slow = {feed.url for feed in harness.feeds}
        async with harness.poller:
            await harness.poller.poll_due()
        return harness

    assert asyncio.run(main()).store.recorded == []


def test_the_body_of_the_last_time_is_not_read_again() -> None:
    async def check(harness: Harness) -> None:
        answer = Fetched("https://paper.example/feed", b"<rss/>")
        harness.net.answers = {answer.url: answer}
        harness.store.due = [a_feed()]
        await harness.poller.poll_due()
        await harness.poller.finish()
        harness.reader.document = Unreadable("read again")
        harness.store.due = [replace(a_feed(), poll_state=harness.store.recorded[0].poll_state)]
        await harness.poller.poll_due()
        await harness.poller.finish()
        assert harness.store.recorded[1].poll_state.error is None

    run(lambda: Harness(0), check)


def test_silent_servers_leave_their_slots_to_others_after_a_while() -> None:
    async def check(harness: Harness) -> None:
        harness.net.slow = {harness.url(n) for n in range(60)}
        await asyncio.wait_for(harness.poller.poll_due(), 10)
        await asyncio.wait_for(harness.recorded(10), 10)
        assert {result.feed_id for result in harness.store.recorded} == set(range(60, 70))
        harness.net.let_go.set()

    run(lambda: Harness(70), check)


def test_a_silent_host_has_no_more_polls_under_way_than_it_is_asked_at_once() -> None:
    async def check(harness: Harness) -> None:
        harness.net.slow = {feed.url for feed in harness.feeds}
        for _ in range(40):
            harness.store.due = [
                feed for feed in harness.feeds if feed.url not in {one.url for one in harness.net.asked}
            ]
            await harness.poller.poll_due()
            await asyncio.sleep(0)
            harness.clock.advance(60)
        assert len(harness.net.asked) == 10
        assert min(harness.store.postponed.values()) > NOON
        harness.net.let_go.set()

    run(lambda: Harness(100, host="big.example"), check)


@pytest.mark.parametrize("error", [OSError(errno.EMFILE, "too many open files"), OSError(errno.ENFILE, "")])
def test_a_want_of_descriptors_is_our_trouble_and_no_feeds(error: OSError) -> None:
    async def check(harness: Harness) -> None:
        harness.net.answers = {feed.url: error for feed in harness.feeds}
        for _ in range(4):
            harness.store.due = harness.feeds
            await harness.poller.poll_due()
            await harness.poller.finish()
        assert {(r.poll_state.failures, r.poll_state.error) for r in harness.store.recorded} == {(0, None)}
        assert [trouble.code for trouble in harness.troubles.all()] == [Code.CONNECTIONS_FULL]
        harness.net.answers, harness.store.due = {}, harness.feeds
        await harness.poller.poll_due()
        await harness.poller.finish()
        assert harness.troubles.all() == []

    run(lambda: Harness(3), check)


def test_a_feed_in_doubt_is_asked_without_conditions() -> None:
    async def check(harness: Harness) -> None:
        harness.store.due = [a_feed(a_poll_state(etag='"1"', last_body_at=ago(days=2)))]
        await harness.poller.poll_due()
        await harness.poller.finish()
        assert [(asked.etag, asked.last_modified) for asked in harness.net.asked] == [(None, None)]

    run(lambda: Harness(0), check)


def test_three_hundred_silent_hosts_hold_up_no_honest_one() -> None:
    """Over sockets: every silent host accepts and never answers."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        if asked.headers["host"].startswith("silent"):
            await asyncio.Event().wait()
        writer.write(response(body=b"<rss/>"))

    names = [f"silent{n}" for n in range(300)] + [f"honest{n}" for n in range(20)]

    async def main() -> list[int]:
        known = Names(**{f"{name}_example": ["127.0.0.1"] for name in names})
        async with site(answer) as running, fetcher(names=known, deadline_s=60.0) as asking:
            harness = Harness(0)
            harness.store.due = [a_feed(id=n, url=running.url(host=f"{name}.example")) for n, name in enumerate(names)]
            settings = PollSettings(slots=100, slow_after_s=0.2)
            async with Poller(
                harness.store, asking, harness.reader, settings, on_batch=harness.take, clock=harness.clock
            ) as poller:
                await asyncio.wait_for(poller.poll_due(), 20)
                await asyncio.wait_for(harness.recorded(20), 20)
                return [result.feed_id for result in harness.store.recorded]

    assert sorted(asyncio.run(main())) == list(range(300, 320))
