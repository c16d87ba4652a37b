"""How long until a feed is asked again, and why, in words.

Enters: what is remembered of a feed. Leaves: `PollInterval`. Pure: the caller brings the jitter.

The rule: a third of the feed's usual gap between changes, so that news is a third of a gap old at most; half of that
for a while after it broke news; never sooner than its freshness hints allow (obeyed up to `hint_cap_s`, since a lazy
`ttl` of an hour would make breaking news an hour old); between `min_s` and `max_s`. While a hub pushes, polling is a
safety net. A failing feed is asked at doubling intervals, and at its own pace again after the first success.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from notifier.feeds.poll_state import ClaimedFeed, PollState

MISSES_UNTIL_QUIET = 2
GAPS_FOR_RHYTHM = 3


@dataclass(frozen=True, slots=True)
class CadenceSettings:
    """Limits of the interval, in seconds. `jitter` is the share by which it may be longer or shorter."""

    min_s: float = 30.0
    max_s: float = 3_600.0
    unknown_s: float = 300.0
    hint_cap_s: float = 300.0
    hub_poll_s: float = 900.0
    broke_for_s: float = 7_200.0
    jitter: float = 0.1
    polls_per_gap: float = 3.0


@dataclass(frozen=True, slots=True)
class PollInterval:
    """The interval before jitter, and the reason."""

    interval_s: float
    why: str


def pace(feed: ClaimedFeed, poll_state: PollState, now: datetime, settings: CadenceSettings) -> PollInterval:
    """How often `feed` is asked after what is in `poll_state` has been seen."""
    usual = _usual_pace(feed, poll_state, now, settings)
    if poll_state.failures == 0:
        return usual
    interval = min(usual.interval_s * 2 ** min(poll_state.failures, 16), max(settings.max_s, usual.interval_s))
    return PollInterval(interval, f"backing off after {poll_state.failures} failed polls running")


def next_poll_at(now: datetime, interval_s: float, jitter: float, settings: CadenceSettings) -> datetime:
    """`jitter` in -1 to 1 moves the poll within the settings' share, so that feeds do not march in step."""
    return now + timedelta(seconds=interval_s * (1 + jitter * settings.jitter))


def longest_s(pinned_s: float | None, settings: CadenceSettings) -> float:
    """The longest time for which a feed is left alone of our own accord: what lies further ahead is no decision."""
    return max(settings.max_s, settings.hub_poll_s, pinned_s or 0.0) * (1 + settings.jitter)


def rhythm_s(published: Iterable[datetime | None]) -> float | None:
    """The usual gap between items, from the dates in a document: a new feed has a rhythm from its first poll on."""
    dates = sorted(filter(None, published))
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(dates) if later > earlier]
    return median(gaps) if len(gaps) >= GAPS_FOR_RHYTHM else None


def hub_works(active: bool, missed: int) -> bool:
    """Whether a feed's hub can be relied on: subscribed, and not seen to keep things from us twice running."""
    return active and missed < MISSES_UNTIL_QUIET


def _usual_pace(feed: ClaimedFeed, poll_state: PollState, now: datetime, settings: CadenceSettings) -> PollInterval:
    if feed.pinned_s is not None:
        return PollInterval(feed.pinned_s, "pinned in the configuration")
    if hub_works(feed.hub_active, poll_state.hub_missed):
        return PollInterval(settings.hub_poll_s, "its hub pushes; polling is a safety net")
    interval, why = _from_rhythm(poll_state, settings)
    if feed.broke_at is not None and 0 <= (now - feed.broke_at).total_seconds() < settings.broke_for_s:
        interval, why = interval / 2, f"{why}, halved because it broke news lately"
    hint = min(max(poll_state.ttl_s or 0.0, poll_state.max_age_s or 0.0), settings.hint_cap_s)
    if hint > interval:
        interval, why = hint, f"it asks for {hint:.0f} s between polls"
    return PollInterval(min(max(interval, settings.min_s), settings.max_s), why)


def _from_rhythm(poll_state: PollState, settings: CadenceSettings) -> tuple[float, str]:
    if poll_state.usual_gap_s is None:
        return settings.unknown_s, "its rhythm is not known yet"
    return poll_state.usual_gap_s / settings.polls_per_gap, f"it changes every {poll_state.usual_gap_s:.0f} s or so"
