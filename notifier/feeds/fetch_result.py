"""What a feed's server answered, as values: the poller and the decider never see an exception of the network.

Enters: nothing. Leaves: `Fetched | NotModified | FetchFailed | GoneForGood`; next: decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FailureKind(StrEnum):
    """Whose fault it looks like. Many `NETWORK` failures at once are ours, not theirs."""

    NETWORK = "network"  # no name, no route, no answer in time, no TLS
    REFUSED = "refused"  # the address guard said no
    SERVER = "server"  # an answer that is not a feed: 4xx, 5xx
    OURS = "ours"  # this machine has no descriptor or memory left: not the feed's failure
    CONTENT = "content"  # too large, wrong compression, not readable as a feed


@dataclass(frozen=True, slots=True)
class Hints:
    """What the answer's headers say about the feed: how long it stays fresh, where it moved, who pushes it.

    `moved_to` is where permanent redirects (301, 308) led, None if the first hop was not one. `hub_url` and `self_url`
    come from Link headers (WebSub section 4).
    """

    max_age_s: float | None = None
    moved_to: str | None = None
    hub_url: str | None = None
    self_url: str | None = None


NO_HINTS = Hints()


@dataclass(frozen=True, slots=True)
class Fetched:
    """A 200 with its body, decompressed. `url` is where it was in the end: relative links start there."""

    url: str
    body: bytes
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    hints: Hints = NO_HINTS


@dataclass(frozen=True, slots=True)
class NotModified:
    """A 304: nothing new since the last poll."""

    hints: Hints = NO_HINTS


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """No feed this time. `reason` says in words what happened and what to do; `retry_after_s` is the server's wish."""

    reason: str
    kind: FailureKind
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class GoneForGood:
    """A 410: the publisher ended the feed. It is asked no more."""


FetchResult = Fetched | NotModified | FetchFailed | GoneForGood
