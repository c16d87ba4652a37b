"""Behind a proxy one client has a bounded number of requests under way, and others do not notice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message

from notifier.web.under_way import MOST_AT_WORK, STREAMS, UnderWay
from tests.web.site import Site


class Slow:
    """An application that answers when it is told to."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def nothing_more() -> Message:
    raise AssertionError("a GET has no body to wait for")


@pytest.mark.parametrize(
    ("same", "other"),
    [(["198.51.100.1"] * 4, "198.51.100.2"), ([f"2001:db8::{n}" for n in range(1, 5)], "2001:db8:0:1::1")],
)
def test_one_client_has_a_bounded_number_of_requests_under_way(same: list[str], other: str) -> None:
    statuses: list[tuple[str, int]] = []
    site = Site()

    async def ask(app: UnderWay, host: str) -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append((host, message["status"]))

        headers = [(b"x-forwarded-for", host.encode())]
        scope = {"type": "http", "client": (host, 1), "headers": headers, "path": "/", "app": site.app, "method": "GET"}
        await app(scope, nothing_more, send)

    async def run() -> None:
        slow = Slow()
        app = UnderWay(slow, most_each=3)
        asking = [asyncio.create_task(ask(app, host)) for host in [*same, other]]
        await asyncio.wait(asking, return_when=asyncio.FIRST_COMPLETED)
        assert slow.asked == 4
        assert statuses == [(same[3], 429)]
        slow.go.set()
        await asyncio.gather(*asking)
        await ask(app, same[0])

    asyncio.run(run())
    assert [status for _, status in statuses].count(200) == 5


@pytest.mark.parametrize(
    ("header", "mark", "under"),
    [(b"cookie", b"notifier-session=", "/console"), (b"authorization", b"Bearer ", "/api/v1")],
)
def test_one_session_or_token_has_a_bounded_number_of_requests_under_way(
    header: bytes, mark: bytes, under: str
) -> None:
    statuses: list[int] = []
    site = Site()

    async def ask(app: UnderWay, path: str, credential: bytes) -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {
            "type": "http",
            "client": ("127.0.0.1", 1),
            "headers": [(header, mark + credential)],
            "path": path,
            "app": site.app,
            "method": "GET",
        }
        await app(scope, nothing_more, send)

    async def run() -> None:
        slow = Slow()
        app = UnderWay(slow, most_of_a_credential=2)
        wanted = [*[(f"{under}/topics", b"vic")] * 5, (f"{under}/stories", b"ada"), ("/", b"vic"), (STREAMS, b"vic")]
        asking = [asyncio.create_task(ask(app, *one)) for one in wanted]
        await asyncio.wait(asking[2:5])  # the three that are refused
        await asyncio.sleep(0)
        assert (statuses, slow.asked) == ([429] * 3, 5)
        slow.go.set()
        await asyncio.gather(*asking)
        await ask(app, f"{under}/me", b"vic")

    asyncio.run(run())
    assert statuses.count(200) == 6


BEARER, SESSION = b"Bearer notifier_1", b"notifier-session=1"


@pytest.mark.parametrize(
    ("path", "spellings"),
    [
        ("/console/topics", [[(b"cookie", b"n=%d; " % n + SESSION)] for n in range(6)]),
        ("/console/topics", [[(b"cookie", SESSION), (b"authorization", b"Basic %d" % n)] for n in range(6)]),
        ("/console/topics", [[(b"cookie", SESSION), (b"cookie", b"n=%d" % n)] for n in range(6)]),
        ("/api/v1/me", [[(b"authorization", b" ".join([b"BEARER", b" " * n + b"notifier_1"]))] for n in range(6)]),
        ("/api/v1/me", [[(b"authorization", BEARER), (b"authorization", b"Bearer %d" % n)] for n in range(6)]),
    ],
)
def test_no_spelling_makes_a_session_or_token_another_one(path: str, spellings: list[Any]) -> None:
    statuses: list[int] = []

    async def ask(app: UnderWay, headers: Any) -> None:
        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {"type": "http", "client": ("127.0.0.1", 1), "headers": headers, "path": path, "method": "GET"}
        await app(scope | {"app": Site().app}, nothing_more, send)

    async def run() -> None:
        slow = Slow()
        app = UnderWay(slow, most_of_a_credential=2)
        asking = [asyncio.create_task(ask(app, headers)) for headers in spellings]
        await asyncio.wait(asking, timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
        assert (statuses, slow.asked) == ([429] * 4, 2)
        slow.go.set()
        await asyncio.gather(*asking)

    asyncio.run(run())


def test_nobody_stands_behind_all_the_pages_that_another_client_asked_for() -> None:
    async def ask(app: UnderWay, host: str, path: str = "/alerts/1") -> None:
        async def send(_message: Any) -> None: ...

        scope = {"type": "http", "client": (host, 1), "headers": [], "path": path, "method": "GET"}
        await app(scope, nothing_more, send)

    async def run() -> None:
        slow = Slow()
        app = UnderWay(slow)
        asking = [asyncio.create_task(ask(app, "198.51.100.1")) for _ in range(5 * MOST_AT_WORK)]
        await asyncio.sleep(0)
        assert slow.asked == MOST_AT_WORK
        asking.append(asyncio.create_task(ask(app, "198.51.100.2")))
        asking.append(asyncio.create_task(ask(app, "198.51.100.1", "/static/app.js")))
        await asyncio.sleep(0)
        assert slow.asked == MOST_AT_WORK + 2, "another client's, and a file"
        slow.go.set()
        await asyncio.gather(*asking)
        assert slow.asked == len(asking)

    asyncio.run(run())


def test_answers_that_are_not_taken_hold_up_none_of_the_clients_other_pages() -> None:
    site, slow, taken = Site(), Slow(), asyncio.Event()
    slow.go.set()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await taken.wait()

    async def run() -> None:
        app = UnderWay(slow)
        scope = {"type": "http", "client": ("198.51.100.1", 1), "headers": [], "path": "/", "app": site.app}
        asking = [
            asyncio.create_task(app(scope | {"method": "GET"}, nothing_more, send)) for _ in range(MOST_AT_WORK + 3)
        ]
        for _ in range(10):
            await asyncio.sleep(0)
        assert slow.asked == MOST_AT_WORK + 3
        taken.set()
        await asyncio.gather(*asking)

    asyncio.run(run())
