"""What everybody may read is small on the way, and is not compressed for each of them."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]
import pytest
from starlette.types import Message, Receive, Scope, Send

from notifier.web.assets import sent
from notifier.web.compression import KEPT, KEPT_BYTES, Compression, Small, coding_for
from tests.web.site import TOKEN, Site

PAGE = sent("page.js").encode()


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, BR;q=0.5", "br"),
        ("gzip, br;q=0", "gzip"),
        ("br; q=0.000", None),
        ("brotli, x-gzip", None),
        ("", None),
    ],
)
def test_a_coding_is_one_that_the_client_takes(accepted: str, coding: str | None) -> None:
    assert coding_for(accepted) == coding


@pytest.mark.parametrize(("accepted", "undo"), [("gzip, br", brotli.decompress), ("gzip", gzip.decompress)])
def test_a_page_comes_in_that_coding(accepted: str, undo: Callable[[bytes], bytes]) -> None:
    site = Site()

    plain, small = site.ask("GET", "/"), site.ask("GET", "/", headers={"accept-encoding": accepted})

    assert "content-encoding" not in plain.headers
    assert plain.headers["vary"] == small.headers["vary"] == "Accept-Encoding"
    assert small.headers["content-length"] == str(len(small.body))
    assert undo(small.body) == plain.body


@pytest.mark.parametrize("personal", [{"cookie": "a=b"}, {"authorization": f"Bearer {TOKEN}"}])
def test_nothing_is_compressed_for_whoever_says_who_they_are(personal: dict[str, str]) -> None:
    answer = Site().ask("GET", "/", headers={"accept-encoding": "gzip, br"} | personal)

    assert "content-encoding" not in answer.headers


def test_what_is_small_or_a_picture_stays_as_it_is() -> None:
    for path in ("/static/badge.png", "/api/application-server-key"):
        assert "content-encoding" not in Site().ask("GET", path, headers={"accept-encoding": "br"}).headers


class Aside:
    """Another thread that works when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], bytes], Callable[[bytes], None]]] = []

    def __call__(self, make: Callable[[], bytes], take: Callable[[bytes], None]) -> None:
        self.waiting.append((make, take))

    def work(self) -> None:
        make, take = self.waiting.pop()
        take(make())


def test_what_is_asked_for_again_is_made_smaller_once_while_nobody_waits() -> None:
    aside = Aside()
    small = Small(aside)
    fast = small.get(PAGE, "br")
    assert aside.waiting == [], "what only one reader asked for is not worth it"

    assert [small.get(PAGE, "br") for _ in range(5)] == [fast] * 5
    assert len(aside.waiting) == 1
    aside.work()

    assert len(small.get(PAGE, "br")) < len(fast)
    assert brotli.decompress(small.get(PAGE, "br")) == PAGE
    assert aside.waiting == []


def test_gzip_is_made_once_and_what_is_long_ago_is_not_kept() -> None:
    aside = Aside()
    small = Small(aside)
    assert small.get(PAGE, "gzip") is small.get(PAGE, "gzip")
    before = small.get(PAGE, "br")
    for number in range(KEPT):
        small.get(PAGE + str(number).encode(), "br")

    assert small.get(PAGE, "br") is not before
    assert aside.waiting == []


def test_a_large_answer_is_made_small_while_others_are_served() -> None:
    large = PAGE * (KEPT_BYTES // len(PAGE) + 1)
    bodies: list[bytes] = []
    turns_of_others = 0

    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": large})

    async def receive() -> Message:
        raise AssertionError("a GET has no body to wait for")

    async def send(message: Message) -> None:
        bodies.append(message.get("body", b""))

    async def run() -> None:
        nonlocal turns_of_others
        scope = {"type": "http", "headers": [(b"accept-encoding", b"br")]}
        answering = asyncio.create_task(Compression(page)(scope, receive, send))
        while not bodies:
            await asyncio.sleep(0)
            turns_of_others += 1
        await answering

    asyncio.run(run())
    assert brotli.decompress(bodies[-1]) == large
    assert turns_of_others > 2, "whoever else had something to do was let in"
