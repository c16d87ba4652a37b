"""Pictures in notifications, served by this site: fetched once from the publisher, drawn anew, kept for a while.

A reader's browser loads a notification's picture in the instant of the alert. From the publisher, that tells the
publisher who reads; from here it tells nobody anything. Enters: an alert's id. Leaves: a small JPEG, or None. One
alert's picture costs one bounded attempt, however many ask for it, and never holds up an alert: those are sent without
waiting for it. A publisher's pictures are asked for one after the other, so that a slow one holds up its own.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import structlog
from fastapi import APIRouter
from fastapi.responses import Response

from notifier.feeds.fetch import Fetcher, FetchRequest
from notifier.feeds.fetch_result import Fetched
from notifier.feeds.hosts import HostGate
from notifier.web.services import Services

PICTURES = "/pictures"
LARGEST_BYTES = 5 * 2**20
DEADLINE_S = 15.0
FETCHED_AT_ONCE, DRAWN_AT_ONCE = 10, 2
KEPT = 200
"""Files; a drawn picture has 50 to 160 kB."""
REMEMBERED = 1_000
MOST_WAITING, MOST_OF_ONE = 50, 10
"""Pictures that are waited for: in all, and of one publisher."""
AGAIN_AFTER_S = 600.0
FOREVER = "public, max-age=604800, immutable"

log = structlog.get_logger()
router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class PictureAddress:
    """Where an alert's picture is, and whose alert it is."""

    url: str
    publisher: str


class Pictures:
    """Implements `services.PictureSource`. Owned by one event loop."""

    def __init__(
        self,
        asks: Fetcher,
        folder: Path,
        address_of: Callable[[int], PictureAddress | None],
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        """`folder` keeps what was drawn; `address_of` gives the picture's address of an alert, where it has one."""
        self._asks, self._folder, self._address_of, self._monotonic = asks, folder, address_of, seconds
        self._under_way: dict[int, asyncio.Task[bytes | None]] = {}
        self._without: OrderedDict[int, float] = OrderedDict()
        self._of_publisher, self._waiting = HostGate(1), Counter[str]()
        self._fetching, self._drawing = asyncio.Semaphore(FETCHED_AT_ONCE), asyncio.Semaphore(DRAWN_AT_ONCE)

    async def picture(self, alert_id: int) -> bytes | None:
        """The picture of an alert as a JPEG; None where it has none that can be drawn.

        Only what is there to be fetched takes a place: whoever asks for what never was keeps nobody waiting.
        """
        if self._monotonic() < self._without.get(alert_id, 0.0):
            return None
        task = self._under_way.get(alert_id)
        if task is None:
            path = self._folder / f"{alert_id}.jpg"
            kept = await asyncio.to_thread(_read, path)
            if kept is not None:
                return kept
            address = await asyncio.to_thread(self._address_of, alert_id)
            if address is None:
                return None
            task = self._begun(alert_id, address, path)
        return None if task is None else await asyncio.shield(task)

    def _begun(self, alert_id: int, address: PictureAddress, path: Path) -> asyncio.Task[bytes | None] | None:
        """What fetches it, whoever began; None where too many are waited for."""
        task = self._under_way.get(alert_id)
        is_full = len(self._under_way) >= MOST_WAITING or self._waiting[address.publisher] >= MOST_OF_ONE
        if task is None and not is_full:
            task = self._under_way[alert_id] = asyncio.create_task(self._made(alert_id, address, path))
            self._waiting[address.publisher] += 1
            task.add_done_callback(lambda _: self._ended(alert_id, address.publisher))
        return task

    def _ended(self, alert_id: int, publisher: str) -> None:
        self._under_way.pop(alert_id, None)
        self._waiting[publisher] -= 1
        self._waiting += Counter()  # forgets those at zero

    async def _made(self, alert_id: int, address: PictureAddress, path: Path) -> bytes | None:
        async with self._of_publisher.of(address.publisher), self._fetching:
            drawn = await self._fetched(alert_id, address.url)
        if drawn is None:
            self._without[alert_id] = self._monotonic() + AGAIN_AFTER_S
            while len(self._without) > REMEMBERED:
                self._without.popitem(last=False)
        else:
            await asyncio.to_thread(_keep, path, drawn)
        return drawn

    async def _fetched(self, alert_id: int, address: str) -> bytes | None:
        try:
            async with asyncio.timeout(DEADLINE_S):
                answer = await self._asks.fetch(FetchRequest(address))
            if isinstance(answer, Fetched):
                async with self._drawing, asyncio.timeout(DEADLINE_S):
                    return await _drawn(answer.body)
        except TimeoutError:
            log.info("picture.too-slow", alert=alert_id)
            return None
        log.info("picture.not-there", alert=alert_id, answer=type(answer).__name__)
        return None


@router.get(f"{PICTURES}/{{alert_id}}.jpg")
async def picture(alert_id: int, services: Services) -> Response:
    """The picture of an alert, as the site draws it."""
    if services.pictures is None or not 0 < alert_id < 2**63:
        return Response(status_code=404)
    found = await services.pictures.picture(alert_id)
    if found is None:
        return Response(status_code=404, headers={"Cache-Control": "public, max-age=60"})
    return Response(found, media_type="image/jpeg", headers={"Cache-Control": FOREVER})


async def _drawn(picture: bytes) -> bytes | None:
    """Have a process of its own draw it; that process ends with the time that is left, whatever it is at."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "notifier.web.recode",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        drawn, _ = await worker.communicate(picture)
    finally:
        if worker.returncode is None:
            worker.kill()
            await worker.wait()
    return drawn if worker.returncode == 0 and drawn else None


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _keep(path: Path, drawn: bytes) -> None:
    """Write it where others may read it meanwhile, and let go of the oldest. A full disk only means no copy."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        being_written = path.with_suffix(".part")
        being_written.write_bytes(drawn)
        being_written.replace(path)
        kept = sorted(path.parent.glob("*.jpg"), key=lambda file: file.stat().st_mtime)
        for old in kept[:-KEPT]:
            old.unlink(missing_ok=True)
    except OSError as full:
        log.warning("picture.not-kept", problem=type(full).__name__)
