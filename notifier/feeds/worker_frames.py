"""How a document travels to a worker process and what was read travels back: length-prefixed JSON.

JSON because a worker reads hostile documents: whatever it answers is data here, never code, as a pickle would be.
A request is two frames (a JSON head, then the body as it is), an answer is one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from notifier.feeds.feed import FeedItem, ParsedFeed, Unreadable

LENGTH = struct.Struct("!I")
OUT_OF_MEMORY = 3  # the exit status of a worker that may not have more


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """The arguments of `read.read`."""

    body: bytes
    content_type: str | None
    url: str
    known: frozenset[bytes]


def request_frames(request: ReadRequest) -> bytes:
    """A request as it is written to a worker."""
    known = b"".join(request.known).hex()
    head = orjson.dumps([request.url, request.content_type, known])
    return b"".join((LENGTH.pack(len(head)), head, LENGTH.pack(len(request.body)), request.body))


def request_of(head: bytes, body: bytes, digest_bytes: int) -> ReadRequest:
    """The two frames of a request, without their lengths, back as a `ReadRequest`."""
    url, content_type, known = orjson.loads(head)
    return ReadRequest(body, content_type, url, frozenset(_pieces(bytes.fromhex(known), digest_bytes)))


def answer_frame(found: ParsedFeed | Unreadable, digest_bytes: int) -> bytes:
    """What was read as it is written back. Times travel as ISO 8601, digests as one string of hexadecimal digits."""
    if isinstance(found, Unreadable):
        answer: dict[str, Any] = {"reason": found.reason}
    else:
        answer = {name: getattr(found, name) for name in ParsedFeed.__slots__}
        answer["digests"] = b"".join(found.digests).hex()
    payload = orjson.dumps(answer)
    return LENGTH.pack(len(payload)) + payload


def answer_of(payload: bytes, digest_bytes: int) -> ParsedFeed | Unreadable:
    """An answer's frame, without its length, back as what `read.read` returned."""
    answer = orjson.loads(payload)
    if "reason" in answer:
        return Unreadable(answer["reason"])
    answer["items"] = tuple(_item(fields) for fields in answer["items"])
    answer["problems"] = tuple(answer["problems"])
    answer["digests"] = _pieces(bytes.fromhex(answer["digests"]), digest_bytes)
    return ParsedFeed(**answer)


def _item(fields: dict[str, Any]) -> FeedItem:
    for name in ("published_at", "updated_at"):
        if fields[name] is not None:
            fields[name] = datetime.fromisoformat(fields[name])
    fields["categories"] = tuple(fields["categories"])
    return FeedItem(**fields)


def _pieces(joined: bytes, size: int) -> tuple[bytes, ...]:
    return tuple(joined[at : at + size] for at in range(0, len(joined), size))
