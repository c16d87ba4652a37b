"""Answers that a client may keep and ask about: 304 where it has them already (RFC 9110 section 13.1.2)."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import Response


def answer(
    request: Request, body: bytes, etag: str, *, media_type: str, kept: str, headers: Mapping[str, str] | None = None
) -> Response:
    """`body`, or 304 where the request names its `etag`; `kept` is its Cache-Control.

    ETags are weak: what is compressed on the way is another representation (RFC 9110 section 8.8.3.3).
    """
    named = {"ETag": etag, "Cache-Control": kept, **(headers or {})}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if "*" in known or etag.removeprefix("W/") in known:
        return Response(status_code=304, headers=named)
    return Response(body, media_type=media_type, headers=named)
