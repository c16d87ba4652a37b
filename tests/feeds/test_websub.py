"""The conversation with hubs: a hub that subscribes us, one that refuses, one that lies."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

import pytest

from notifier.clock import ManualClock
from notifier.feeds import hub as hubs
from notifier.feeds.fetch import Fetcher
from notifier.feeds.fetch_result import FailureKind, FetchFailed
from notifier.feeds.hub import Hub, HubRequest
from notifier.feeds.poll import Poller
from notifier.feeds.websub import MOST_NOTED, NOTED_WITHIN, WebSub
from tests.feeds.claimed import NOON

HUB, TOPIC = "https://hub.example/", "https://paper.example/feed"


class OneHub:
    """A HubStore with the hub of one feed."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.due: list[int] = []
        self.saved = 0

    def take_steps(self, now: datetime, limit: int) -> list[HubRequest]:
        self.hub, request = hubs.next_step(self.hub, now)
        return [request] if request else []

    def by_callback(self, callback: str) -> Hub | None:
        return self.hub if callback == self.hub.callback else None

    def by_feed(self, feed_id: int) -> Hub | None:
        return self.hub if feed_id == self.hub.feed_id else None

    def save(self, hub: Hub) -> None:
        self.hub = hub
        self.saved += 1

    def poll_soon(self, feed_id: int, now: datetime) -> None:
        self.due.append(feed_id)


class Sender(Fetcher):
    """A fetcher without a net: its forms go to the hub of the harness."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    async def post_form(self, url: str, fields: Mapping[str, str]) -> int | FetchFailed:
        return await self._harness.hub_answer(url, fields)


class Taker(Poller):
    """A poller that polls nothing: what is pushed goes to the harness."""

    def __init__(self, harness: Harness) -> None:
        self._harness = harness

    async def pushed(self, feed_id: int, body: bytes, content_type: str | None) -> bool:
        return await self._harness.take(feed_id, body, content_type)


class Harness:
    """WebSub between a hub that answers forms with `answer` and a poller that can read pushes or cannot."""

    def __init__(self, answer: int | FetchFailed = 202, readable: bool = True) -> None:
        self.answer, self.readable = answer, readable
        self.sent: list[tuple[str, Mapping[str, str]]] = []
        self.pushes: list[tuple[int, bytes, str | None]] = []
        self.clock = ManualClock(NOON)
        self.store = OneHub(Hub(1, HUB, TOPIC))
        self.breaks = False
        self.gate, self.hub_answers = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.hub_answers.set()
        self.websub = WebSub(
            self.store,
            Sender(self),
            Taker(self),
            callback_base="https://n.example/websub/",
            max_body_bytes=1_000,
            clock=self.clock,
        )

    async def hub_answer(self, url: str, fields: Mapping[str, str]) -> int | FetchFailed:
        self.sent.append((url, fields))
        await self.hub_answers.wait()
        return self.answer

    async def take(self, feed_id: int, body: bytes, content_type: str | None) -> bool:
        await self.gate.wait()
        if self.breaks:
            raise KeyError("a defect")
        self.pushes.append((feed_id, body, content_type))
        return self.readable

    @property
    def callback(self) -> str:
        return str(self.store.hub.callback)

    async def subscribed(self) -> None:
        await self.websub.tend()
        assert await self.verify("subscribe") == "riddle"

    async def verify(self, mode: str, **more: str) -> str | None:
        asked = {"hub.mode": mode, "hub.topic": TOPIC, "hub.challenge": "riddle", "hub.lease_seconds": "600"}
        return await self.websub.verify(self.callback, asked | {f"hub.{name}": value for name, value in more.items()})

    def signed(self, body: bytes) -> dict[str, str]:
        secret = (self.store.hub.secret or b"").hex().encode()
        return {
            "X-Hub-Signature": f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}",
            "Content-Type": "text/xml",
        }


def run(body: Callable[[Harness], Awaitable[None]], *, answer: int | FetchFailed = 202, readable: bool = True) -> None:
    async def main() -> None:
        await body(Harness(answer, readable))

    asyncio.run(main())


def test_a_subscription_from_asking_to_pushing() -> None:
    async def check(harness: Harness) -> None:
        await harness.subscribed()
        url, form = harness.sent[0]
        assert (url, form["hub.callback"]) == (HUB, f"https://n.example/websub/{harness.callback}")
        assert harness.store.hub.state == hubs.ACTIVE
        assert await harness.websub.receive(harness.callback, harness.signed(b"<rss/>"), b"<rss/>") == 202
        await harness.websub.finish()
        assert harness.pushes == [(1, b"<rss/>", "text/xml")]
        assert harness.store.due == []

    run(check)


def test_a_forged_push_is_answered_alike_and_ignored() -> None:
    async def check(harness: Harness) -> None:
        await harness.subscribed()
        for headers in ({}, {"x-hub-signature": "sha256=" + "0" * 64}, harness.signed(b"<other/>")):
            assert await harness.websub.receive(harness.callback, headers, b"<rss/>") == 202
        await harness.websub.finish()
        assert harness.pushes == []

    run(check)


def test_a_push_that_cannot_be_read_makes_the_feed_due() -> None:
    async def check(harness: Harness) -> None:
        await harness.subscribed()
        await harness.websub.receive(harness.callback, harness.signed(b""), b"")
        await harness.websub.finish()
        assert harness.store.due == [1]

    run(check, readable=False)


def test_a_stranger_can_neither_verify_nor_push() -> None:
    async def check(harness: Harness) -> None:
        await harness.subscribed()
        assert await harness.websub.verify("guess", {"hub.mode": "subscribe", "hub.topic": TOPIC}) is None
        assert await harness.websub.receive("guess", harness.signed(b"x"), b"x") == 410
        assert await harness.verify("subscribe", topic="https://evil.example/") is None
        assert await harness.verify("unsubscribe") is None

    run(check)


def test_one_push_of_a_feed_waits_and_the_newest_wins() -> None:
    """Sixty pushes of ten megabytes took 1.2 GB and kept the parser from everybody for minutes."""

    async def check(harness: Harness) -> None:
        await harness.subscribed()
        big = b"x" * 1_001
        assert await harness.websub.receive(harness.callback, harness.signed(big), big) == 413
        harness.gate.clear()
        bodies = [b"<rss>%d</rss>" % n for n in range(60)]
        for body in bodies:
            assert await harness.websub.receive(harness.callback, harness.signed(body), body) == 202
            await asyncio.sleep(0)
        harness.gate.set()
        await harness.websub.finish()
        assert [body for _, body, _ in harness.pushes] == [bodies[0], bodies[-1]]
        assert harness.store.due == [1], "a poll tells what the dropped ones had"

    run(check)


def test_there_is_room_for_two_bodies_of_a_feed_and_its_hub_is_put_off_otherwise() -> None:
    async def check(harness: Harness) -> None:
        await harness.subscribed()
        assert await harness.websub.admit("guess", 10) == 404
        assert await harness.websub.admit(harness.callback, 1_001) == 413
        with ExitStack() as reading:
            for _ in range(2):
                room = await harness.websub.admit(harness.callback, None)
                assert not isinstance(room, int)
                reading.enter_context(room)
            assert await harness.websub.admit(harness.callback, 10) == 429
        assert harness.store.due == [1]
        assert not isinstance(await harness.websub.admit(harness.callback, 10), int)

    run(check)


def test_a_defect_that_a_push_brings_out_ends_no_later_one() -> None:
    async def check(harness: Harness) -> None:
        await harness.subscribed()
        harness.breaks = True
        await harness.websub.receive(harness.callback, harness.signed(b"<a/>"), b"<a/>")
        await harness.websub.finish()
        harness.breaks = False
        await harness.websub.receive(harness.callback, harness.signed(b"<b/>"), b"<b/>")
        await harness.websub.finish()
        assert ([body for _, body, _ in harness.pushes], harness.store.due) == ([b"<b/>"], [1])

    run(check)


def test_a_denial_is_remembered() -> None:
    async def check(harness: Harness) -> None:
        await harness.websub.tend()
        assert await harness.verify("denied", reason="not for you") == ""
        assert harness.store.hub.state == hubs.DENIED

    run(check)


@pytest.mark.parametrize(
    ("answer", "state"),
    [(202, hubs.ASKED), (403, hubs.DENIED), (FetchFailed("down", FailureKind.NETWORK), hubs.ASKED)],
)
def test_what_the_hub_answers_to_the_form_counts(answer: int | FetchFailed, state: str) -> None:
    async def check(harness: Harness) -> None:
        assert await harness.websub.tend() == 1
        assert harness.store.hub.state == state
        assert await harness.websub.tend() == 0
        harness.clock.advance(86_401)
        assert await harness.websub.tend() == 1

    run(check, answer=answer)


def test_leaving_is_confirmed_and_then_nothing_is_known() -> None:
    async def check(harness: Harness) -> None:
        await harness.subscribed()
        harness.store.hub = replace(harness.store.hub, wanted=False)
        await harness.websub.tend()
        assert harness.sent[-1][1]["hub.mode"] == "unsubscribe"
        callback = harness.callback
        assert await harness.websub.receive(callback, harness.signed(b"x"), b"x") == 410
        assert await harness.verify("unsubscribe") == "riddle"
        assert await harness.websub.receive(callback, {}, b"x") == 410

    run(check)


def test_a_lease_without_a_length_has_the_one_we_wished_for() -> None:
    async def check(harness: Harness) -> None:
        await harness.websub.tend()
        await harness.websub.verify(
            harness.callback, {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.challenge": "c"}
        )
        assert harness.store.hub.lease_until is not None
        assert (harness.store.hub.lease_until - NOON).total_seconds() == hubs.WISHED_LEASE_S

    run(check)


def test_a_hub_that_is_silent_is_waited_for_aside_and_left_at_the_end() -> None:
    async def check(harness: Harness) -> None:
        harness.hub_answers.clear()
        async with asyncio.timeout(10):
            for _ in range(3):
                await harness.websub.tend()  # would wait for the hub's deadline
                harness.clock.advance(hubs.ASK_AGAIN.total_seconds() + 1)
            assert len(harness.sent) == 3
            await harness.websub.finish()
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    run(check)


def test_a_hub_that_verifies_without_end_is_stored_once_and_answered() -> None:
    async def check(harness: Harness) -> None:
        await harness.subscribed()
        for _ in range(100):
            assert await harness.verify("subscribe") == "riddle"
        assert harness.store.saved == 1

    run(check)


def test_a_hub_that_says_another_thing_each_time_is_not_stored_without_end() -> None:
    async def check(harness: Harness) -> None:
        await harness.subscribed()
        said = [
            await harness.verify("subscribe", lease_seconds=str(600 * (2 + turn % 2)))
            if turn % 3
            else await harness.verify("denied")
            for turn in range(100)
        ]
        assert harness.store.saved == MOST_NOTED
        assert said[-1] is None
        harness.clock.advance(NOTED_WITHIN.total_seconds())
        assert await harness.verify("subscribe") == "riddle"

    run(check)
