"""Where WebSub hubs call: they verify a subscription, then bring what a publisher has just published.

Enters: a hub's GET and POST. Leaves: the challenge, or 404; 202 for content, whether or not its signature holds (W3C
WebSub section 8: a wrong signature is dropped in silence, so that nobody can probe for the secret); 429 or 503 while
there is no room for more, before the body is read.
"""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from notifier.errors import NotFound
from notifier.web.services import Services

# As much as a feed may have.
MAX_BODY_BYTES = 10 * 1024 * 1024
BODY_WITHIN_S = 30
TRY_AGAIN_S = 60

router = APIRouter(prefix="/websub", include_in_schema=False, max_body_size=MAX_BODY_BYTES)


@router.get("/{callback_id}")
async def verify(callback_id: str, request: Request, services: Services) -> PlainTextResponse:
    """Echo the challenge of a subscription that we asked for (W3C WebSub section 5.3)."""
    answer = services.websub and await services.websub.verify(callback_id, dict(request.query_params))
    if answer is None:
        raise NotFound("no such callback, or nothing that we asked for")
    return PlainTextResponse(answer)


@router.post("/{callback_id}", status_code=202)
async def receive(callback_id: str, request: Request, services: Services) -> Response:
    """Take what a hub distributes (W3C WebSub section 7)."""
    if services.websub is None or not await services.websub.knows(callback_id):
        raise NotFound("no such callback")
    room = await services.websub.admit(callback_id, _declared(request))
    if isinstance(room, int):
        return _answer(room)
    with room:
        try:
            async with asyncio.timeout(BODY_WITHIN_S):
                body = await request.body()
        except TimeoutError:
            return _answer(408)
        return _answer(await services.websub.receive(callback_id, dict(request.headers), body))


def _answer(status: int) -> Response:
    headers = {"Retry-After": str(TRY_AGAIN_S)} if status in (429, 503) else None
    return Response(status_code=status, headers=headers)


def _declared(request: Request) -> int | None:
    length = request.headers.get("content-length", "")
    return int(length[:18]) if length.isascii() and length.isdigit() else None
