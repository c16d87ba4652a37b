"""What is remembered of a feed between two polls, and what a poll hands to the store.

Enters: rows of the store as `ClaimedFeed`. Leaves: `PollResult`, all that one poll changed. Plain data.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from notifier.feeds.feed import FeedItem, HealthStatus
from notifier.feeds.scan import DIGEST_BYTES


@dataclass(frozen=True, slots=True)
class PollState:
    """The bookkeeping of one feed; each poll replaces all of it. Times are aware UTC.

    `moved_to` is asked instead of the configured URL; `moved_candidate` was named by permanent redirects `moved_seen`
    polls running. `usual_gap_s` is the smoothed time between changes. `ttl_s` and `max_age_s` are the document's and
    the headers' wishes. `last_body_at`: when the whole document was last seen (see `conditions`).
    `hub_missed` counts polls that found what the hub had not pushed.
    """

    next_poll_at: datetime
    state: HealthStatus = HealthStatus.NEW
    etag: str | None = None
    last_modified: str | None = None
    body_hash: bytes | None = None
    moved_to: str | None = None
    moved_candidate: str | None = None
    moved_seen: int = 0
    first_polled_at: datetime | None = None
    last_polled_at: datetime | None = None
    last_success_at: datetime | None = None
    last_body_at: datetime | None = None
    last_change_at: datetime | None = None
    usual_gap_s: float | None = None
    ttl_s: float | None = None
    max_age_s: float | None = None
    interval_s: float | None = None
    failures: int = 0
    error: str | None = None
    hub_url: str | None = None
    hub_topic: str | None = None
    hub_missed: int = 0


@dataclass(frozen=True, slots=True)
class ClaimedFeed:
    """A feed that this process may poll until its lease ends.

    `url` is as configured. `digests` are those of the items in its last body, side by side. `hub_active`: a WebSub
    subscription stands. `broke_at`: when a story of this feed was last found to be breaking.
    """

    id: int
    url: str
    publisher: str
    lease_token: str | None
    poll_state: PollState
    headers_env: str | None = None
    pinned_s: float | None = None
    digests: bytes = b""
    hub_active: bool = False
    broke_at: datetime | None = None

    @property
    def ask_url(self) -> str:
        """Where the feed is now."""
        return self.poll_state.moved_to or self.url

    @property
    def known(self) -> frozenset[bytes]:
        """The digests apart: made when asked for, since most polls find nothing and need none."""
        size = DIGEST_BYTES
        return frozenset(self.digests[at : at + size] for at in range(0, len(self.digests), size))


@dataclass(frozen=True, slots=True)
class PollResult:
    """What one poll (or one push of a hub) found, for the store to write in one transaction with others.

    `items` are the entries that the last body did not have, `digests` those of the whole body (empty: unchanged).
    `before` is the memory that the poll began with: what is as it was need not be written.
    `document_size` counts its entries. `backlog` says in words why none of the items may alert. Without a
    `lease_token` the result came from a hub: the memory of the polls is left alone.
    """

    feed_id: int
    publisher: str
    lease_token: str | None
    poll_state: PollState
    items: tuple[FeedItem, ...] = ()
    digests: tuple[bytes, ...] = ()
    document_size: int = 0
    backlog: str | None = None
    previous_success_at: datetime | None = None
    hub_active: bool = False
    before: PollState | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the store made of a batch: items that are new, items that were edited, leases that had run out, new items
    and edits left out because the feed brings too many, and entries that the database would not take."""

    new: int = 0
    edited: int = 0
    lost: int = 0
    left_out: int = 0
    refused: int = 0

    def __add__(self, other: Recorded) -> Recorded:
        return Recorded(
            self.new + other.new,
            self.edited + other.edited,
            self.lost + other.lost,
            self.left_out + other.left_out,
            self.refused + other.refused,
        )
