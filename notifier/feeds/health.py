"""Says of each feed how it does, in words that tell an operator what to do. Pure.

Enters: what is stored of a feed (`FeedFacts`). Leaves: `FeedHealth`; and `network_trouble`, which sees that the trouble
is ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.feeds.cadence import CadenceSettings, hub_works, pace
from notifier.feeds.feed import HealthStatus
from notifier.feeds.fetch_result import FailureKind
from notifier.feeds.poll_state import ClaimedFeed, PollState
from notifier.troubles import Code, Trouble

FAILING_AFTER = 3
QUIET_GAPS = 5
QUIET_AT_LEAST_S = 86_400.0
QUIET_UNKNOWN_S = 7 * 86_400.0
TOLD_FOR = timedelta(days=1)
"""So long what was left out of a feed, or could not be stored of it, stays among its notes."""
NOT_RECORDED = "What its last poll brought cannot be stored"
RETIRED_WORDS = "HTTP 410: the publisher ended this feed. Remove it from feeds.yaml, or give its new address"


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """One feed for the operator's table. Times are aware UTC; `error` says what happened and what to do.

    `pace` is how often it is asked and why; `notes` are things to know that are no errors (a permanent move, a hub
    that went quiet).
    """

    feed_id: int
    url: str
    title: str
    publisher: str
    section: str
    state: HealthStatus
    last_success_at: datetime | None
    last_change_at: datetime | None
    usual_gap_s: float | None
    next_poll_at: datetime
    pace: str
    error: str | None = None
    hub: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of a feed is not stored: `count` new items and edits beyond its bound, the last of them `at`; and in words
    what the database refused, `refused_at`. Times are aware UTC, None where there was nothing."""

    count: int = 0
    at: datetime | None = None
    refused: str | None = None
    refused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FeedFacts:
    """What is stored of a feed, from which its health is told."""

    feed: ClaimedFeed
    title: str
    section: str
    hub_state: str | None
    left_out: LeftOut


ATTENTION = (HealthStatus.FAILING, HealthStatus.RETIRED, HealthStatus.QUIET, HealthStatus.NEW, HealthStatus.OK)


def health_table(known: Iterable[FeedFacts], now: datetime, settings: CadenceSettings) -> list[FeedHealth]:
    """Each feed's health; those that need attention come first."""
    return sorted((health_of(one, now, settings) for one in known), key=lambda one: ATTENTION.index(one.state))


def health_of(known: FeedFacts, now: datetime, settings: CadenceSettings) -> FeedHealth:
    """How one feed does."""
    feed, poll_state = known.feed, known.feed.poll_state
    asked = pace(feed, poll_state, now, settings)
    return FeedHealth(
        feed_id=feed.id,
        url=feed.url,
        title=known.title,
        publisher=feed.publisher,
        section=known.section,
        state=state_of(poll_state, now),
        last_success_at=poll_state.last_success_at,
        last_change_at=poll_state.last_change_at,
        usual_gap_s=poll_state.usual_gap_s,
        next_poll_at=poll_state.next_poll_at,
        pace=f"every {asked.interval_s:.0f} s: {asked.why}",
        error=poll_state.error,
        hub=known.hub_state,
        notes=(
            *notes_on(poll_state, known.hub_state, feed.hub_active),
            *notes_on_left_out(known.left_out, now),
        ),
    )


def state_of(poll_state: PollState, now: datetime) -> HealthStatus:
    """The state in one word. A feed that never worked fails at once, any other after three failures running."""
    if poll_state.state is HealthStatus.RETIRED:
        return HealthStatus.RETIRED
    if poll_state.last_success_at is None:
        return HealthStatus.FAILING if poll_state.failures else HealthStatus.NEW
    if poll_state.failures >= FAILING_AFTER:
        return HealthStatus.FAILING
    return HealthStatus.QUIET if is_quiet(poll_state, now) else HealthStatus.OK


def is_quiet(poll_state: PollState, now: datetime) -> bool:
    """Silent for longer than is usual for it: five of its gaps, a day at least; a week where no gap is known."""
    since = poll_state.last_change_at or poll_state.first_polled_at
    if since is None:
        return False
    gap = poll_state.usual_gap_s
    limit_s = QUIET_UNKNOWN_S if gap is None else max(QUIET_GAPS * gap, QUIET_AT_LEAST_S)
    return (now - since).total_seconds() > limit_s


def notes_on(poll_state: PollState, hub_state: str | None, hub_active: bool) -> tuple[str, ...]:
    """What the operator should know though nothing is wrong with the last poll."""
    notes = []
    if poll_state.moved_to is not None:
        notes.append(f"It moved for good: write {poll_state.moved_to} into feeds.yaml")
    if hub_active and not hub_works(hub_active, poll_state.hub_missed):
        notes.append("Its hub went quiet: it did not push what polls found. Polled at its own pace meanwhile")
    elif hub_state == "denied":
        notes.append("Its hub refused the subscription: polled instead")
    return tuple(notes)


def notes_on_left_out(left_out: LeftOut, now: datetime) -> tuple[str, ...]:
    """What of the feed was not taken, for a day after it happened."""
    notes = []
    if left_out.at is not None and now - left_out.at < TOLD_FOR:
        notes.append(f"{flooding_words(left_out.count)}. {FLOODING_ADVICE}")
    if left_out.refused and left_out.refused_at is not None and now - left_out.refused_at < TOLD_FOR:
        notes.append(left_out.refused)
    return tuple(notes)


FLOODING_ADVICE = "Look at what it lists; a feed of everything is better followed by its sections"


def flooding_words(count: int) -> str:
    """That a feed brings more than any honest one."""
    return f"It brings more than a feed may: {count:,} new items and edits were left out, the newest were taken"


def network_trouble(outcomes: Sequence[tuple[str, FailureKind | None]]) -> str | None:
    """One line if so many hosts fail at once that the trouble must be our network; None otherwise.

    `outcomes` are the host and the kind of failure (None: it answered) of the latest polls.
    """
    asked = {host for host, _ in outcomes}
    answered = {host for host, kind in outcomes if kind is not FailureKind.NETWORK}
    lost = asked - answered
    if len(asked) < 5 or len(lost) < 0.6 * len(asked):
        return None
    return (
        f"{len(lost)} of {len(asked)} hosts cannot be reached: look at this machine's network or DNS, not at the feeds"
    )


def network_away(what: str) -> Trouble:
    """Our network is away, as a trouble; `what` is the line of `network_trouble`."""
    return Trouble(Code.NETWORK_AWAY, what, "Look at this machine's network and its name servers", grave=True)


def nothing_left() -> Trouble:
    """Feeds cannot be asked because this process may open nothing more."""
    return Trouble(
        Code.CONNECTIONS_FULL,
        "Feeds cannot be asked: this process has as many files and connections open as it may",
        "Raise its limit of open files (ulimit -n, LimitNOFILE); 4,096 are enough for most",
        grave=True,
    )
