"""What a WebSub hub is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from tests.web.site import Site


@dataclass
class Hub:
    """Knows the callback `known`, and keeps what it was brought."""

    status: int | None = None
    open: int = 0
    asked: list[int | None] = field(default_factory=list)
    brought: list[tuple[str, str, bytes]] = field(default_factory=list)

    async def verify(self, callback_id: str, params: Mapping[str, str]) -> str | None:
        return params.get("hub.challenge") if callback_id == "known" else None

    async def knows(self, callback_id: str) -> bool:
        return callback_id == "known"

    async def admit(self, callback_id: str, size: int | None) -> AbstractContextManager[None] | int:
        self.asked.append(size)
        return self.status or self.reading()

    @contextmanager
    def reading(self) -> Iterator[None]:
        self.open += 1
        yield
        self.open -= 1

    async def receive(self, callback_id: str, headers: Mapping[str, str], body: bytes) -> int:
        if callback_id != "known":
            return 410
        assert self.open == 1, "the room is kept while the body is there"
        self.brought.append((callback_id, headers["x-hub-signature"], body))
        return 202


def test_a_challenge_that_we_asked_for_is_echoed() -> None:
    answer = Site(websub=Hub()).ask("GET", "/websub/known?hub.mode=subscribe&hub.challenge=abc%20123")

    assert (answer.status, answer.text) == (200, "abc 123")


def test_a_challenge_that_nobody_asked_for_is_refused() -> None:
    assert Site(websub=Hub()).ask("GET", "/websub/other?hub.challenge=abc").status == 404


def test_content_is_taken_with_its_headers() -> None:
    hub = Hub()

    answer = Site(websub=hub).ask("POST", "/websub/known", body=b"<rss/>", headers={"X-Hub-Signature": "sha256=00"})

    assert answer.status == 202
    assert hub.brought == [("known", "sha256=00", b"<rss/>")]


def test_content_for_nobody_is_refused() -> None:
    assert Site(websub=Hub()).ask("POST", "/websub/other", body=b"<rss/>").status == 404


def test_without_websub_there_is_no_callback() -> None:
    assert Site().ask("POST", "/websub/known", body=b"<rss/>").status == 404
    assert Site().ask("GET", "/websub/known").status == 404


def test_more_than_a_feed_may_have_is_refused() -> None:
    assert Site(websub=Hub()).ask("POST", "/websub/known", body=bytes(10 * 2**20 + 1)).status == 413


def test_a_hub_is_put_off_before_its_body_is_read() -> None:
    for status in (429, 503):
        hub = Hub(status=status)
        answer = Site(websub=hub).ask("POST", "/websub/known", body=b"x" * 9_000, headers={"Content-Length": "9000"})
        assert (answer.status, answer.headers["retry-after"]) == (status, "60")
        assert (hub.asked, hub.brought) == ([9_000], [])


def test_the_room_is_given_back_whatever_comes_of_the_push() -> None:
    hub = Hub()
    Site(websub=hub).ask("POST", "/websub/known", body=b"<rss/>", headers={"X-Hub-Signature": "a"})
    assert hub.open == 0
