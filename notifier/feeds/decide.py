"""What a poll means for its feed: the answer and the document in, the next memory and the items out. Pure.

`after_poll` comes before the store; `take_in` and `remembered` are asked by the store within its transaction, since
only there it is certain what is stored already. The hardest questions have files of their own: `cadence` (when next),
`novelty` (what may alert), `flood` (how much is taken), `health` (state).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b

from notifier.feeds import cadence, conditions, health, novelty
from notifier.feeds.cadence import CadenceSettings
from notifier.feeds.feed import FeedItem, HealthStatus, ParsedFeed, Unreadable
from notifier.feeds.fetch_result import (
    NO_HINTS,
    FailureKind,
    Fetched,
    FetchFailed,
    FetchResult,
    GoneForGood,
    Hints,
    NotModified,
)
from notifier.feeds.flood import FloodAllowance, FloodSettings, bounded
from notifier.feeds.matching import HASH_BYTES, FeedEntry, Known
from notifier.feeds.novelty import ClassifiedEntry, Novelty, NoveltySettings, Poll
from notifier.feeds.poll_state import ClaimedFeed, PollResult, PollState, Recorded
from notifier.feeds.scan import DIGEST_BYTES

MOVED_AFTER = 3
GIVE_UP_MOVE_AFTER = 5
GAP_WEIGHT = 0.3
NOT_RECORDED_WAIT = timedelta(minutes=5)
RETRY_AFTER_MOST_S = 6 * 3_600.0
"""More is a mistake as often as a wish, and a feed of news may not be left alone for days."""


@dataclass(frozen=True, slots=True)
class PollRules:
    """The settings of the deciders."""

    cadence: CadenceSettings = field(default_factory=CadenceSettings)
    novelty: NoveltySettings = field(default_factory=NoveltySettings)
    flood: FloodSettings = field(default_factory=FloodSettings)


@dataclass(frozen=True, slots=True)
class DecisionContext:
    """The circumstances of a decision: the time, the rules, and a random `jitter` from -1 to 1.

    While `our_network_fails`, feeds that cannot be reached are not blamed.
    """

    now: datetime
    rules: PollRules
    jitter: float = 0.0
    our_network_fails: bool = False


def is_unchanged(feed: ClaimedFeed, answer: Fetched) -> bool:
    """A 200 with the very body of the last time need not be parsed."""
    return feed.poll_state.body_hash == body_hash(answer.body)


def body_hash(body: bytes) -> bytes:
    """What a body is remembered by."""
    return blake2b(body, digest_size=HASH_BYTES).digest()


def after_poll(
    feed: ClaimedFeed, answer: FetchResult, document: ParsedFeed | Unreadable | None, at: DecisionContext
) -> PollResult:
    """The result of one poll. `document` is None where there was none, or the body was that of the last time."""
    match answer:
        case Fetched():
            return _after_body(feed, answer, document, at)
        case NotModified(hints):
            return _result(feed, _succeeded(feed, conditions.unmodified(feed.poll_state, at.now), hints, at))
        case FetchFailed():
            return _result(feed, _failed(feed, answer, at))
        case GoneForGood():
            return _result(feed, _retired(feed.poll_state, at.now))


def after_push(feed: ClaimedFeed, document: ParsedFeed, at: DecisionContext) -> PollResult:
    """What a hub pushed. It is part of a feed at most, so the memory of polls (validators, digests) does not move."""
    items, _ = _unknown_items(feed, document)
    return replace(
        _result(feed, feed.poll_state),
        lease_token=None,
        items=items,
        document_size=len(document.digests) or len(document.items),
        backlog=novelty.backlog(feed.poll_state, at.now, at.rules.novelty),
        previous_success_at=feed.poll_state.last_success_at,
    )


def not_recorded(result: PollResult, reason: str, now: datetime) -> PollResult | None:
    """What to record in the place of a poll that cannot be stored: the feed fails, in words, and is as it was before,
    so that the next poll brings all of it again. None for a push: the next poll will tell.
    """
    if result.lease_token is None:
        return None
    before = result.before or replace(result.poll_state, etag=None, last_modified=None, body_hash=None)
    poll_state = replace(
        before,
        state=HealthStatus.FAILING,
        failures=max(before.failures + 1, health.FAILING_AFTER),
        error=f"{health.NOT_RECORDED} ({reason}). The log has the details: please report them",
        last_polled_at=now,
        next_poll_at=max(result.poll_state.next_poll_at, now + NOT_RECORDED_WAIT),
    )
    return replace(result, poll_state=poll_state, items=(), digests=(), document_size=0, backlog=None)


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a poll brought, before it is stored: its entries, and the stored items that they might be."""

    result: PollResult
    entries: Sequence[FeedEntry]
    known: Known


@dataclass(frozen=True, slots=True)
class Intake:
    """What becomes of a batch's entries: a verdict for each that is taken, with its feed's id; what each poll counts;
    and the room that each feed has left."""

    verdicts: Sequence[tuple[int, ClassifiedEntry]]
    counts: Sequence[Recorded]
    room: Mapping[int, FloodAllowance]


def take_in(arrivals: Sequence[Arrival], room: Mapping[int, FloodAllowance], now: datetime, rules: PollRules) -> Intake:
    """Which entries are new, which are edits, which may alert, and which are too many for their feed.

    `room` is what each feed may still bring. One poll is decided after the other: a later one meets what an earlier one
    of the same publisher brought.
    """
    left, counts, taken = dict(room), [], []
    for arrival in arrivals:
        result = arrival.result
        if not arrival.entries:
            counts.append(Recorded())
            continue
        poll = Poll(result.feed_id, result.document_size, result.backlog, result.previous_success_at)
        judged = novelty.classify(arrival.entries, arrival.known, poll, now, rules.novelty)
        found = bounded(judged, left[result.feed_id], rules.flood)
        left[result.feed_id] = found.room
        taken += [(result.feed_id, verdict) for verdict in found.kept]
        kinds = [verdict.kind for verdict in found.kept]
        counts.append(Recorded(kinds.count(Novelty.NEW), kinds.count(Novelty.EDIT), left_out=found.left_out))
    return Intake(taken, counts, left)


def remembered(result: PollResult, found: Recorded, now: datetime) -> PollState:
    """The memory of a poll, or of a push of its hub, once its items are stored."""
    missed_by_hub = result.lease_token is not None and result.hub_active and found.new > 0
    return after_items(result.poll_state, found.new + found.edited > 0, missed_by_hub, now)


def after_items(poll_state: PollState, changed: bool, missed_by_hub: bool, now: datetime) -> PollState:
    """What the stored items say about the feed's rhythm and its hub."""
    if not changed:
        return poll_state
    gap = poll_state.usual_gap_s
    if poll_state.last_change_at is not None:
        latest = (now - poll_state.last_change_at).total_seconds()
        if latest >= 0:  # else the clock was ahead then
            gap = latest if gap is None else gap + GAP_WEIGHT * (latest - gap)
    missed = poll_state.hub_missed + 1 if missed_by_hub else 0
    return replace(poll_state, last_change_at=now, usual_gap_s=gap, hub_missed=missed)


def _after_body(
    feed: ClaimedFeed, answer: Fetched, document: ParsedFeed | Unreadable | None, at: DecisionContext
) -> PollResult:
    match document:
        case Unreadable(reason):
            return _result(feed, _failed(feed, FetchFailed(reason, FailureKind.CONTENT), at))
        case ParsedFeed():
            return _changed(feed, answer, document, at)
        case None:
            poll_state = _validated(conditions.seen_whole(feed.poll_state, at.now), answer)
            return _result(feed, _succeeded(feed, poll_state, answer.hints, at))


def _validated(poll_state: PollState, answer: Fetched) -> PollState:
    return replace(poll_state, etag=conditions.kept(answer.etag), last_modified=conditions.kept(answer.last_modified))


def _changed(feed: ClaimedFeed, answer: Fetched, document: ParsedFeed, at: DecisionContext) -> PollResult:
    items, digests = _unknown_items(feed, document)
    gap = feed.poll_state.usual_gap_s
    poll_state = replace(
        _validated(feed.poll_state, answer),
        last_body_at=at.now,
        body_hash=body_hash(answer.body),
        usual_gap_s=cadence.rhythm_s(item.published_at for item in items) if gap is None else gap,
        ttl_s=document.ttl_s,
        hub_url=answer.hints.hub_url or document.hub_url,
        hub_topic=answer.hints.self_url or document.self_url or feed.ask_url,
    )
    return replace(
        _result(feed, _succeeded(feed, poll_state, answer.hints, at)),
        items=items,
        digests=digests,
        document_size=len(digests),
        backlog=novelty.backlog(feed.poll_state, at.now, at.rules.novelty),
        previous_success_at=feed.poll_state.last_success_at,
    )


def _unknown_items(feed: ClaimedFeed, document: ParsedFeed) -> tuple[tuple[FeedItem, ...], tuple[bytes, ...]]:
    """The items that the last body did not have, and the digests of all. A reader that could not cut the known ones
    out of the text gives none; then the items themselves are compared."""
    if document.digests:
        return document.items, document.digests
    digests = [_item_digest(item) for item in document.items]
    unknown = tuple(i for i, key in zip(document.items, digests, strict=True) if key not in feed.known)
    return unknown, tuple(digests)


def _item_digest(item: FeedItem) -> bytes:
    text = f"{item.guid}\0{item.url}\0{item.title}\0{item.summary}"
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()


def _succeeded(feed: ClaimedFeed, poll_state: PollState, hints: Hints, at: DecisionContext) -> PollState:
    if hints is not NO_HINTS or poll_state.moved_candidate is not None:
        poll_state = _moved(_aged(poll_state, hints.max_age_s), hints.moved_to)
    calm = replace(poll_state, failures=0) if poll_state.failures else poll_state
    interval_s = cadence.pace(feed, calm, at.now, at.rules.cadence).interval_s
    after = replace(
        calm,
        first_polled_at=poll_state.first_polled_at or at.now,
        last_polled_at=at.now,
        last_success_at=at.now,
        error=None,
        interval_s=interval_s,
        next_poll_at=cadence.next_poll_at(at.now, interval_s, at.jitter, at.rules.cadence),
    )
    state = health.state_of(after, at.now)
    return after if state is after.state else replace(after, state=state)


def _aged(poll_state: PollState, max_age_s: float | None) -> PollState:
    return poll_state if max_age_s is None else replace(poll_state, max_age_s=max_age_s)


def _moved(poll_state: PollState, moved_to: str | None) -> PollState:
    """A permanent redirect counts once three polls running gave the same target: some are mistakes of an hour."""
    if moved_to is None:
        return replace(poll_state, moved_candidate=None, moved_seen=0)
    seen = poll_state.moved_seen + 1 if moved_to == poll_state.moved_candidate else 1
    if seen >= MOVED_AFTER:
        return replace(poll_state, moved_to=moved_to, moved_candidate=None, moved_seen=0)
    return replace(poll_state, moved_candidate=moved_to, moved_seen=seen)


def _failed(feed: ClaimedFeed, failed: FetchFailed, at: DecisionContext) -> PollState:
    if failed.kind is FailureKind.OURS:
        wait_s = cadence.pace(feed, feed.poll_state, at.now, at.rules.cadence).interval_s
        then = cadence.next_poll_at(at.now, wait_s, at.jitter, at.rules.cadence)
        return replace(feed.poll_state, last_polled_at=at.now, next_poll_at=then)
    ours = at.our_network_fails and failed.kind is FailureKind.NETWORK
    failures = feed.poll_state.failures + (0 if ours else 1)
    poll_state = replace(feed.poll_state, failures=failures, error=failed.reason, last_polled_at=at.now)
    interval_s = cadence.pace(feed, poll_state, at.now, at.rules.cadence).interval_s
    then = cadence.next_poll_at(at.now, interval_s, at.jitter, at.rules.cadence)
    if failed.retry_after_s is not None:  # never sooner than asked, whatever the jitter
        wait_s = min(failed.retry_after_s, max(cadence.longest_s(feed.pinned_s, at.rules.cadence), RETRY_AFTER_MOST_S))
        then, interval_s = max(then, at.now + timedelta(seconds=wait_s)), max(interval_s, wait_s)
    moved_to = poll_state.moved_to if failures < GIVE_UP_MOVE_AFTER else None
    after = replace(poll_state, moved_to=moved_to, interval_s=interval_s, next_poll_at=then)
    return replace(after, state=health.state_of(after, at.now))


def _retired(poll_state: PollState, now: datetime) -> PollState:
    return replace(poll_state, state=HealthStatus.RETIRED, error=health.RETIRED_WORDS, last_polled_at=now)


def _result(feed: ClaimedFeed, poll_state: PollState) -> PollResult:
    return PollResult(
        feed.id, feed.publisher, feed.lease_token, poll_state, hub_active=feed.hub_active, before=feed.poll_state
    )
