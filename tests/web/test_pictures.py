"""Pictures of alerts, fetched once and drawn anew; whatever the publisher sends costs one bounded attempt."""

from __future__ import annotations

import asyncio
import os
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from notifier.feeds.fetch import Fetcher, FetchRequest
from notifier.feeds.fetch_result import FailureKind, Fetched, FetchFailed, FetchResult
from notifier.web.pictures import AGAIN_AFTER_S, KEPT, MOST_OF_ONE, MOST_WAITING, PictureAddress, Pictures
from notifier.web.recode import HEIGHT, WIDTH, redraw
from notifier.web.services import SiteSettings
from tests.web.site import Site

ADDRESS = "https://post.example/a.png"
POST = PictureAddress(ADDRESS, "The Post")


def picture(size: tuple[int, int] = (2000, 1000), kind: str = "PNG", **more: object) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **more)
    return out.getvalue()


class Publisher(Fetcher):
    """A fetcher without a net: answers with `body`, and counts."""

    def __init__(self, body: bytes = b"") -> None:
        self.body = body or picture()
        self.asked: list[str] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self.fails = False

    async def fetch(self, request: FetchRequest) -> FetchResult:
        self.asked.append(request.url)
        await self.answers.wait()
        if self.fails:
            return FetchFailed("HTTP 500", FailureKind.SERVER)
        return Fetched(request.url, self.body, "image/png")


def pictures(
    publisher: Publisher,
    folder: Path,
    address_of: Callable[[int], PictureAddress | None] = lambda _: POST,
    seconds: Callable[[], float] = lambda: 0.0,
) -> Pictures:
    return Pictures(publisher, folder, address_of, seconds)


def test_a_picture_is_fetched_once_drawn_small_and_kept(tmp_path: Path) -> None:
    publisher = Publisher()
    source = pictures(publisher, tmp_path / "kept")

    async def ask() -> list[bytes | None]:
        together = await asyncio.gather(*(source.picture(7) for _ in range(20)))
        return [*together, await source.picture(7)]

    first, *others = asyncio.run(ask())

    assert publisher.asked == [ADDRESS]
    assert first is not None
    assert {first} == set(others)
    with Image.open(BytesIO(first)) as drawn:
        assert (drawn.format, drawn.size) == ("JPEG", (720, 360))
    assert asyncio.run(pictures(Publisher(), tmp_path / "kept").picture(7)) == first


def test_an_alert_without_a_picture_asks_nobody(tmp_path: Path) -> None:
    publisher = Publisher()

    assert asyncio.run(pictures(publisher, tmp_path, lambda _: None).picture(7)) is None
    assert publisher.asked == []


@pytest.mark.parametrize(
    "body", [b"<html>no picture</html>", b"", picture()[:900], b"GIF89a" + os.urandom(500)], ids=range(4)
)
def test_what_is_no_picture_is_asked_for_once_and_again_only_after_a_while(tmp_path: Path, body: bytes) -> None:
    publisher, now = Publisher(body or b"-"), [0.0]
    source = pictures(publisher, tmp_path, seconds=lambda: now[0])

    async def ask() -> None:
        assert await source.picture(7) is None
        assert await source.picture(7) is None
        assert len(publisher.asked) == 1
        now[0] += AGAIN_AFTER_S + 1
        publisher.body = picture()
        assert await source.picture(7) is not None

    asyncio.run(ask())


def test_a_publisher_that_does_not_answer_costs_its_own_alert_only(tmp_path: Path) -> None:
    publisher = Publisher()
    kept = tmp_path / "kept"
    asyncio.run(pictures(publisher, kept).picture(1))
    source = pictures(publisher, kept)

    async def ask() -> tuple[bytes | None, list[bytes | None]]:
        publisher.answers.clear()
        waiting = [asyncio.create_task(source.picture(number)) for number in range(2, 2 + MOST_OF_ONE + 10)]
        await asyncio.wait(waiting, timeout=30, return_when=asyncio.FIRST_COMPLETED)
        there = await source.picture(1)
        while sum(one.done() for one in waiting) < 10:
            await asyncio.wait([one for one in waiting if not one.done()], timeout=1)
        publisher.fails = True
        publisher.answers.set()
        return there, await asyncio.gather(*waiting)

    _, others = asyncio.run(ask())

    assert others == [None] * (MOST_OF_ONE + 10)
    assert len(publisher.asked) <= 1 + MOST_OF_ONE


class SlowAtSomeHosts(Publisher):
    """Never answers where it is asked for a slow picture."""

    async def fetch(self, request: FetchRequest) -> FetchResult:
        self.asked.append(request.url)
        if "slow" in request.url:
            await asyncio.Event().wait()
        return Fetched(request.url, self.body, "image/png")


def test_one_publishers_slow_pictures_at_however_many_hosts_hold_up_no_other_publishers(tmp_path: Path) -> None:
    def address_of(alert_id: int) -> PictureAddress:
        return POST if alert_id == 1 else PictureAddress(f"https://{alert_id}.slow.example/a.png", "Slow")

    source = pictures(SlowAtSomeHosts(), tmp_path, address_of)

    async def run() -> bytes | None:
        slow = [asyncio.create_task(source.picture(number)) for number in range(2, 2 + 2 * MOST_WAITING)]
        while sum(one.done() for one in slow) < 2 * MOST_WAITING - MOST_OF_ONE:  # there is no room for those
            await asyncio.wait([one for one in slow if not one.done()], return_when=asyncio.FIRST_COMPLETED)
        async with asyncio.timeout(10):
            there = await source.picture(1)
        for one in slow:
            one.cancel()
        return there

    assert asyncio.run(run())


def test_asking_for_pictures_that_never_were_keeps_nobody_from_one_that_is(tmp_path: Path) -> None:
    source = pictures(Publisher(), tmp_path, lambda alert_id: POST if alert_id == 1 else None)

    async def run() -> bytes | None:
        invented = [asyncio.create_task(source.picture(number)) for number in range(2, 2 + 2 * MOST_WAITING)]
        await asyncio.sleep(0)
        there = await source.picture(1)
        await asyncio.gather(*invented)
        return there

    assert asyncio.run(run())


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    for number in range(1000, 1000 + KEPT):
        (tmp_path / f"{number}.jpg").write_bytes(b"old")
        os.utime(tmp_path / f"{number}.jpg", (number, number))

    asyncio.run(pictures(Publisher(), tmp_path).picture(7))

    assert len(list(tmp_path.glob("*.jpg"))) == KEPT
    assert (tmp_path / "7.jpg").exists()
    assert not (tmp_path / "1000.jpg").exists()


def test_nothing_beside_the_pixels_is_passed_on() -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera with a name"
    exif[0x0112] = 6  # lying on its side
    drawn = redraw(picture((400, 200), "JPEG", exif=exif, comment=b"a secret"))

    assert b"camera" not in drawn
    assert b"secret" not in drawn
    with Image.open(BytesIO(drawn)) as upright:
        assert upright.size == (200, 400)


def test_what_is_transparent_is_drawn_on_white() -> None:
    out = BytesIO()
    Image.new("RGBA", (10, 10), (0, 0, 0, 0)).save(out, "PNG")

    with Image.open(BytesIO(redraw(out.getvalue()))) as drawn:
        assert drawn.getpixel((5, 5)) == (255, 255, 255)
        assert drawn.width <= WIDTH
        assert drawn.height <= HEIGHT


def test_a_picture_of_a_billion_pixels_is_refused_before_it_is_read() -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    bomb = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")

    with pytest.raises((ValueError, OSError, Image.DecompressionBombError)):
        redraw(bomb)


class Drawn:
    """A PictureSource with one picture."""

    async def picture(self, alert_id: int) -> bytes | None:
        return b"jpeg" if alert_id == 7 else None


def test_the_picture_has_an_address_that_caches_keep() -> None:
    site = Site(pictures=Drawn())

    answer = site.ask("GET", "/pictures/7.jpg")

    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"jpeg", "image/jpeg")
    assert "immutable" in answer.headers["cache-control"]
    assert site.ask("GET", "/pictures/8.jpg").status == 404
    assert site.ask("GET", f"/pictures/{10**26}.jpg").status == 404
    assert Site().ask("GET", "/pictures/7.jpg").status == 404


def test_the_page_and_the_workers_policy_say_from_where_pictures_come() -> None:
    ours, theirs = Site(), Site(settings=SiteSettings(pictures_elsewhere=True))

    assert "no third party" in ours.ask("GET", "/").text
    assert "no third party" not in theirs.ask("GET", "/").text
    assert "which can see that it was loaded" in theirs.ask("GET", "/").text
    assert "https:" not in ours.ask("GET", "/sw.js").headers["content-security-policy"]
    assert "https:" in theirs.ask("GET", "/sw.js").headers["content-security-policy"]
