"""The bytes inside a push: an alert's message as compact JSON that always fits.

Enters: an `Alert`. Leaves: UTF-8 JSON of at most `limit` bytes; next room: push. Keys are short words that the service
worker reads: v (format version), id, kind, label (what it is, in a word), title, body, publisher, at (in milliseconds
since the epoch), url, tag, image; of an update or correction: change (what changed, in words), updated (when an update
might go, as at: the worker says it by the reader's clock); and where browsers are asked to tell that they showed it:
receipt (the alert's random name), since (when it might go, as at) and ask (the share of browsers that tell, left out
where all do).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from notifier.alerts.alert import Alert, AlertKind
from notifier.alerts.receipts import share_asked
from notifier.alerts.wording import change, label
from notifier.text.line import has_words, shorten

FORMAT_VERSION = 1
# What every screen cuts anyway; more would only be carried.
TITLE_CHARACTERS = 200
BODY_CHARACTERS = 400
# It stands in the first line, and what changed has to be seen behind it.
PUBLISHER_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class ReceiptRequest:
    """That browsers tell what they did with it: under which name, counted from when, and which share of them."""

    receipt: str
    since: datetime
    share: float = 1.0


def asked_of(alert: Alert) -> ReceiptRequest | None:
    """What the browsers of an alert's audience are asked; None for one without a name."""
    if alert.receipt is None:
        return None
    return ReceiptRequest(alert.receipt, alert.released_at, share_asked(alert.audience))


def encode(alert: Alert, limit: int, asked: ReceiptRequest | None = None) -> bytes:
    """The payload, never over `limit` bytes.

    What does not fit goes in the order in which a reader misses it least: the image, the standfirst's end, then the
    headline's. The link is never cut. Raises ValueError if it leaves no room for a word: no alert should carry one.
    """
    message = alert.message
    fields: dict[str, Any] = {
        "v": FORMAT_VERSION,
        "id": alert.id,
        "kind": alert.kind.value,
        "label": label(alert.kind, breaking=alert.breaking),
        "title": shorten(message.title, TITLE_CHARACTERS),
        "body": shorten(message.body, BODY_CHARACTERS),
        "publisher": shorten(message.publisher, PUBLISHER_CHARACTERS),
        "at": _milliseconds(message.published_at),
        "url": message.url,
        "tag": message.tag,
    }
    if changed := change(alert.kind, message.title, alert.why):
        fields["change"] = changed
    if alert.kind is AlertKind.UPDATE:
        fields["updated"] = _milliseconds(alert.released_at)
    if asked is not None:
        fields |= {"receipt": asked.receipt, "since": _milliseconds(asked.since)}
        if asked.share < 1:
            fields["ask"] = round(asked.share, 4)
    if message.image_url:
        fields["image"] = message.image_url
        if len(payload := orjson.dumps(fields)) <= limit:
            return payload
        del fields["image"]
    for key in ("body", "title"):
        payload = _fit(fields, key, limit)
        if len(payload) <= limit and (has_words(fields["title"]) or not has_words(message.title)):
            return payload
    raise ValueError(f"an alert's link of {len(message.url)} characters leaves no room for its words")


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _fit(fields: dict[str, Any], key: str, limit: int) -> bytes:
    """Shorten `fields[key]` until the payload fits, by halving towards the longest text that does."""
    payload = orjson.dumps(fields)
    if len(payload) <= limit:
        return payload
    text, low, high = fields[key], 0, len(fields[key])
    while low < high:
        middle = (low + high + 1) // 2
        fields[key] = shorten(text, middle)
        low, high = (middle, high) if len(orjson.dumps(fields)) <= limit else (low, middle - 1)
    fields[key] = shorten(text, low)
    return orjson.dumps(fields)
