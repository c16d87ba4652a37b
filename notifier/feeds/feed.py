"""What the feeds room passes on: a feed as configured, as claimed for a poll, and what a poll found.

Enters: `FeedConfig` (config/feeds.yaml). Leaves: `FeedItem`s, clean text, aware UTC times; next room: stories.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """One entry of config/feeds.yaml.

    `publisher` is who speaks (several feeds may share one: stories count publishers); `section` a lower-case word such
    as `world`; `poll_every_s` pins the interval, None lets the cadence decide; `headers_env` names an environment
    variable with extra request headers, one `Name: value` a line (secrets stay out of the file).
    """

    url: str
    title: str
    publisher: str
    section: str
    language: str | None = None
    poll_every_s: float | None = None
    headers_env: str | None = None
    paused: bool = False
    weight: float = 1.0


class HealthStatus(StrEnum):
    """Health in one word: `quiet` is silent for longer than is usual for it; `retired` is asked no more."""

    NEW = "new"
    OK = "ok"
    QUIET = "quiet"
    FAILING = "failing"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class FeedItem:
    """One entry of a feed, cleaned: text unescaped, without markup, whitespace collapsed.

    `guid` is the feed's own identifier or, where it has none, the URL or a hash of the title. `url` is absolute and as
    published. Times are aware UTC; None where the feed says nothing that can be understood. `credit` is the agency or
    the photographer whom the feed credits, as it writes it.
    """

    guid: str
    url: str
    title: str
    summary: str = ""
    image_url: str | None = None
    published_at: datetime | None = None
    updated_at: datetime | None = None
    language: str | None = None
    categories: tuple[str, ...] = ()
    credit: str | None = None


def guid_of(given: object, url: str, title: str) -> str:
    """What an entry is known by: the id that its feed gives it, else its page, else its words."""
    return str(given or url or sha256(title.encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A document that was read: its items in the publisher's order, and the hints it gives.

    `items` leaves out those that were in `known` when the document was read. `digests` has 8 bytes for each item of the
    document, known or new: the store remembers them with the feed (replacing the last ones, in the transaction that
    stores the items) and hands them to the next read as `known`. Empty where a document could not be divided; `items`
    is complete then.
    `ttl_s` is the publisher's wish for the poll interval (RSS ttl, syndication module); `hub_url`/`self_url` are WebSub
    discovery. `problems` are things that were wrong and worked around, in words.
    """

    title: str
    items: tuple[FeedItem, ...]
    format: str
    language: str | None = None
    ttl_s: float | None = None
    hub_url: str | None = None
    self_url: str | None = None
    problems: tuple[str, ...] = field(default=())
    digests: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A document that gave nothing: `reason` is a sentence that tells an operator what it is and what to do."""

    reason: str
