"""Talks with WebSub hubs: asks for pushes, answers their questions, takes what they push. No web framework in here.

Enters: a tick (`tend`), a hub's GET (`verify`) and POST (`receive`). Leaves: requests to hubs, and documents for the
poller, which stores them within a second. `hub` decides; this calls.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import structlog

from notifier.clock import Clock, system_clock
from notifier.feeds import hub as hubs
from notifier.feeds.fetch import Fetcher
from notifier.feeds.fetch_result import FetchFailed
from notifier.feeds.hub import Hub, HubRequest, HubStore
from notifier.feeds.inbox import UNAVAILABLE, Inbox, InboxSettings, Push
from notifier.feeds.poll import Poller

log = structlog.get_logger(__name__)

STEPS_AT_ONCE = 50
# So many hubs may be silent before no other is asked until some of them have run into the deadline.
MOST_SILENT = 200
# A hub verifies once for each request of ours; one that says another thing each time takes so many writer's turns.
MOST_NOTED, NOTED_WITHIN = 10, timedelta(minutes=1)
_HUB_ANSWERS_WITHIN_S = 1.0
# A larger body is hashed in a thread.
_HASHED_AT_ONCE_BYTES = 256 * 1024
_FINISH_WITHIN_S = 10.0


class WebSub:
    """One for the process. `callback_base` is our public address, to which `/CALLBACK` is added for each feed."""

    def __init__(
        self,
        store: HubStore,
        sender: Fetcher,
        poller: Poller,
        *,
        callback_base: str,
        max_body_bytes: int = 10 * 1024 * 1024,
        inbox: InboxSettings | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._store, self._sender, self._poller = store, sender, poller
        self._callback_base = callback_base.rstrip("/")
        self._max_body_bytes = max_body_bytes
        self._clock = clock
        self._inbox = Inbox(self._take, inbox)
        self._asking: set[asyncio.Task[None]] = set()
        self._noted_lately: dict[int, deque[datetime]] = {}

    async def tend(self) -> int:
        """Subscribe, renew and unsubscribe where it is time; returns how many hubs were told something."""
        room = min(STEPS_AT_ONCE, MOST_SILENT - len(self._asking))
        if room <= 0:
            return 0
        requests = await asyncio.to_thread(self._store.take_steps, self._clock(), room)
        asking = [asyncio.create_task(self._send(request)) for request in requests]
        self._asking.update(asking)
        for task in asking:
            task.add_done_callback(self._asking.discard)
        # A hub that is silent is waited for aside: the others' turn must not wait for it.
        done, _ = await asyncio.wait(asking, timeout=_HUB_ANSWERS_WITHIN_S) if asking else (set(), set())
        for task in done:
            task.result()
        return len(requests)

    async def verify(self, callback: str, params: Mapping[str, str]) -> str | None:
        """A hub's GET: the text to answer 200 with, or None for 404 (WebSub sections 5.2 and 5.3)."""
        hub = await asyncio.to_thread(self._store.by_callback, callback)
        if hub is None:
            return None
        mode, topic = params.get("hub.mode", ""), params.get("hub.topic", "")
        if mode == "denied":
            reason = params.get("hub.reason", "")[:200]
            log.warning("hub_denied", party=hub.feed_id, hub=hub.subscribed_url, topic=topic, reason=reason)
            return "" if await self._noted(hub, hubs.denied(hub, self._clock())) else None
        if not hubs.confirms(hub, mode, topic):
            return None
        after = hubs.left(hub) if mode == "unsubscribe" else hubs.verified(hub, _lease_s(params), self._clock())
        return params.get("hub.challenge", "") if await self._noted(hub, after) else None

    async def _noted(self, before: Hub, after: Hub) -> bool:
        """Store what a hub said, if it is anything new. False where it says another thing each time, without end."""
        if not hubs.says_more(after, before):
            return True
        now, lately = self._clock(), self._noted_lately.setdefault(before.feed_id, deque(maxlen=MOST_NOTED))
        if len(lately) == MOST_NOTED and timedelta(0) <= now - lately[0] < NOTED_WITHIN:
            return False
        lately.append(now)
        await asyncio.to_thread(self._store.save, after)
        return True

    async def knows(self, callback: str) -> bool:
        """Whether a hub may post there: cheap, before ten megabytes are read."""
        hub = await asyncio.to_thread(self._store.by_callback, callback)
        return hub is not None and hub.secret is not None and hub.state != hubs.LEAVING

    async def admit(self, callback: str, size: int | None) -> AbstractContextManager[None] | int:
        """Room for a push of `size` bytes (None: it does not say) while it is read, or the status that refuses it."""
        hub = await asyncio.to_thread(self._store.by_callback, callback)
        if hub is None:
            return 404
        size = self._max_body_bytes if size is None else size
        if size > self._max_body_bytes:
            return 413
        refusal = self._inbox.refusal(hub.feed_id, size)
        if refusal is not None:
            log.warning(
                "push_put_off", party=hub.feed_id, hub=hub.subscribed_url, topic=hub.subscribed_topic, status=refusal
            )
            await self._poll_soon(hub.feed_id)
            return refusal
        return self._inbox.reading(hub.feed_id, size)

    async def receive(self, callback: str, headers: Mapping[str, str], body: bytes) -> int:
        """A hub's POST: the status to answer. The document is taken after the answer, as section 7 advises.

        A wrong signature is ignored with a 2xx, so that a forger learns nothing (section 8.1).
        """
        hub = await asyncio.to_thread(self._store.by_callback, callback)
        if hub is None or hub.secret is None or hub.state == hubs.LEAVING:
            return 410
        if len(body) > self._max_body_bytes:
            return 413
        given = {name.lower(): value for name, value in headers.items()}
        if not await _is_signed(given.get("x-hub-signature"), hub.secret, body):
            log.warning("push_forged", party=hub.feed_id, hub=hub.subscribed_url, topic=hub.subscribed_topic)
            return 202
        if not self._inbox.put(Push(hub.feed_id, body, given.get("content-type"))):
            await self._poll_soon(hub.feed_id)
            return UNAVAILABLE
        return 202

    async def finish(self) -> None:
        """Wait until every push that was answered with 202 is stored; what takes too long is polled for instead.

        Hubs that have not answered are left: they are asked again.
        """
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        for push in await self._inbox.finish(_FINISH_WITHIN_S):
            await self._poll_soon(push.feed_id)

    async def _take(self, push: Push) -> None:
        stored = False
        try:
            stored = await self._poller.pushed(push.feed_id, push.body, push.content_type)
        except Exception:  # a defect that one push brings out must not end those of its feed
            log.exception("push_broke", feed_id=push.feed_id)
        if not stored or push.is_last_of_many:
            await self._poll_soon(push.feed_id)

    async def _poll_soon(self, feed_id: int) -> None:
        try:
            await asyncio.to_thread(self._store.poll_soon, feed_id, self._clock())
        except Exception:  # the database is away: the feed is polled at its own pace
            log.exception("push_not_noted", feed_id=feed_id)

    async def _send(self, request: HubRequest) -> None:
        answer = await self._sender.post_form(request.url, request.form(f"{self._callback_base}/{request.callback}"))
        if isinstance(answer, FetchFailed):
            log.warning(
                "hub_unreachable", party=request.feed_id, hub=request.url, reason=answer.reason
            )  # asked again by next_step
        elif answer >= 400:
            log.warning("hub_refused", party=request.feed_id, hub=request.url, topic=request.topic, status=answer)
            hub = await asyncio.to_thread(self._store.by_feed, request.feed_id)
            if hub is not None and request.mode == "subscribe":
                await asyncio.to_thread(self._store.save, hubs.denied(hub, self._clock()))


async def _is_signed(header: str | None, secret: bytes, body: bytes) -> bool:
    if len(body) <= _HASHED_AT_ONCE_BYTES:
        return hubs.signature_is_good(header, secret, body)
    return await asyncio.to_thread(hubs.signature_is_good, header, secret, body)


def _lease_s(params: Mapping[str, str]) -> float:
    text = params.get("hub.lease_seconds", "")
    return float(text[:9]) if text.isascii() and text.isdigit() else float(hubs.WISHED_LEASE_S)
