"""Subscribers moving in and out: lines of a CSV or JSON-lines file become NewSubscriptions, Subscriptions become lines.

Columns, alike in both: `endpoint`, `p256dh` and `auth` (base64url, as browsers give them; JSON also takes them under
`keys`), `topics` (CSV: separated by spaces), `vapid_key_id`, `browser`. Only the first three are needed.
"""

from __future__ import annotations

import csv
import secrets
from base64 import urlsafe_b64encode
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import time_ns
from typing import Any

import orjson

from notifier.errors import SubscriptionInvalid
from notifier.subscribers.endpoint import EndpointPolicy
from notifier.subscribers.subscriber import NewSubscription, PushKeys, Subscription

COLUMNS = ("endpoint", "p256dh", "auth", "topics", "vapid_key_id", "browser")

Read = Callable[[Mapping[str, Any]], NewSubscription]
Row = tuple[int, Mapping[str, Any]]
"""The number of the line that it ends on, from 1, and what it says."""

# P-256: y² = x³ - 3x + b modulo p (SP 800-186 section 3.2.1.3).
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def csv_rows(lines: Iterable[str]) -> Iterator[Row]:
    """Rows of a CSV file whose first line names the columns; what is none is an empty row, which `reader` refuses."""
    table = csv.reader(lines)
    names: list[str] | None = None
    while True:
        try:
            values = next(table)
        except StopIteration:
            return
        except csv.Error:  # a field of more than 128 KiB
            values = [""]
        if names is None:
            names = values
        elif values:
            yield table.line_num, dict(zip(names, values, strict=False))


def json_rows(lines: Iterable[str]) -> Iterator[Row]:
    """Objects of a JSON-lines file; what is none is an empty row, which `reader` refuses."""
    for number, line in enumerate(lines, 1):
        if not line.isspace():
            try:
                row = orjson.loads(line)
            except ValueError:
                row = {}
            yield number, row if isinstance(row, dict) else {}


def reader(policy: EndpointPolicy, vapid_key_id: str, topics: frozenset[str]) -> Read:
    """A function that reads one row; `vapid_key_id` and `topics` are for rows without their own.

    It raises SubscriptionInvalid, with a reason that holds no secret.
    """

    def read(row: Mapping[str, Any]) -> NewSubscription:
        inner = row.get("keys")
        keys: Mapping[str, Any] = inner if isinstance(inner, Mapping) else row
        endpoint = policy.check(str(row.get("endpoint") or ""))
        p256dh, auth = _bytes(keys, "p256dh", 65), _bytes(keys, "auth", 16)
        if not _is_on_curve(p256dh):
            raise SubscriptionInvalid("p256dh is not a point on P-256")
        wanted = row.get("topics") or ()
        if not isinstance(wanted, str | list | tuple):
            raise SubscriptionInvalid("topics is no list")
        listed = wanted.split() if isinstance(wanted, str) else wanted
        return NewSubscription(
            keys=PushKeys(endpoint.url, p256dh, auth),
            # Nobody knows a token with this hash: the browser brings its own when it next visits. It begins with the
            # time, so that a million of them are added at one end of their index.
            token_hash=time_ns().to_bytes(8, "big") + secrets.token_bytes(24),
            topics=frozenset(map(str, listed)) or topics,
            push_service=endpoint.push_service,
            vapid_key_id=str(row.get("vapid_key_id") or vapid_key_id),
            browser=str(row.get("browser") or "other")[:32],
        )

    return read


def to_row(subscription: Subscription) -> dict[str, Any]:
    """What is exported of a subscription, `topics` as a sorted list."""
    return {
        "endpoint": subscription.keys.endpoint,
        "p256dh": _base64url(subscription.keys.p256dh),
        "auth": _base64url(subscription.keys.auth),
        "topics": sorted(subscription.topics),
        "vapid_key_id": subscription.vapid_key_id,
        "browser": subscription.browser,
    }


def _bytes(keys: Mapping[str, Any], name: str, length: int) -> bytes:
    text = str(keys.get(name) or "").rstrip("=").replace("-", "+").replace("_", "/")
    try:
        decoded = a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError as problem:
        raise SubscriptionInvalid(f"{name} is not base64url") from problem
    if len(decoded) != length:
        raise SubscriptionInvalid(f"{name} has {len(decoded)} bytes instead of {length}")
    return decoded


def _is_on_curve(point: bytes) -> bool:
    """Whether this is an uncompressed point (SEC 1 section 2.3.4). A public key: nothing here has to be hidden.

    A third of what a cryptographic library takes, which also makes an object of it.
    """
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    return point[0] == 4 and x < _P and y < _P and (y * y - (x * x - 3) * x - _B) % _P == 0


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
