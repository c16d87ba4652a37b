"""Subscribers moving in and out: lines of a CSV or JSON-lines file become NewSubscriptions, Subscriptions become lines.

Columns, alike in both: `endpoint`, `p256dh` and `auth` (base64url, as browsers give them; JSON also takes them under
`keys`), `topics` (CSV: separated by spaces), `vapid_key_id`, `browser`. Only the first three are needed.
"""

from __future__ import annotations

import csv
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from notifier.errors import SubscriptionInvalid
from notifier.subscribers.endpoint import EndpointPolicy
from notifier.subscribers.subscriber import NewSubscription, PushKeys, Subscription

COLUMNS = ("endpoint", "p256dh", "auth", "topics", "vapid_key_id", "browser")

Read = Callable[[Mapping[str, Any]], NewSubscription]


def csv_rows(lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Rows of a CSV file whose first line names the columns."""
    yield from csv.DictReader(lines)


def json_rows(lines: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    """Objects of a JSON-lines file; what is none is an empty row, which `reader` refuses."""
    for line in lines:
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError:
                row = {}
            yield row if isinstance(row, dict) else {}


def reader(policy: EndpointPolicy, vapid_key_id: str, topics: frozenset[str]) -> Read:
    """A function that reads one row; `vapid_key_id` and `topics` are for rows without their own.

    It raises SubscriptionInvalid, with a reason that holds no secret.
    """

    def read(row: Mapping[str, Any]) -> NewSubscription:
        inner = row.get("keys")
        keys: Mapping[str, Any] = inner if isinstance(inner, Mapping) else row
        endpoint = policy.check(str(row.get("endpoint") or ""))
        p256dh, auth = _bytes(keys, "p256dh", 65), _bytes(keys, "auth", 16)
        wanted = row.get("topics")
        listed = wanted.split() if isinstance(wanted, str) else list(wanted or ())
        return NewSubscription(
            keys=PushKeys(endpoint.url, p256dh, auth),
            # Nobody knows this token: the browser brings its own when it next visits.
            token_hash=secrets.token_bytes(32),
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
    text = str(keys.get(name) or "").rstrip("=").translate(str.maketrans("+/", "-_"))
    try:
        decoded = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError as problem:
        raise SubscriptionInvalid(f"{name} is not base64url") from problem
    if len(decoded) != length:
        raise SubscriptionInvalid(f"{name} has {len(decoded)} bytes instead of {length}")
    return decoded


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
