"""Subscribers moving in and out: lines of a CSV or JSON-lines file become NewSubscriptions, Subscriptions become lines.

Columns, alike in both: `endpoint`, `p256dh` and `auth` (base64url, as browsers give them; JSON also takes them under
`keys`), `topics` (CSV: separated by spaces), `vapid_key_id`, `browser`. Only the first three are needed.
"""

from __future__ import annotations

import csv
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import time_ns
from typing import Any, TextIO

import orjson

from notifier.base64url import encode
from notifier.errors import SubscriptionInvalid
from notifier.subscribers.endpoint import EndpointPolicy
from notifier.subscribers.keys import push_keys
from notifier.subscribers.subscriber import NewSubscription, Subscription

NEEDED = {"endpoint", "p256dh", "auth"}
# More than an endpoint, its keys and a thousand topics.
LONGEST_LINE = 2**20
MOST_TOPICS = 1000
UNREADABLE = "\x00unreadable"
"""The name in a row under which stands why the line could not be read."""
COLUMNS = ("endpoint", "p256dh", "auth", "topics", "vapid_key_id", "browser")

Read = Callable[[Mapping[str, Any]], NewSubscription]
Row = tuple[int, Mapping[str, Any]]
"""The number of the line that it ends on, from 1, and what it says."""


def pieces(file: TextIO) -> Iterator[str]:
    """The lines of a file, a longer one than any of ours in pieces: whatever a file holds, memory does not."""
    while line := file.readline(LONGEST_LINE):
        yield line


def csv_rows(lines: Iterable[str]) -> Iterator[Row]:
    """Rows of a CSV file whose first line names the columns; one that cannot be read says so to `reader`.

    Raises SubscriptionInvalid where the first line does not name the columns that are needed.
    """
    table = csv.reader(lines)
    try:
        names = next(table, [])
    except csv.Error:
        names = []
    if not set(names) >= NEEDED:
        raise SubscriptionInvalid(f"the first line does not name {', '.join(sorted(NEEDED))}: is this CSV, in UTF-8?")
    while True:
        try:
            values = next(table, None)
        except csv.Error:  # its words quote nothing; the next line begins a new row
            yield table.line_num, {UNREADABLE: "a field is longer than any of ours, or the line is no CSV"}
            continue
        if values is None:
            return
        if values:
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
        if UNREADABLE in row:
            raise SubscriptionInvalid(str(row[UNREADABLE]))
        inner = row.get("keys")
        keys: Mapping[str, Any] = inner if isinstance(inner, Mapping) else row
        endpoint = policy.check(str(row.get("endpoint") or ""))
        listed = _topics(row.get("topics"))
        return NewSubscription(
            keys=push_keys(endpoint.url, str(keys.get("p256dh") or ""), str(keys.get("auth") or "")),
            # Nobody knows a token with this hash: the browser brings its own when it next visits. It begins with the
            # time, so that a million of them are added at one end of their index.
            token_hash=time_ns().to_bytes(8, "big") + secrets.token_bytes(24),
            topics=frozenset(listed) or topics,
            push_service=endpoint.push_service,
            vapid_key_id=_word(row.get("vapid_key_id") or vapid_key_id, "vapid_key_id", 16),
            browser=_word(str(row.get("browser") or "other")[:32], "browser", 32),
        )

    return read


def to_row(subscription: Subscription) -> dict[str, Any]:
    """What is exported of a subscription, `topics` as a sorted list."""
    return {
        "endpoint": subscription.keys.endpoint,
        "p256dh": encode(subscription.keys.p256dh),
        "auth": encode(subscription.keys.auth),
        "topics": sorted(subscription.topics),
        "vapid_key_id": subscription.vapid_key_id,
        "browser": subscription.browser,
    }


def _topics(wanted: object) -> list[str]:
    listed = wanted.split() if isinstance(wanted, str) else wanted or []
    if not isinstance(listed, list) or len(listed) > MOST_TOPICS:
        raise SubscriptionInvalid("topics is no list of topics")
    return [_word(one, "a topic", 64) for one in listed]


def _word(value: object, what: str, longest: int) -> str:
    """A word that any database holds."""
    if not isinstance(value, str) or len(value) > longest or not value.isprintable():
        raise SubscriptionInvalid(f"{what} is no word of at most {longest} characters")
    return value
