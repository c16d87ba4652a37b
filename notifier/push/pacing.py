"""How fast each push service may be sent to (pure): what came of a batch enters, what may be sent next leaves.

Four things hold a service back, each by itself:

    streams     how many requests at a time: more while answers are quick, half after 429, 5xx and silence
    the circuit a service that answers nothing useful rests, longer each time, and is then tried with a few
    the bucket  a service that allows so many a second is sent so many a second (bucket.py)
    the limit   Chrome lets a site that it judges disruptive send no more than some 1,000 messages a minute for 1, 7
                or 14 days and answers 429 beyond (developer.chrome.com/blog/web-push-rate-limits): keep within it

Trouble is evidence against a service only from first tries of recipients that were reached before
(`PushRequest.tells`), and by how many *different* ones: the same few that fail again and again are their own affair.

A Pace belongs to one origin. Times are aware; nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import ceil
from statistics import median

from notifier.push.bucket import NEW_NUMBER, NEW_SHARE, QUANTUM_S, Bucket, Second, cut, first_cut, refill, take
from notifier.push.outcome import THROTTLED
from notifier.push.request import PushRequest
from notifier.push.transport import PATIENCE_S, PushResponse
from notifier.retry_after import retry_after_s

FIRST_STREAMS, FEWEST_STREAMS, MOST_STREAMS = 100, 4, 3200
TROUBLE_SHARE = 0.02
MANY_TROUBLED, FEWEST_TROUBLED = 0.1, 10
"""Of a batch, and how many, fail before fewer are sent at a time: a few in a hundred may have troubles of their own."""
SLOW_S, SLOW_TIMES = 0.25, 3.0

FAILURES_TO_OPEN = 3
FEWEST_TO_OPEN, FEWEST_TO_ASK = 5, 10
"""Different recipients that have to fail before the circuit opens, and before a Retry-After is the service's."""
FAILING_SHARE = 0.5
"""And that many, of the most that it accepted at once: a few of a large audience may be one person's."""
MANY_FAILING, MOST_FAILING = 50, 64
"""So many different ones in a row, and nobody answered: then their retries count as well."""
LATE_SHARE, FEWEST_LATE = 0.75, 5
"""Of a batch, and how many at least, have to be open when it ends before its origin counts as late."""
LATE_ROOM, LATE_S, LEAST_LATE_S = 64, 1.0, 0.05
"""How many may be under way to a late origin for each that asks, and how long it is given to bring something."""
LEAST_STRANGERS_S, STRANGERS_TIMES = 0.1, 4.0
"""At least so long, or so many times the usual latency, an origin may take for those who were never reached before."""
URGENT_FOR = timedelta(seconds=1)
FIRST_REST_S, LONGEST_REST_S = 5.0, 300.0
PROBE = 5
LONGEST_ASKED_S = 900.0

LIMITED_PER_MINUTE = 1000
MOST_GRANTED = 2.2 * LIMITED_PER_MINUTE
"""A minute of ours overlaps two of theirs."""
LIMITED_MINUTES = 3
"""Minutes that look limited, with none beyond it between them, before it is believed."""
KEPT_FOR_URGENT = 0.2
ROOM_EVERY_S = 10.0
"""How long those wait for whom a limit leaves no room: by then it has some again."""
LIFT_AFTER = timedelta(hours=1)
LIFTED = 16 * LIMITED_PER_MINUTE

_MINUTE = timedelta(minutes=1)
FIRST_SECOND = Second()


@dataclass(frozen=True, slots=True)
class Minute:
    """What one minute came to; `started_at` is None before the first message."""

    started_at: datetime | None = None
    sent: int = 0
    accepted: int = 0
    throttled: int = 0

    @property
    def is_beyond(self) -> bool:
        """More was accepted than Chrome would grant to such a site. A quiet minute says nothing either way."""
        return self.accepted > MOST_GRANTED

    @property
    def looks_limited(self) -> bool:
        """Many 429 beside about as many acceptances as Chrome grants to a site that it judges disruptive."""
        near = 0.5 * LIMITED_PER_MINUTE <= self.accepted <= MOST_GRANTED
        # Of the answers, not of what was wanted: the transport stops a while after a few 429 in a row.
        return near and self.throttled >= 0.1 * (self.accepted + self.throttled)


@dataclass(frozen=True, slots=True)
class Limit:
    """What is known of a service's limit: of all that this site sends there, so that workers may share it.

    `minute` is under way, `before` the one before it; `per_minute`: the limit that is kept, doubled at `lifts_at`.
    """

    minute: Minute = Minute()
    before: Minute = Minute()
    limited_minutes: int = 0
    per_minute: int | None = None
    lifts_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServicePace:
    """What is known of one push service.

    `may_limit`: it is Chrome's, which limits sites; `usual_s`: its usual latency; `failures`: batches in a row of which
    nothing came, and `failing` their recipients (hashes); `rests_until`: the circuit is open, or the service `asked`
    for time. `lateness`: how many batches in a row were mostly not answered in time; `urgent_at`: when the bucket last
    had too little for an urgent message. `most`: the most that a batch had accepted there. `strange`: how many batches
    in a row, of nobody who was reached before, brought nothing.
    """

    may_limit: bool = False
    streams: int = FIRST_STREAMS
    usual_s: float | None = None
    failures: int = 0
    rests_until: datetime | None = None
    asked: bool = False
    limit: Limit = Limit()
    failing: frozenset[int] = frozenset()
    lateness: int = 0
    second: Second = FIRST_SECOND
    bucket: Bucket | None = None
    urgent_at: datetime | None = None
    most: int = 0
    strange: int = 0

    @property
    def is_open(self) -> bool:
        """True while the service counts as failing: it rests, or is being tried."""
        return self.failures >= FAILURES_TO_OPEN

    @property
    def is_late(self) -> bool:
        """True while it does not answer in time: then nobody but its own recipients waits for it."""
        return self.lateness > 0

    @property
    def room(self) -> int | None:
        """How many it takes at a time where it keeps us to a pace."""
        return None if self.bucket is None else max(1, int(1.5 * QUANTUM_S * self.bucket.per_s))

    @property
    def per_minute(self) -> int | None:
        """The limit that is kept; None where there is none."""
        return self.limit.per_minute

    def several(self, fewest: int) -> int:
        """How many different recipients speak for the service: not as few as one person may have."""
        return max(fewest, min(MANY_FAILING, ceil(FAILING_SHARE * self.most)))

    @property
    def patience_s(self) -> float:
        """How long a batch waits for it while it brings nothing: less each time where it is late."""
        return max(LEAST_LATE_S, PATIENCE_S / (1 << min(self.lateness - 1, 10))) if self.is_late else PATIENCE_S

    @property
    def strangers_s(self) -> float:
        """`patience_s` where nobody in a batch was reached before: less each time that such a one brings nothing."""
        usual_s = self.patience_s if self.usual_s is None else max(LEAST_STRANGERS_S, STRANGERS_TIMES * self.usual_s)
        return max(LEAST_LATE_S, min(self.patience_s, usual_s) / (1 << min(self.strange, 10)))


@dataclass(frozen=True, slots=True)
class Admission:
    """`send` of the wanted messages may go, `streams` at a time; the others have to wait `wait_s`."""

    send: int
    streams: int
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class BatchTally:
    """What a batch to one service came to.

    `answered`: with anything but 429 or 5xx; `throttled` and `failed` are those that tell of the service, `failing`
    which they are (hashes), `asked_s` their Retry-After; `left`: they are still open; `others`: failed, but tell of
    themselves only.
    """

    accepted: int
    answered: int
    throttled: int
    failed: int
    latency_s: float | None
    asked_s: float
    failing: frozenset[int] | None = None
    left: int = 0
    others: int = 0

    @property
    def total(self) -> int:
        """Messages that tell of the service, with an answer or a failure."""
        return self.answered + self.throttled + self.failed

    @property
    def different(self) -> frozenset[int]:
        """`failing`, or as many different ones as failed where nobody looked."""
        return frozenset(range(self.throttled + self.failed)) if self.failing is None else self.failing


def tally(answers: Sequence[PushResponse], now: datetime, requests: Sequence[PushRequest] = ()) -> BatchTally:
    """Count a batch's answers, each to the request in its place; without requests all tell of the service."""
    accepted = answered = throttled = failed = left = others = 0
    asked_s, latencies, failing = 0.0, [], set[int]()
    for place, answer in enumerate(answers):
        status = answer.status or 0
        if status and status not in THROTTLED and status < 500:
            answered += 1
            accepted += 200 <= status < 300
            latencies.append(answer.elapsed_s)
        elif answer.error == "deferred":
            continue
        elif requests and not requests[place].tells:
            others += 1
        elif answer.error == "open":
            left += 1
        else:
            throttled += status in THROTTLED
            failed += status not in THROTTLED
            failing.add(hash(requests[place].endpoint) if requests else place)
            asked_s = max(asked_s, retry_after_s(answer.retry_after, now) or 0.0)
    latency_s = median(latencies) if latencies else None
    different = frozenset(failing) if requests else None
    return BatchTally(accepted, answered, throttled, failed, latency_s, asked_s, different, left, others)


def admit(pace: ServicePace, wanted: int, now: datetime, *, urgent: bool) -> tuple[ServicePace, Admission]:
    """How many of `wanted` messages may be sent now, and the ServicePace in which they are counted as sent.

    Where a limit is kept, the last fifth of a minute's messages is for urgent ones. A service that rests by our own
    judgement is tried with a few urgent ones at once: it may have been a few browsers that failed, again and again.
    A bucket's tokens are for urgent ones while any of these wait.
    """
    pace = replace(pace, limit=_roll(pace.limit, now, may_limit=pace.may_limit))
    limit = pace.limit
    if pace.rests_until is not None and now < pace.rests_until and (pace.asked or not urgent):
        return pace, Admission(0, pace.streams, (pace.rests_until - now).total_seconds())
    send = min(wanted, PROBE) if pace.is_open else wanted
    wait_s = FIRST_REST_S
    if pace.is_late and not pace.is_open:
        send, wait_s = min(send, LATE_ROOM), LATE_S
    if limit.per_minute is not None:
        kept = 0 if urgent else int(limit.per_minute * KEPT_FOR_URGENT)
        send = max(0, min(send, limit.per_minute - kept - _sent_lately(limit, now)))
        wait_s = ROOM_EVERY_S
    elif pace.bucket is not None:
        pace, send, wait_s = _take(pace, send, now, urgent=urgent)
    minute = replace(limit.minute, started_at=limit.minute.started_at or now, sent=limit.minute.sent + send)
    pace = replace(pace, limit=replace(limit, minute=minute))
    return pace, Admission(send, pace.streams, 0.0 if send == wanted else wait_s)


def _take(pace: ServicePace, wanted: int, now: datetime, *, urgent: bool) -> tuple[ServicePace, int, float]:
    bucket = None if pace.bucket is None else refill(pace.bucket, now)
    if bucket is None:
        return replace(pace, bucket=None), wanted, 0.0
    if not urgent and pace.urgent_at is not None and now < pace.urgent_at + URGENT_FOR:
        return replace(pace, bucket=bucket), 0, URGENT_FOR.total_seconds()
    bucket, send, wait_s = take(bucket, wanted)
    return replace(pace, bucket=bucket, urgent_at=now if urgent and send < wanted else pace.urgent_at), send, wait_s


def learn(pace: ServicePace, batch: BatchTally, now: datetime) -> ServicePace:
    """The ServicePace after a batch."""
    limit = _roll(pace.limit, now, may_limit=pace.may_limit)
    pace = _lateness(replace(pace, limit=limit), batch)
    if batch.answered or batch.total:
        pace = replace(pace, strange=0)
    elif batch.others:
        pace = replace(pace, strange=pace.strange + 1)
    if batch.total == 0:
        again = batch.others > 0 and len(pace.failing) >= MANY_FAILING
        return _rest(pace, batch, now) if again else pace
    minute = replace(
        limit.minute,
        accepted=limit.minute.accepted + batch.accepted,
        throttled=limit.minute.throttled + batch.throttled,
    )
    limit = replace(limit, minute=minute)
    if limit.per_minute is not None and batch.throttled > TROUBLE_SHARE * batch.total:
        limit = replace(limit, per_minute=LIMITED_PER_MINUTE, lifts_at=now + LIFT_AFTER)
    usual_s, most = _usual_s(pace.usual_s, batch.latency_s), max(pace.most, batch.accepted)
    pace = replace(pace, limit=limit, streams=_streams(pace, batch), usual_s=usual_s, most=most)
    return _rest(_follow(pace, batch, now), batch, now)


def learn_late(pace: ServicePace, batch: BatchTally, now: datetime) -> ServicePace:
    """The ServicePace after answers to what was left open: whether they came at all, not how quickly."""
    lateness = min(pace.lateness, 1) if batch.answered else pace.lateness
    pace = replace(pace, lateness=lateness)
    return pace if batch.total == 0 else _rest(pace, batch, now)


def _lateness(pace: ServicePace, batch: BatchTally) -> ServicePace:
    asked = batch.total + batch.left
    if batch.left >= FEWEST_LATE and batch.left > LATE_SHARE * asked:
        return replace(pace, lateness=pace.lateness + 1)
    still = pace.is_late and batch.answered <= (1 - LATE_SHARE) * asked
    return replace(pace, lateness=pace.lateness if still else 0)


def _follow(pace: ServicePace, batch: BatchTally, now: datetime) -> ServicePace:
    """Keep to what is accepted, where many are refused; within a minute's limit Chrome's minutes say how many."""
    second = pace.second.add(batch.accepted, batch.throttled, now)
    pace = replace(pace, second=second)
    if pace.bucket is not None:
        return replace(pace, bucket=cut(pace.bucket, second, now)) if second.is_beyond else pace
    several = batch.throttled >= pace.several(NEW_NUMBER) and batch.throttled > NEW_SHARE * batch.total
    is_site_limit = pace.may_limit and not (pace.limit.minute.is_beyond or pace.limit.before.is_beyond)
    return replace(pace, bucket=first_cut(second, now)) if several and not is_site_limit else pace


def _streams(pace: ServicePace, batch: BatchTally) -> int:
    troubled = batch.throttled + batch.failed
    if troubled > MANY_TROUBLED * batch.total and troubled >= FEWEST_TROUBLED:
        return max(FEWEST_STREAMS, pace.streams // 2)
    if batch.latency_s and pace.usual_s and batch.latency_s > max(SLOW_S, SLOW_TIMES * pace.usual_s):
        return max(FEWEST_STREAMS, pace.streams * 3 // 4)
    if batch.total < pace.streams:
        return pace.streams  # not used up: nothing was learned about more
    return min(MOST_STREAMS, pace.streams + 8 + pace.streams // 4)


def _usual_s(usual_s: float | None, latency_s: float | None) -> float | None:
    """Follows a quicker service at once and a slower one slowly."""
    if usual_s is None or latency_s is None:
        return usual_s if latency_s is None else latency_s
    return min(latency_s, usual_s + 0.05 * (latency_s - usual_s))


def _rest(pace: ServicePace, batch: BatchTally, now: datetime) -> ServicePace:
    failing = frozenset[int]() if batch.answered else frozenset(list(pace.failing | batch.different)[:MOST_FAILING])
    failures = 0 if batch.answered else pace.failures + 1
    if not pace.is_open and len(failing) < pace.several(FEWEST_TO_OPEN):
        failures = min(failures, FAILURES_TO_OPEN - 1)
    rest_s = asked_s = 0.0
    if failures >= FAILURES_TO_OPEN:
        rest_s = min(LONGEST_REST_S, FIRST_REST_S * 2 ** min(failures - FAILURES_TO_OPEN, 10))
    throttled = batch.throttled + batch.failed
    if throttled > batch.total / 2 and len(failing | batch.different) >= pace.several(FEWEST_TO_ASK):
        asked_s = min(batch.asked_s, LONGEST_ASKED_S)
    rest_s = max(rest_s, asked_s)
    rests_until = now + timedelta(seconds=rest_s) if rest_s else None
    return replace(pace, failures=failures, failing=failing, rests_until=rests_until, asked=asked_s > 0)


def _sent_lately(limit: Limit, now: datetime) -> int:
    """About how many were sent in the last 60 s: all of this minute, and of the one before what reaches into them."""
    if limit.before.started_at is None:
        return limit.minute.sent
    reaches = (limit.before.started_at + 2 * _MINUTE - now) / _MINUTE
    return limit.minute.sent + ceil(limit.before.sent * min(1.0, max(0.0, reaches)))


def _roll(limit: Limit, now: datetime, *, may_limit: bool) -> Limit:
    """Close the minute that is over, and see whether it looked limited, or whether the limit may be lifted."""
    started_at = limit.minute.started_at
    if started_at is None or now < started_at + _MINUTE:
        return limit
    limited_minutes = 0 if limit.minute.is_beyond else limit.limited_minutes + limit.minute.looks_limited
    limit = replace(limit, minute=Minute(), before=limit.minute, limited_minutes=limited_minutes)
    if limit.per_minute is None:
        if may_limit and limited_minutes >= LIMITED_MINUTES:
            return replace(limit, per_minute=LIMITED_PER_MINUTE, lifts_at=now + LIFT_AFTER)
    elif limit.lifts_at is not None and now >= limit.lifts_at:
        # An hour without a 429: try twice as many, and in the end as many as there are.
        if 2 * limit.per_minute > LIFTED:
            return replace(limit, per_minute=None, lifts_at=None, limited_minutes=0)
        return replace(limit, per_minute=2 * limit.per_minute, lifts_at=now + LIFT_AFTER)
    return limit
