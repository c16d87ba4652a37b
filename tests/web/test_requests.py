"""Requests under way when the service is told to stop: streams end at once, others after a moment, all in words."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from notifier.web import requests
from notifier.web.requests import Requests

SCOPE: Scope = {"type": "http", "method": "GET", "path": "/"}


async def receive() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


def an_app(kind: str | None) -> Any:
    """One that never ends; it has begun to answer with this content type, or not."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if kind is not None:
            headers = [(b"content-type", kind.encode())]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b": watching\n\n", "more_body": True})
        await asyncio.Event().wait()

    return app


async def answered(kind: str | None, seconds: float) -> list[Message]:
    """What was sent until it ended, within `seconds` of the service's end."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    under_way = Requests(an_app(kind))
    task = asyncio.create_task(under_way(SCOPE, receive, send))
    await asyncio.sleep(0)
    under_way.end()
    async with asyncio.timeout(seconds):
        await task
    assert not task.cancelled()
    return sent


def test_an_event_stream_ends_at_once_and_whole() -> None:
    sent = asyncio.run(answered("text/event-stream; charset=utf-8", requests.GRACE_S / 2))
    assert [message["type"] for message in sent] == ["http.response.start"] + 2 * ["http.response.body"]
    assert not sent[-1]["more_body"]


def test_a_request_without_an_answer_is_told_to_come_back() -> None:
    sent = asyncio.run(answered(None, requests.GRACE_S + 5))
    assert sent[0]["status"] == 503
    assert (b"retry-after", b"5") in sent[0]["headers"]


def test_who_ends_a_request_while_the_service_runs_ends_it() -> None:
    async def go() -> None:
        under_way = Requests(an_app(None))

        async def send(message: Message) -> None:
            raise AssertionError(message)

        task = asyncio.create_task(under_way(SCOPE, receive, send))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(go())
